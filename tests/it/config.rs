//! The configuration file: keys, diagnostics, reloads.

use std::{fs, os::unix::fs::symlink, path::PathBuf, time::Instant};

use nix::{sys::stat::Mode, unistd::mkfifo};
use rustix::process::Signal;
use sampled::client::{Error, Processes, SampleOptions, Start, TableOptions};

use tokio::time::timeout;

use crate::support::{bus::Bus, home::Home, process::DEADLINE};

/// Writes the configuration file of the user.
fn configure(home: &Home, text: &str) -> PathBuf {
    let dir = home.config().join("sampled");
    fs::create_dir_all(&dir).expect("directory");
    let path = dir.join("config.toml");
    fs::write(&path, text).expect("file");
    path
}

/// Waits until a condition holds that follows from a call of the service.
async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let is_met = async { while !condition().await {} };
    timeout(DEADLINE, is_met).await.expect("the condition");
}

#[test]
fn a_source_that_is_switched_off_has_no_metrics() {
    let home = Home::new();
    configure(&home, "sources.off = ['os']");
    let listed = home.run(&["list"]).ok();
    assert!(listed.contains("memory/physical/used") && !listed.contains("os/kernel"));
    let bus = Bus::activating("");
    configure(&bus, "sources.off = ['memory']");
    let listed = bus.run(&["list"]).ok();
    assert!(!listed.contains("memory/physical/used") && listed.contains("os/kernel"));
}

#[test]
fn an_option_overrides_the_configuration_file() {
    let idle_timeout = |arguments| {
        let bus = Bus::activating(arguments);
        configure(&bus, "idle_timeout = '7s'");
        bus.block_on(async { bus.client().await.proxy().idle_timeout().await.unwrap() })
    };
    assert_eq!(idle_timeout(""), 7_000_000);
    assert_eq!(idle_timeout("--idle-timeout 9s"), 9_000_000);
    assert_eq!(idle_timeout("--idle-timeout never"), u64::MAX);
}

#[test]
fn a_diagnostic_has_the_position_in_the_file() {
    let home = Home::new();
    let path = configure(&home, "\n  idle_time = '1s'\n");
    let expected = format!("sampled: {}:2:3: idle_time: unknown key", path.display());
    let named = ["serve", "--config", path.to_str().unwrap()];
    for command in [&["list"][..], &named] {
        let run = home.run(command);
        assert_eq!(run.code, Some(1));
        let last = run.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with(&expected), "{run:?}");
    }
}

#[test]
fn an_invalid_file_does_not_keep_the_service_from_running() {
    let bus = Bus::activating("");
    configure(&bus, "limits = 1");
    assert!(bus.run(&["list"]).ok().contains("memory/physical/used"));
    let diagnostic = "config.toml:1:10: limits: a table is expected, and integer is given; \
                   running on the defaults";
    assert!(bus.log().contains(diagnostic), "{}", bus.log());
    let check = |diagnostic: Option<&str>| {
        let status = bus.run(&["status"]).ok();
        let sources = bus.run(&["sources"]).ok();
        let has_line = |text: &str| text.lines().any(|line| line.starts_with("config.toml"));
        assert_eq!(has_line(&sources), diagnostic.is_some(), "{sources}");
        let json = bus.run(&["status", "--json"]).ok();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let error = json["configuration_error"].as_str();
        assert_eq!(error.is_some(), diagnostic.is_some(), "{json}");
        if let Some(diagnostic) = diagnostic {
            assert!(status.contains(diagnostic), "{status}");
            assert!(sources.contains(diagnostic), "{sources}");
            assert!(error.unwrap().ends_with(diagnostic), "{json}");
        }
    };
    check(Some(diagnostic));
    let reload = |text: &str, idle_timeout: u64| {
        configure(&bus, text);
        bus.run(&["reload"]).ok();
        bus.block_on(async {
            let client = bus.client().await;
            until(async || client.proxy().idle_timeout().await.unwrap() == idle_timeout).await;
        });
    };
    reload("idle_timeout = '7s'", 7_000_000);
    check(None);
    let path = configure(&bus, "[limit]");
    bus.block_on(async {
        bus.daemon().await.expect("daemon").signal(Signal::HUP);
        let client = bus.client().await;
        until(async || client.sources().await.unwrap().contains_key("config.toml")).await;
    });
    assert!(path.is_file());
    check(Some("; the configuration stays as it was"));
    reload("idle_timeout = '8s'", 8_000_000);
    check(None);
}

#[test]
fn the_process_table_can_be_switched_off() {
    let bus = Bus::activating("");
    configure(&bus, "sources.off = ['process-table']");
    let refused = bus.run(&["processes"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("process-table"), "{refused:?}");
    let listed = bus.run(&["sources"]).ok();
    let mut lines = listed.lines();
    let table = lines.find(|line| line.starts_with("process-table"));
    assert!(table.expect("line").contains("off"), "{listed}");
    bus.run(&["sample", "memory/physical/used"]).ok();
    // A running session gets no tables when the process table is switched off, and does not end.
    configure(&bus, "");
    bus.block_on(async {
        bus.daemon().await.expect("daemon").signal(Signal::HUP);
        let processes = Processes::on(bus.client().await.bus().clone()).await;
        let processes = processes.expect("proxy");
        let every = Start::every_millis(50);
        let deadline = Instant::now() + DEADLINE;
        let mut session = loop {
            assert!(Instant::now() < deadline, "it is still switched off");
            // The service may not have handled the signal yet.
            match processes
                .start(&["rss"], &TableOptions::default(), every.clone())
                .await
            {
                Ok(session) => break session,
                Err(Error::AccessDenied(_)) => {}
                Err(error) => panic!("{error}"),
            }
        };
        session.next().await.expect("a table");
        configure(&bus, "sources.off = ['process-table']");
        bus.daemon().await.expect("daemon").signal(Signal::HUP);
        let (options, timing) = (TableOptions::default(), SampleOptions::default());
        until(async || {
            let snapshot = processes.snapshot(&["rss"], &options, timing).await;
            snapshot.is_err_and(|error| matches!(error, Error::AccessDenied(_)))
        })
        .await;
        session.stop().await.expect("the session goes on");
    });
}

#[test]
fn a_file_given_by_an_option_must_exist() {
    let home = Home::new();
    let run = home.run(&["serve", "--config", "/nonexistent/file"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.starts_with("sampled: /nonexistent/file: "),
        "{run:?}"
    );
}

#[test]
fn a_configuration_file_that_is_not_regular_large_or_not_utf8_is_refused() {
    let home = Home::new();
    let path = configure(&home, "");
    let named = ["serve", "--config", path.to_str().unwrap()];
    let check = |reason: &str| {
        for command in [&["list"][..], &named] {
            let run = home.run(command);
            let expected = format!("sampled: {}: {reason}", path.display());
            let last = run.stderr.lines().last().unwrap_or_default();
            assert_eq!((run.code, last), (Some(1), &*expected));
        }
        fs::remove_file(&path).expect("it can be removed");
    };
    fs::remove_file(&path).expect("it can be removed");
    mkfifo(&path, Mode::S_IRWXU).expect("FIFO");
    check("it is a FIFO, and a regular file is expected");
    symlink("/dev/zero", &path).expect("link");
    check("it is a device, and a regular file is expected");
    let file = fs::File::create(&path).expect("file");
    file.set_len(1 << 30).expect("a sparse file");
    check("it is larger than 1 MiB");
    fs::write(&path, b"\xff").expect("file");
    check("it is not in UTF-8");
}

#[test]
fn a_reload_does_not_block_on_a_fifo() {
    let bus = Bus::activating("");
    let path = configure(&bus, "idle_timeout = '7s'");
    bus.block_on(async {
        let client = bus.client().await;
        let idle_timeout = async || client.proxy().idle_timeout().await.unwrap();
        assert_eq!(idle_timeout().await, 7_000_000);
        fs::remove_file(&path).unwrap();
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        let hang_up = async || bus.daemon().await.expect("daemon").signal(Signal::HUP);
        hang_up().await;
        let expected =
            "it is a FIFO, and a regular file is expected; the configuration stays as it was";
        until(async || {
            idle_timeout().await;
            bus.log().contains(expected)
        })
        .await;
        assert_eq!(idle_timeout().await, 7_000_000);
        fs::remove_file(&path).unwrap();
        configure(&bus, "idle_timeout = '8s'");
        hang_up().await;
        until(async || idle_timeout().await == 8_000_000).await;
    });
}
