//! Standard output that takes nothing: full, closed from the start, or without a reader.

use std::{fs::File, io::pipe, process::Stdio};

use crate::{
    custom::fixture::{define, sources_d},
    support::{
        home::{Home, SAMPLED},
        process::Run,
    },
};

/// Commands that print and succeed.
const COMMANDS: &[&str] = &[
    "--help",
    "--version",
    "help list",
    "ps --help",
    "list memory/physical",
    "list memory/physical --json",
    "list memory/physical --csv",
    "sample memory/physical",
    "sample memory/physical --json",
    "watch memory/physical --count 1",
    "watch memory/physical --count 1 --csv",
    "ps --limit 1",
    "ps --by user --json",
    "sources",
    "sources --json",
    "sources check --no-read",
];

fn home() -> Home {
    let home = Home::new();
    let text = "[metrics.'a/b/c']\nexpression = '1'\n";
    define(&sources_d(&home), "a.toml", text);
    home
}

/// The output of a command that prints to this file.
fn printing_to(home: &Home, command: &str, stdout: impl Into<Stdio>) -> Run {
    let words: Vec<_> = command.split(' ').collect();
    let mut command = home.sampled(&words);
    let child = command.stdout(stdout).stderr(Stdio::piped()).spawn();
    Run::from(child.expect("spawn").wait_with_output().expect("output"))
}

/// The output of a command with redirections of sh(1).
fn redirected(home: &Home, command: &str, redirections: &str) -> Run {
    let script = format!("exec \"$0\" {command} {redirections}");
    Run::of(home.command("sh").args(["-c", &script, SAMPLED]))
}

/// Asserts that a command has failed with this error of standard output.
#[track_caller]
fn check(command: &str, run: &Run, error: &str) {
    let message = format!("sampled: standard output: {error}");
    assert_eq!(run.code, Some(1), "{command}: {run:?}");
    let last = run.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with(&message), "{command}: {run:?}");
}

#[test]
fn a_full_device_is_a_failure() {
    let home = home();
    for command in COMMANDS.iter().chain(&["status", "status --json"]) {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let run = printing_to(&home, command, full);
        check(command, &run, "No space left on device");
    }
}

#[test]
fn a_closed_output_is_a_failure() {
    let home = home();
    for command in COMMANDS.iter().chain(&["status", "status --json"]) {
        for closed in [">&-", "<&- >&-"] {
            let run = redirected(&home, command, closed);
            check(command, &run, "Bad file descriptor");
        }
    }
}

#[test]
fn an_output_that_goes_nowhere_is_no_failure() {
    let home = home();
    for command in COMMANDS {
        // The second opens it for reading too, as Rust's runtime does in place of a closed output.
        for nowhere in [">/dev/null", "1<>/dev/null", "<&- >/dev/null"] {
            redirected(&home, command, nowhere).ok();
        }
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let home = home();
    for command in COMMANDS {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let run = printing_to(&home, command, writer);
        assert_eq!(run.code, Some(0), "{command}: {run:?}");
        assert!(!run.stderr.contains("standard output"), "{run:?}");
    }
}
