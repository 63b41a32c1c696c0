//! The demo, and the example of a client.

use std::{env, fs};

use crate::support::{bus::Bus, home::Home, process::Run};

#[test]
fn the_demo_shows_all_steps_and_leaves_nothing_behind() {
    let home = Home::new();
    let temporary = home.dir().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let run = Run::of(home.sampled(&["demo"]).env("TMPDIR", &temporary));
    assert_eq!(run.stderr, "");
    let output = run.ok();
    let steps = [
        "serve --idle-timeout",
        "Nobody owns io.github.sampled.Sampler1",
        "memory/physical/used",
        "Start: session ",
        "Stop: ",
        "gave the name up",
        "nothing is left",
    ];
    let positions: Vec<_> = steps.iter().map(|step| output.find(step)).collect();
    assert!(
        positions.iter().all(Option::is_some) && positions.is_sorted(),
        "{output}"
    );
    assert_eq!(output.matches(" ms  ").count(), 5, "{output}");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    assert_eq!(home.processes().len(), 0);
}

#[test]
fn without_dbus_daemon_the_demo_says_what_to_install() {
    let home = Home::new();
    let run = Run::of(home.sampled(&["demo"]).env("PATH", "/nonexistent"));
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("apt install dbus-daemon"), "{run:?}");
}

#[test]
fn the_example_shows_five_frames() {
    let program = env::current_exe().expect("this program");
    // cargo puts examples beside the directory of the test programs.
    let examples = program.ancestors().nth(2).expect("target").join("examples");
    let client = examples.join("client");
    assert!(client.is_file(), "build it by `cargo build --examples`");
    let bus = Bus::activating("");
    let output = Run::of(&mut bus.command(client.to_str().expect("UTF-8"))).ok();
    let lines: Vec<_> = output.lines().collect();
    let position = |line: &str| lines.iter().position(|other| *other == line);
    let frames = position("Five frames, two a second:").expect("frames");
    let stopped = position("Stopped.").expect("the end of the session");
    assert_eq!(stopped - frames, 1 + 5, "{output}");
    let processes = position("The five processes that use most of a CPU:");
    assert_eq!(processes, Some(stopped + 1), "{output}");
    assert_eq!(lines.len(), stopped + 2 + 5, "{output}");
}
