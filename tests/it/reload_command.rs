//! `sampled reload` prints what the service has read for it.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use sampled::duration::Timeout;

use crate::support::{
    bus::Bus,
    process::{DEADLINE, Run},
};

/// Definitions of this many metrics.
fn definitions(metrics: usize) -> String {
    let metric = |number| format!("[metrics.'room/desk/{number}']\nfile = '/proc/uptime'\n");
    (0..metrics).map(metric).collect()
}

/// The configuration file and the directory of definitions.
fn files(bus: &Bus) -> (PathBuf, PathBuf) {
    let directory = bus.config().join("sampled");
    fs::create_dir_all(directory.join("sources.d")).unwrap();
    (directory.join("config.toml"), directory.join("sources.d"))
}

/// A bus whose service runs, and that process.
fn running(bus: &Bus) -> u32 {
    bus.run(&["list", "cpu"]).ok();
    bus.block_on(bus.owned()).pid
}

#[test]
fn reload_prints_what_was_read() {
    let bus = Bus::activating("--idle-timeout never");
    let pid = running(&bus);
    let (config, directory) = (
        bus.config().join("sampled/config.toml"),
        bus.config().join("sampled/sources.d"),
    );
    let (shown_config, shown) = (config.display(), directory.display());
    let check = |code, lines: &[String], stderr: &str| {
        let run = bus.run(&["reload"]);
        let first = format!("sampled: reloaded: process {pid}\n");
        let expected: String = lines.iter().map(|line| format!("{line}\n")).collect();
        assert_eq!((run.stdout, &*run.stderr), (first + &expected, stderr));
        assert_eq!(run.code, Some(code));
    };
    let absent = format!("{shown_config}: there is no such file: the defaults apply");
    let nothing = format!("{shown}: there is no such directory");
    check(0, &[absent, nothing], "");
    // No caller has asked for custom metrics yet.
    files(&bus);
    fs::write(&config, "idle_timeout = '7min'").unwrap();
    fs::write(directory.join("one.toml"), definitions(1)).unwrap();
    let read = format!("{shown_config}: read");
    check(
        0,
        &[read.clone(), format!("{shown}: 1 file, 1 metric, 0 errors")],
        "",
    );
    // Errors are those that `sources check` prints.
    fs::write(directory.join("two.toml"), definitions(3) + "colour = 1").unwrap();
    fs::write(directory.join("three.toml"), "[").unwrap();
    let checked = bus.run(&["sources", "check"]);
    let errors: Vec<_> = checked.stdout.lines().map(str::to_owned).collect();
    assert_eq!(errors.len(), 3, "{checked:?}");
    let counts = format!("{shown}: 3 files, 2 metrics, {} errors", errors.len());
    let lines = [&[read, counts][..], &errors].concat();
    check(0, &lines, "");
    // An error in the configuration fails the command; the definitions are read again.
    fs::write(&config, "idle_timeout = 7").unwrap();
    let error = bus.run(&["list", "--local"]).stderr;
    assert!(error.contains("config.toml:1:16"), "{error}");
    let error = error.trim_end();
    check(
        1,
        &lines[1..],
        &format!("{error}; the configuration stays as it was\n"),
    );
    fs::write(&config, "sources.off = ['sources.d']").unwrap();
    check(0, &lines[..1], "");
}

#[test]
fn the_reply_is_about_the_reading_that_reload_has_caused() {
    let bus = Bus::activating("--idle-timeout never");
    let (_, directory) = files(&bus);
    // A link behind a link has no events.
    let (link, stored) = (bus.dir().join("generation"), bus.dir().join("stored"));
    fs::write(&stored, definitions(1)).unwrap();
    symlink(&stored, &link).unwrap();
    symlink(&link, directory.join("room.toml")).unwrap();
    let config = bus.dir().join("config.toml");
    fs::write(&config, "").unwrap();
    bus.run(&["start", "--config", config.to_str().unwrap()])
        .ok();
    let daemon = bus.block_on(bus.owned());
    bus.block_on(async {
        let client = bus.client().await;
        for round in 1..=50 {
            let metrics = 1 + round % 7;
            // A reading of before is under way when the files change.
            daemon.signal(Signal::HUP);
            client.list(&["cpu/all"]).await.unwrap();
            fs::write(&stored, definitions(metrics)).unwrap();
            fs::write(&config, format!("idle_timeout = '{round}h'")).unwrap();
            let reloaded = client.reload().await.unwrap();
            assert_eq!(reloaded.configuration_error, "");
            let read = reloaded.definitions.unwrap();
            assert_eq!((read.files, read.metrics as usize), (1, metrics), "{round}");
            assert_eq!(client.list(&["room"]).await.unwrap().len(), metrics);
            let Timeout(timeout) = format!("{round}h").parse().unwrap();
            let timeout = timeout.unwrap().as_micros() as u64;
            assert_eq!(client.proxy().idle_timeout().await.unwrap(), timeout);
        }
    });
}

#[test]
fn reload_says_that_the_service_reads_other_files() {
    let bus = Bus::activating("--idle-timeout never");
    let (config, directory) = files(&bus);
    let pid = running(&bus);
    let reload = |home: &Path, arguments: &[&str]| {
        let mut reload = bus.sampled(&[&["reload"], arguments].concat());
        Run::within(reload.env("XDG_CONFIG_HOME", home), DEADLINE)
    };
    let differs = |service: &Path, own: &Path| {
        let (service, own) = (service.display(), own.display());
        format!(
            "sampled: the running service (process {pid}) reads {service}; this shell would read {own}\n"
        )
    };
    assert_eq!(reload(&bus.config(), &[]).stderr, "");
    let other = bus.dir().join("other");
    let run = reload(&other, &[]);
    let own = other.join("sampled");
    let expected =
        differs(&config, &own.join("config.toml")) + &differs(&directory, &own.join("sources.d"));
    assert_eq!((run.code, run.stderr), (Some(0), expected));
    let shown = directory.display();
    assert!(
        run.stdout.contains(&format!("{shown}: 0 files, 0 metrics")),
        "{}",
        run.stdout
    );
    // An error in the file of the shell is none of the service.
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("config.toml"), "invalid").unwrap();
    assert_eq!(reload(&other, &[]).code, Some(0));
    let given = other.join("given.toml");
    let run = reload(&bus.config(), &["--config", given.to_str().unwrap()]);
    assert_eq!((run.code, run.stderr), (Some(0), differs(&config, &given)));
}
