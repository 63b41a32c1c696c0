//! The commands of a program that reads in-process end with it.

use rustix::process::Signal;

use super::{Modes, changes::Watch};
use crate::{
    commands::service_end::{DETACHING, commands, nothing_is_left},
    custom::fixture::{define, sources_d},
    support::process::{DEADLINE, Run},
};

/// A `watch` of two commands, in-process, which has read both.
fn watch() -> (Modes, Watch) {
    let modes = Modes::of_this_machine();
    define(&sources_d(modes.bus()), "detaching.toml", DETACHING);
    let [_, mut command] = modes.commands(&["watch", "detaching", "--json", "--interval", "50ms"]);
    let mut watch = Watch::start(&mut command);
    while watch
        .next()
        .values()
        .any(|value| value.parse::<f64>().is_err())
    {}
    // Two subreapers and their commands.
    assert!(commands(modes.bus()).len() > 4);
    (modes, watch)
}

#[test]
fn commands_end_with_a_signal_to_the_program() {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL, Signal::HUP] {
        let (modes, mut watch) = watch();
        watch.process().signal(signal);
        watch.child.wait().unwrap();
        nothing_is_left(modes.bus());
    }
}

#[test]
fn commands_end_when_nobody_reads_the_output() {
    let (modes, watch) = watch();
    let mut child = watch.close();
    child.wait().unwrap();
    nothing_is_left(modes.bus());
}

#[test]
fn commands_end_with_a_program_that_reads_once() {
    let modes = Modes::of_this_machine();
    define(&sources_d(modes.bus()), "detaching.toml", DETACHING);
    let [_, mut here] = modes.commands(&["sample", "detaching", "--timeout", "10s", "--json"]);
    let printed = Run::within(&mut here, DEADLINE).ok();
    assert!(printed.contains("\"detaching/ignores/x\":1.0"), "{printed}");
    nothing_is_left(modes.bus());
}
