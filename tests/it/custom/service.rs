//! Custom metrics of a service: `List`, `Sample`, `Sources` and sessions.

use std::{fs, time::Instant};

use futures_util::StreamExt;
use sampled::{
    client::{Client, Error, Frame, SampleOptions, Start},
    reading::{Fault, Value},
};
use tokio::time::timeout;

use super::fixture::{define, number, sources_d};
use crate::support::{bus::Bus, process::DEADLINE};

/// A bus whose user has defined `room/desk/temperature`.
fn bus_with_definition() -> (Bus, std::path::PathBuf, String) {
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

const ID: &str = "room/desk/temperature";

/// Samples a metric until the blocking pool has answered, which may be late on a busy machine.
async fn value(client: &Client, id: &str) -> Value {
    let start = Instant::now();
    loop {
        let ids = [id];
        let sample = client.sample(&ids, SampleOptions::default());
        match timeout(DEADLINE, sample).await.unwrap() {
            Ok(mut sample) => match sample.readings.remove(id) {
                Some(value) => return value,
                None => assert_eq!(sample.faults[id], Fault::Timeout),
            },
            // The definition is not read yet.
            Err(Error::UnknownMetric(_)) => {}
            Err(error) => panic!("{error}"),
        }
        assert!(start.elapsed() < DEADLINE, "no answer of the blocking pool");
    }
}

/// Samples a metric until it has this value: on a busy machine, a changed definition may be read after the next call.
async fn wait_for_value(client: &Client, id: &str, expected: f64) {
    let start = Instant::now();
    while value(client, id).await != Value::Number(expected) {
        assert!(start.elapsed() < DEADLINE, "{id} is not {expected}");
    }
}

#[test]
fn a_session_has_custom_metrics_and_those_of_the_kernel() {
    let (bus, ..) = bus_with_definition();
    bus.block_on(async {
        let client = bus.client().await;
        let selectors = ["cpu/all/usage", ID];
        let mut session = client
            .start(&selectors, Start::every_millis(60))
            .await
            .unwrap();
        assert_eq!(session.columns(), selectors);
        // The first frame has no rate, and a slow file answers later.
        let has_both = |frame: Frame| {
            let usage = frame.reading("cpu/all/usage");
            frame.reading(ID) == Some(number(21.5)) && matches!(usage, Some(Ok(Value::Number(_))))
        };
        let both = async { while !has_both(session.next().await.unwrap()) {} };
        timeout(DEADLINE, both).await.expect("both readings");
        let metric = &client.list(&["room"]).await.unwrap()[ID];
        let metadata = [&metric.name, &metric.unit, &metric.kind, &metric.source];
        assert_eq!(metadata, ["Desk", "Cel", "gauge", "sources.d/room.toml"]);
        fs::write(bus.dir().join("temperature"), "22000").unwrap();
        wait_for_value(&client, ID, 22.0).await;
    });
}

#[test]
fn a_running_session_follows_saved_definitions() {
    let (bus, directory, text) = bus_with_definition();
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
        until(ID, Some(number(21.5))).await;
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
        until(ID, Some(number(21500.0))).await;
        assert_eq!(change().await, (vec![ID.to_owned()], vec![ID.to_owned()]));
        assert_eq!(client.list(&[ID]).await.unwrap()[ID].unit, "mCel");
        // A half saved file leaves all definitions in effect.
        define(&directory, "room.toml", &text[..40]);
        let sources = client.sources().await.unwrap();
        let source = &sources["sources.d/room.toml"];
        assert_eq!((&*source.state, source.metrics), ("failing", 1));
        assert!(source.error.contains("room.toml:2:"), "{}", source.error);
        until(ID, Some(number(21500.0))).await;
        fs::remove_file(directory.join("room.toml")).unwrap();
        until(ID, None).await;
        assert_eq!(change().await, (vec![], vec![ID.to_owned()]));
        until("room/desk/double", Some(Err(Fault::Gone))).await;
    });
}

#[test]
fn a_saved_definition_takes_effect_without_a_session() {
    let (bus, directory, text) = bus_with_definition();
    bus.block_on(async {
        let client = bus.client().await;
        wait_for_value(&client, ID, 21.5).await;
        for scale in 2..6 {
            let text = text.replace("0.001", &scale.to_string());
            define(&directory, "room.toml", &text);
            let expected = 21500.0 * f64::from(scale);
            wait_for_value(&client, ID, expected).await;
            let id = format!("room/desk/n{scale}");
            define(&directory, "more.toml", &text.replace(ID, &id));
            wait_for_value(&client, &id, expected).await;
        }
    });
}

#[test]
fn sources_lists_diagnostics_before_any_metric_is_read() {
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
    let (bus, directory, _) = bus_with_definition();
    let config = directory.parent().unwrap().join("config.toml");
    fs::write(config, "sources.off = ['sources.d']").unwrap();
    let run = bus.run(&["sample", ID]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("sources.d is switched off"), "{run:?}");
    let sources = bus.run(&["sources", "--json"]).ok();
    let sources: serde_json::Value = serde_json::from_str(&sources).unwrap();
    assert_eq!(sources["sources.d"]["state"], "off");
}

#[test]
fn reloads_leave_no_memory_threads_or_descriptors_behind() {
    let (bus, directory, text) = bus_with_definition();
    bus.block_on(async {
        let client = bus.client().await;
        let reload = async |times: u32| {
            for time in 0..times {
                let scale = if time % 2 == 0 { "1" } else { "2" };
                define(&directory, "room.toml", &text.replace("0.001", scale));
                let expected = 21500.0 * f64::from(time % 2 + 1);
                wait_for_value(&client, ID, expected).await;
            }
        };
        reload(100).await;
        let daemon = bus.daemon().await.unwrap();
        let count = |directory| {
            let entries = fs::read_dir(format!("/proc/{}/{directory}", daemon.pid)).unwrap();
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
        let start = Instant::now();
        while count("fd") != before.0 {
            assert!(start.elapsed() < DEADLINE, "{} {}", count("fd"), before.0);
            reload(1).await;
        }
    });
}

#[test]
fn a_session_notices_that_the_directory_appears_and_vanishes() {
    let (bus, directory, _) = bus_with_definition();
    bus.block_on(async {
        let client = bus.client().await;
        let mut session = client
            .start(&["room"], Start::every_millis(60))
            .await
            .unwrap();
        let mut until = async |expected: Option<sampled::reading::Reading>| {
            loop {
                let frame = timeout(DEADLINE, session.next()).await.unwrap().unwrap();
                if frame.reading(ID) == expected {
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
