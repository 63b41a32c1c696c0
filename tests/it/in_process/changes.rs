//! A running `watch` has the metrics that appear, loses those that vanish, and tells faults and gaps, in both modes.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
};

use rustix::process::Signal;

use super::Modes;
#[cfg(target_arch = "x86_64")]
use crate::suspend::sleep::{is_impossible, suspend};
use crate::{
    cli::frame,
    custom::fixture::{define, sources_d},
    devices::write_interfaces,
    networks::{
        NEEDS, isolated,
        living::{TUNNEL, run},
        may_isolate,
    },
    support::{
        home::{Home, SAMPLED},
        process::{Process, skip},
    },
};

/// A running `watch --json`.
pub(super) struct Watch {
    pub(super) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// The readings and the faults of a frame, by id.
type Frame = BTreeMap<String, String>;

impl Watch {
    pub(super) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("spawn");
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let lines = BufReader::new(stdout).lines();
        Self { child, lines }
    }

    pub(super) fn process(&self) -> Process {
        Process::open(self.child.id()).expect("a child exists until it is waited for")
    }

    pub(super) fn next(&mut self) -> Frame {
        let line = self.lines.next().expect("another frame").expect("a line");
        let (_, readings, faults) = frame(&line);
        let readings = readings.into_iter();
        let readings = readings.map(|(id, value)| (id, value.to_string()));
        let faults = faults.into_iter();
        let faults = faults.map(|(id, fault)| (id, fault.as_str().unwrap().to_owned()));
        readings.chain(faults).collect()
    }

    /// Waits for a frame with this content, and returns the different frames before it.
    fn until(&mut self, expected: &[(&str, &str)]) -> Vec<Frame> {
        let expected = expected.iter();
        let expected: Frame = expected
            .map(|(id, value)| ((*id).to_owned(), (*value).to_owned()))
            .collect();
        let mut before = Vec::new();
        loop {
            let frame = self.next();
            if frame == expected {
                before.dedup();
                return before;
            }
            before.push(frame);
            // A frame comes every 50 ms.
            assert!(
                before.len() < 600,
                "{expected:?} does not come after {:?}",
                before.last()
            );
        }
    }

    /// Closes its output.
    pub(super) fn close(self) -> Child {
        self.child
    }

    pub(super) fn end(mut self) {
        self.process().signal(Signal::TERM);
        self.lines.by_ref().for_each(drop);
        assert!(self.child.wait().unwrap().success());
    }
}

/// Runs the same steps with a `watch` of these selectors in each mode.
fn in_both(modes: &Modes, selectors: &str, steps: impl Fn(&mut Watch)) {
    let arguments = format!("watch {selectors} --json --interval 50ms");
    for mut command in modes.commands(&arguments.split(' ').collect::<Vec<_>>()) {
        let mut watch = Watch::start(&mut command);
        steps(&mut watch);
        watch.end();
    }
}

#[test]
fn a_prefix_gains_and_loses_custom_metrics() {
    let modes = Modes::of_this_machine();
    let directory = sources_d(modes.bus());
    let file = modes.bus().dir().join("value");
    let metric = |id| format!("[metrics.'room/{id}']\nfile = {file:?}\n");
    define(&directory, "room.toml", &metric("desk/a"));
    fs::write(&file, "8").unwrap();
    in_both(&modes, "room", |watch| {
        fs::write(&file, "8").unwrap();
        watch.until(&[("room/desk/a", "8.0")]);
        define(&directory, "more.toml", &metric("desk/b"));
        watch.until(&[("room/desk/a", "8.0"), ("room/desk/b", "8.0")]);
        fs::write(&file, "no number").unwrap();
        watch.until(&[("room/desk/a", "malformed"), ("room/desk/b", "malformed")]);
        fs::remove_file(&file).unwrap();
        watch.until(&[("room/desk/a", "gone"), ("room/desk/b", "gone")]);
        fs::write(&file, "9").unwrap();
        watch.until(&[("room/desk/a", "9.0"), ("room/desk/b", "9.0")]);
        fs::remove_file(directory.join("more.toml")).unwrap();
        watch.until(&[("room/desk/a", "9.0")]);
    });
}

#[test]
fn a_table_has_the_units_of_metrics_that_appear() {
    let modes = Modes::of_this_machine();
    let directory = sources_d(modes.bus());
    let metric = |id| format!("[metrics.'room/{id}']\nexpression = '2048'\nunit = 'By'\n");
    define(&directory, "room.toml", &metric("desk/a"));
    let more = directory.join("more.toml");
    for mut command in modes.commands(&["watch", "room", "--interval", "50ms"]) {
        let mut watch = Watch::start(&mut command);
        let mut until = |expected: &str| {
            let mut before = Vec::new();
            loop {
                let line = watch.lines.next().expect("another line").expect("a line");
                if line == expected {
                    return;
                }
                before.push(line);
                assert!(
                    before.len() < 2000,
                    "{expected} does not come: {:?}",
                    before.last()
                );
            }
        };
        until("room/desk/a  2.0 KiB");
        define(&directory, "more.toml", &metric("desk/b"));
        until("room/desk/b  2.0 KiB");
        fs::remove_file(&more).unwrap();
        watch.end();
    }
}

#[test]
fn an_optional_selector_has_its_metric_once_it_appears() {
    let modes = Modes::of_this_machine();
    let directory = sources_d(modes.bus());
    let text = "[metrics.'room/desk/a']\nexpression = '2'\n";
    define(
        &directory,
        "other.toml",
        "[metrics.'other/x/y']\nexpression = '1'\n",
    );
    in_both(&modes, "room/desk/a other --optional", |watch| {
        watch.until(&[("other/x/y", "1.0")]);
        define(&directory, "room.toml", text);
        watch.until(&[("other/x/y", "1.0"), ("room/desk/a", "2.0")]);
        fs::remove_file(directory.join("room.toml")).unwrap();
        watch.until(&[("other/x/y", "1.0"), ("room/desk/a", "gone")]);
    });
}

#[test]
fn an_id_has_the_fault_gone_while_its_metric_is_away() {
    let modes = Modes::of_this_machine();
    let directory = sources_d(modes.bus());
    let text = "[metrics.'room/desk/a']\nexpression = '2'\n";
    define(&directory, "room.toml", text);
    in_both(&modes, "room/desk/a", |watch| {
        watch.until(&[("room/desk/a", "2.0")]);
        fs::remove_file(directory.join("room.toml")).unwrap();
        watch.until(&[("room/desk/a", "gone")]);
        define(&directory, "room.toml", text);
        watch.until(&[("room/desk/a", "2.0")]);
    });
}

#[test]
fn a_prefix_gains_and_loses_the_metrics_of_a_device() {
    let place = tempfile::tempdir().unwrap();
    let proc = place.path().join("proc");
    write_interfaces(&proc, &["eth0"]);
    let roots = [
        "--procfs",
        proc.to_str().unwrap(),
        "--sysfs",
        "/nonexistent",
    ];
    let modes = Modes::with_roots(roots.map(str::to_owned).into());
    in_both(&modes, "network/eth*/totalDownload", |watch| {
        let [one, two] = ["network/eth0/totalDownload", "network/eth1/totalDownload"];
        watch.until(&[(one, "1000.0")]);
        write_interfaces(&proc, &["eth0", "eth1"]);
        watch.until(&[(one, "1000.0"), (two, "1000.0")]);
        write_interfaces(&proc, &["eth0"]);
        watch.until(&[(one, "1000.0")]);
    });
}

/// The ids of the totals of an interface in a frame.
fn has(frame: &Frame, interface: &str) -> bool {
    frame.contains_key(&format!("network/{interface}/totalDownload"))
}

#[test]
fn a_prefix_gains_and_loses_the_metrics_of_a_real_interface() {
    if !may_isolate() {
        return skip(NEEDS);
    }
    let home = Home::new();
    let script = format!("exec {SAMPLED} watch network --json --interval 50ms --local");
    let mut watch = Watch::start(&mut isolated(&home, &script));
    while !has(&watch.next(), "lo") {}
    let process = watch.process();
    run(&process, TUNNEL);
    while !has(&watch.next(), "t0") {}
    run(&process, "ip link set t0 name renamed");
    let mut frame = watch.next();
    while !has(&frame, "renamed") {
        frame = watch.next();
    }
    assert!(!has(&frame, "t0"), "{frame:?}");
    run(&process, "ip link del renamed");
    while has(&watch.next(), "renamed") {}
    assert!(has(&watch.next(), "lo"));
    watch.end();
}

/// Its output is printed by another thread, which ends ten seconds after a frame: the next one comes later.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_gap_comes_before_the_first_frame_after_a_suspend() {
    if is_impossible() {
        return;
    }
    const UPTIME: &str = "os/system/uptime";
    let home = Home::new();
    let arguments = "watch os/system/uptime os/kernel/name --json --interval 12s --local";
    let mut command = home.sampled(&arguments.split(' ').collect::<Vec<_>>());
    let mut watch = Watch::start(&mut command);
    let first = watch.next();
    suspend(&watch.process(), 8 * 60 * 60);
    let mut frame = watch.next();
    while frame[UPTIME] != "gap" {
        frame = watch.next();
    }
    assert_eq!(frame["os/kernel/name"], first["os/kernel/name"]);
    let uptime = |frame: &Frame| frame[UPTIME].parse::<f64>().unwrap();
    let fresh = watch.next();
    assert!(uptime(&fresh) > uptime(&first) + 8.0 * 60.0 * 60.0);
    watch.end();
}
