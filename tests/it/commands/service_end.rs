//! The commands of a service end with it.

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

/// Two commands: one ignores SIGTERM and has a child in another session; the other has all its children in another
/// session.
pub(crate) const DETACHING: &str = r#"
[commands.ignores-signals]
shell = "trap '' TERM; (setsid sleep 1000 &); echo 1; while :; do sleep 1000; done"
lines = true
[metrics."detaching/ignores/x"]
command = "ignores-signals"

[commands.only-children]
shell = "setsid sh -c 'sleep 1000; sleep 1000' & echo 2; exec sleep 1000"
lines = true
[metrics."detaching/children/x"]
command = "only-children"
"#;

/// Runs these commands in a service with these arguments. Returns the process of the service, if it has not exited
/// yet.
fn start(arguments: &str) -> (Bus, Option<Process>) {
    let bus = Bus::activating(arguments);
    define(&sources_d(&bus), "detaching.toml", DETACHING);
    let daemon = bus.block_on(async {
        let client = bus.client().await;
        let options = SampleOptions {
            timeout: Some(DEADLINE),
            ..SampleOptions::default()
        };
        let sample = client.sample(&["detaching"], options).await.unwrap();
        assert_eq!(sample.readings.len(), 2, "{sample:?}");
        bus.daemon().await
    });
    (bus, daemon)
}

/// The commands of the service and their subreapers: they have the home of the user in their environment, but not
/// the variables of processes that the tests start.
pub(crate) fn commands(home: &Home) -> Vec<Process> {
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse().ok()
    });
    let is_command = |process: &Process| {
        let environment = environment(process.pid);
        let has = |text: &str| {
            let mut variables = environment.split(|&byte| byte == 0);
            variables.any(|variable| variable.starts_with(text.as_bytes()))
        };
        has(&format!("HOME={}", home.dir().display())) && !has(&format!("{MARK}="))
    };
    numbers
        .filter_map(Process::open)
        .filter(is_command)
        .collect()
}

#[track_caller]
pub(crate) fn nothing_is_left(home: &Home) {
    loop {
        let commands = commands(home);
        if commands.is_empty() {
            return;
        }
        commands.iter().for_each(Process::wait);
    }
}

#[test]
fn commands_end_when_the_service_gets_a_signal() {
    for signal in [Signal::KILL, Signal::TERM] {
        let (bus, daemon) = start("--idle-timeout never");
        // Two subreapers and their commands.
        assert!(commands(&bus).len() > 4);
        let daemon = daemon.expect("it has no idle timeout");
        daemon.signal(signal);
        daemon.wait();
        nothing_is_left(&bus);
    }
}

#[test]
fn commands_end_at_the_idle_timeout() {
    let (bus, daemon) = start("--idle-timeout 50ms");
    daemon.iter().for_each(Process::wait);
    nothing_is_left(&bus);
}

#[test]
fn commands_end_when_their_definition_is_deleted() {
    let (bus, daemon) = start("--idle-timeout never");
    fs::remove_file(sources_d(&bus).join("detaching.toml")).unwrap();
    // The call makes the service read the definitions.
    let listed = bus.run(&["list", "detaching"]);
    assert_eq!(listed.code, Some(1), "{listed:?}");
    nothing_is_left(&bus);
    assert!(daemon.expect("it has no idle timeout").is_running());
}
