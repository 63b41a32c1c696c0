//! Custom metrics in the service: sessions, `List` and `Sources`.

use std::fs;

use futures_util::StreamExt;
use sampled::{
    client::{SampleOptions, Start},
    reading::{Fault, Value},
};
use tokio::time::timeout;

use super::fixture::{define, number, sources_d};
use crate::support::{bus::Bus, process::DEADLINE};

/// A bus whose user has defined `room/desk/temperature`.
fn room() -> (Bus, std::path::PathBuf, String) {
    let bus = Bus::activating("");
    let directory = sources_d(&bus);
    let file = bus.dir().join("temperature");
    fs::write(&file, "21500\n").unwrap();
    let text = format!(
        "[metrics.\"room/desk/temperature\"]\nname = \"Desk\"\nunit = \"Cel\"\nfile = {file:?}\n\
         scale = 0.001\n"
    );
    define(&directory, "room.toml", &text);
    (bus, directory, text)
}

const DESK: &str = "room/desk/temperature";

#[test]
fn a_sensor_beside_the_cpu() {
    let (bus, ..) = room();
    bus.block_on(async {
        let client = bus.client().await;
        let selectors = ["cpu/all/usage", DESK];
        let mut session = client
            .start(&selectors, Start::every_millis(60))
            .await
            .unwrap();
        assert_eq!(session.columns(), selectors);
        session.next().await.unwrap();
        let frame = session.next().await.unwrap();
        assert_eq!(frame.reading(DESK), Some(number(21.5)));
        assert!(matches!(
            frame.reading("cpu/all/usage"),
            Some(Ok(Value::Number(_)))
        ));
        let metric = &client.list(&["room"]).await.unwrap()[DESK];
        let facts = [&metric.name, &metric.unit, &metric.kind, &metric.source];
        assert_eq!(facts, ["Desk", "Cel", "gauge", "sources.d/room.toml"]);
        fs::write(bus.dir().join("temperature"), "22000").unwrap();
        let sample = client
            .sample(&[DESK], SampleOptions::default())
            .await
            .unwrap();
        assert_eq!(sample.readings[DESK], Value::Number(22.0));
    });
}

#[test]
fn a_session_takes_saved_definitions() {
    let (bus, directory, text) = room();
    bus.block_on(async {
        let client = bus.client().await;
        let mut catalog = client.proxy().receive_catalog_changed().await.unwrap();
        let mut session = client
            .start(&["room"], Start::every_millis(60))
            .await
            .unwrap();
        let mut until = async |id: &str, expected: Option<sampled::reading::Reading>| {
            loop {
                let frame = timeout(DEADLINE, session.next()).await.unwrap().unwrap();
                if frame.reading(id) == expected {
                    break;
                }
            }
        };
        until(DESK, Some(number(21.5))).await;
        let mut change = async || {
            let change = timeout(DEADLINE, catalog.next()).await.unwrap().unwrap();
            let change = change.args().unwrap();
            (change.appeared, change.vanished)
        };
        // One more metric, from an expression.
        let double = "[metrics.'room/desk/double']\nexpression = '2 * room/desk/temperature'";
        define(&directory, "double.toml", double);
        until("room/desk/double", Some(number(43.0))).await;
        assert_eq!(
            change().await,
            (vec!["room/desk/double".to_owned()], vec![])
        );
        // The same metric in another unit.
        define(
            &directory,
            "room.toml",
            &text.replace("0.001", "1").replace("Cel", "mCel"),
        );
        until(DESK, Some(number(21500.0))).await;
        assert_eq!(
            change().await,
            (vec![DESK.to_owned()], vec![DESK.to_owned()])
        );
        assert_eq!(client.list(&[DESK]).await.unwrap()[DESK].unit, "mCel");
        // A half saved file: all definitions stay.
        define(&directory, "room.toml", &text[..40]);
        let sources = client.sources().await.unwrap();
        let source = &sources["sources.d/room.toml"];
        assert_eq!((&*source.state, source.metrics), ("failing", 1));
        assert!(source.error.contains("room.toml:2:"), "{}", source.error);
        until(DESK, Some(number(21500.0))).await;
        fs::remove_file(directory.join("room.toml")).unwrap();
        until(DESK, None).await;
        assert_eq!(change().await, (vec![], vec![DESK.to_owned()]));
        until("room/desk/double", Some(Err(Fault::Gone))).await;
    });
}

#[test]
fn a_new_definition_counts_at_the_next_call() {
    let (bus, directory, text) = room();
    bus.block_on(async {
        let client = bus.client().await;
        let sample = async |id: String| {
            let patient = SampleOptions {
                timeout: Some(DEADLINE),
                ..SampleOptions::default()
            };
            let sample = client.sample(&[&id], patient).await;
            sample.map(|mut sample| sample.readings.remove(&id))
        };
        assert_eq!(
            sample(DESK.to_owned()).await.unwrap(),
            Some(Value::Number(21.5))
        );
        for scale in 2..6 {
            let text = text.replace("0.001", &scale.to_string());
            define(&directory, "room.toml", &text);
            let value = Value::Number(21500.0 * f64::from(scale));
            assert_eq!(sample(DESK.to_owned()).await.unwrap(), Some(value));
            let id = format!("room/desk/n{scale}");
            define(&directory, "more.toml", &text.replace(DESK, &id));
            assert!(sample(id).await.unwrap().is_some());
        }
    });
}

#[test]
fn diagnostics_are_listed_without_a_request() {
    let bus = Bus::activating("");
    let directory = sources_d(&bus);
    define(&directory, "bad.toml", "[metrics.'a/b']\nfile = '/x'");
    bus.block_on(async {
        let client = bus.client().await;
        let sources = client.sources().await.unwrap();
        let bad = &sources["sources.d/bad.toml"];
        let path = directory.join("bad.toml");
        let expected = format!(
            "{}:1:10: metrics.\"a/b\": an id is source/object/property",
            path.display()
        );
        assert_eq!((&*bad.state, &*bad.error), ("failing", &*expected));
        assert_eq!(sources["sources.d"].state, "ok");
        assert_eq!(sources["memory"].state, "unused");
    });
    let listed = bus.run(&["sources"]).ok();
    assert!(listed.contains("bad.toml:1:10: "), "{listed}");
}

#[test]
fn custom_metrics_can_be_switched_off() {
    let (bus, directory, _) = room();
    let config = directory.parent().unwrap().join("config.toml");
    fs::write(config, "sources.off = ['sources.d']").unwrap();
    let run = bus.run(&["sample", DESK]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("sources.d is switched off"), "{run:?}");
    let sources = bus.run(&["sources", "--json"]).ok();
    let sources: serde_json::Value = serde_json::from_str(&sources).unwrap();
    assert_eq!(sources["sources.d"]["state"], "off");
}

#[test]
fn reloads_leave_the_service_as_it_was() {
    let (bus, directory, text) = room();
    bus.block_on(async {
        let client = bus.client().await;
        let reload = async |times: u32| {
            for time in 0..times {
                let scale = if time % 2 == 0 { "1" } else { "2" };
                define(&directory, "room.toml", &text.replace("0.001", scale));
                let sample = client
                    .sample(&[DESK], SampleOptions::default())
                    .await
                    .unwrap();
                assert!(sample.readings.contains_key(DESK), "{sample:?}");
            }
        };
        reload(100).await;
        let daemon = bus.daemon().await.unwrap();
        let count = |what| {
            let entries = fs::read_dir(format!("/proc/{}/{what}", daemon.pid)).unwrap();
            entries.count()
        };
        // In pages of at least 4 KiB: proc_pid_statm(5).
        let resident = || {
            let statm = fs::read_to_string(format!("/proc/{}/statm", daemon.pid)).unwrap();
            statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap()
        };
        let before = (count("fd"), count("task"), resident());
        reload(200).await;
        assert!(resident() < before.2 + 256, "{} {}", resident(), before.2);
        // A thread that answers late is replaced, and exits after a while without a task.
        assert!(
            count("task") <= before.1 + 4,
            "{} {}",
            count("task"),
            before.1
        );
        while count("fd") != before.0 {
            reload(1).await;
        }
    });
}

#[test]
fn a_session_notices_a_new_directory() {
    let (bus, directory, _) = room();
    bus.block_on(async {
        let client = bus.client().await;
        let mut session = client
            .start(&["room"], Start::every_millis(60))
            .await
            .unwrap();
        let mut until = async |expected: Option<sampled::reading::Reading>| {
            loop {
                let frame = timeout(DEADLINE, session.next()).await.unwrap().unwrap();
                if frame.reading(DESK) == expected {
                    break;
                }
            }
        };
        until(Some(number(21.5))).await;
        // No calls from here on.
        let away = directory.with_extension("away");
        for _ in 0..3 {
            fs::rename(&directory, &away).unwrap();
            until(None).await;
            fs::rename(&away, &directory).unwrap();
            until(Some(number(21.5))).await;
        }
        // A symbolic link to it works, too.
        fs::rename(&directory, &away).unwrap();
        until(None).await;
        std::os::unix::fs::symlink(&away, &directory).unwrap();
        until(Some(number(21.5))).await;
        fs::remove_file(away.join("room.toml")).unwrap();
        until(None).await;
    });
}
