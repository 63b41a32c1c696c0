//! Custom commands end with the service, however it ends.

use std::fs;

use rustix::process::Signal;
use sampled::client::SampleOptions;

use crate::{
    custom::fixture::{define, sources_d},
    support::{
        bus::Bus,
        environment::environment,
        home::{Home, MARK},
        process::{DEADLINE, Process},
    },
};

/// A command that ignores signals and leaves its session, and one that only has children in another session.
const WILD: &str = r#"
[commands.deaf]
shell = "trap '' TERM; (setsid sleep 1000 &); echo 1; while :; do sleep 1000; done"
lines = true
[metrics."wild/deaf/x"]
command = "deaf"

[commands.gone]
shell = "setsid sh -c 'sleep 1000; sleep 1000' & echo 2; exec sleep 1000"
lines = true
[metrics."wild/gone/x"]
command = "gone"
"#;

/// Runs these commands in a service with these arguments. Returns the process of the service, if it has not exited
/// yet.
fn begin(arguments: &str) -> (Bus, Option<Process>) {
    let bus = Bus::activating(arguments);
    define(&sources_d(&bus), "wild.toml", WILD);
    let daemon = bus.block_on(async {
        let client = bus.client().await;
        let patient = SampleOptions {
            timeout: Some(DEADLINE),
            ..SampleOptions::default()
        };
        let sample = client.sample(&["wild"], patient).await.unwrap();
        assert_eq!(sample.readings.len(), 2, "{sample:?}");
        bus.daemon().await
    });
    (bus, daemon)
}

/// The commands of the service and their subreapers: they have the home of the user in their environment, but not
/// the variables of processes that the tests start.
fn commands(home: &Home) -> Vec<Process> {
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse().ok()
    });
    let is_one = |process: &Process| {
        let environment = environment(process.pid);
        let has = |text: &str| {
            let mut variables = environment.split(|&byte| byte == 0);
            variables.any(|variable| variable.starts_with(text.as_bytes()))
        };
        has(&format!("HOME={}", home.dir().display())) && !has(&format!("{MARK}="))
    };
    numbers.filter_map(Process::open).filter(is_one).collect()
}

#[track_caller]
pub(super) fn nothing_is_left(home: &Home) {
    loop {
        let commands = commands(home);
        if commands.is_empty() {
            return;
        }
        commands.iter().for_each(Process::wait);
    }
}

#[test]
fn when_it_is_ended() {
    for signal in [Signal::KILL, Signal::TERM] {
        let (bus, daemon) = begin("--idle-timeout never");
        // Two subreapers and their commands.
        assert!(commands(&bus).len() > 4);
        let daemon = daemon.expect("it stays");
        daemon.signal(signal);
        daemon.wait();
        nothing_is_left(&bus);
    }
}

#[test]
fn at_the_idle_timeout() {
    let (bus, daemon) = begin("--idle-timeout 50ms");
    daemon.iter().for_each(Process::wait);
    nothing_is_left(&bus);
}

#[test]
fn when_its_definition_is_deleted() {
    let (bus, daemon) = begin("--idle-timeout never");
    fs::remove_file(sources_d(&bus).join("wild.toml")).unwrap();
    // A call makes the service read the definitions.
    let listed = bus.run(&["list", "wild"]);
    assert_eq!(listed.code, Some(1), "{listed:?}");
    nothing_is_left(&bus);
    assert!(daemon.expect("it stays").is_running());
}
