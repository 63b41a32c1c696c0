//! The configuration file, as the program takes it.

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use nix::{sys::stat::Mode, unistd::mkfifo};
use rustix::process::Signal;
use sampled::client::{Error, Processes, SampleOptions, Start, TableOptions};

use crate::support::{bus::Bus, home::Home};

/// Writes the user's own file.
fn configure(home: &Home, text: &str) -> PathBuf {
    let dir = home.config().join("sampled");
    fs::create_dir_all(&dir).expect("directory");
    let path = dir.join("config.toml");
    fs::write(&path, text).expect("file");
    path
}

#[test]
fn a_source_that_is_off_has_no_metrics() {
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
fn the_command_line_is_above_the_file() {
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
fn a_mistake_is_named_with_its_place() {
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
fn a_mistake_keeps_nobody_from_being_served() {
    let bus = Bus::activating("");
    configure(&bus, "limits = 1");
    assert!(bus.run(&["list"]).ok().contains("memory/physical/used"));
    let mistake = "config.toml:1:10: limits: a table is expected, and integer is given; \
                   running on the defaults";
    assert!(bus.log().contains(mistake), "{}", bus.log());
    let check = |mistake: Option<&str>| {
        let status = bus.run(&["status"]).ok();
        let sources = bus.run(&["sources"]).ok();
        let is_told = |text: &str| text.lines().any(|line| line.starts_with("config.toml"));
        assert_eq!(is_told(&sources), mistake.is_some(), "{sources}");
        let json = bus.run(&["status", "--json"]).ok();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let told = json["configuration_error"].as_str();
        assert_eq!(told.is_some(), mistake.is_some(), "{json}");
        if let Some(mistake) = mistake {
            assert!(status.contains(mistake), "{status}");
            assert!(sources.contains(mistake), "{sources}");
            assert!(told.unwrap().ends_with(mistake), "{json}");
        }
    };
    check(Some(mistake));
    // It is read again when it is mended, and when it is broken again.
    let read_again = |text: &str, timeout: u64| {
        configure(&bus, text);
        bus.run(&["reload"]);
        bus.block_on(async {
            let client = bus.client().await;
            while client.proxy().idle_timeout().await.unwrap() != timeout {}
        });
    };
    read_again("idle_timeout = '7s'", 7_000_000);
    check(None);
    let path = configure(&bus, "[limit]");
    bus.block_on(async {
        bus.daemon().await.expect("daemon").signal(Signal::HUP);
        let client = bus.client().await;
        while !client.sources().await.unwrap().contains_key("config.toml") {}
    });
    assert!(path.is_file());
    check(Some("; the configuration stays as it was"));
    read_again("idle_timeout = '8s'", 8_000_000);
    check(None);
}

#[test]
fn the_processes_can_be_withheld() {
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
    // A session that runs when they are switched off gets no more of them, and costs nothing.
    configure(&bus, "");
    bus.block_on(async {
        bus.daemon().await.expect("daemon").signal(Signal::HUP);
        let processes = Processes::on(bus.client().await.bus().clone()).await;
        let processes = processes.expect("proxy");
        let every = Start::every_millis(50);
        let mut session = loop {
            // It may not have heard of it yet.
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
        let usual = SampleOptions::default();
        while processes
            .snapshot(&["rss"], &TableOptions::default(), usual)
            .await
            .is_ok()
        {}
        session.stop().await.expect("it is still there");
    });
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let home = Home::new();
    let run = home.run(&["serve", "--config", "/nonexistent/file"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.starts_with("sampled: /nonexistent/file: "),
        "{run:?}"
    );
}

#[test]
fn a_file_that_is_none_is_refused_at_once() {
    let home = Home::new();
    let path = configure(&home, "");
    let named = ["serve", "--config", path.to_str().unwrap()];
    let check = |what: &str| {
        for command in [&["list"][..], &named] {
            let run = home.run(command);
            let expected = format!("sampled: {}: {what}", path.display());
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
fn a_reload_waits_for_nothing() {
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
        let until_logged = async |what: &str| {
            while !bus.log().contains(what) {
                idle_timeout().await;
            }
        };
        until_logged(
            "it is a FIFO, and a regular file is expected; the configuration stays as it was",
        )
        .await;
        assert_eq!(idle_timeout().await, 7_000_000);
        fs::remove_file(&path).unwrap();
        configure(&bus, "idle_timeout = '8s'");
        hang_up().await;
        while idle_timeout().await != 8_000_000 {}
    });
}
