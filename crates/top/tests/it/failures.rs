//! The messages of a program that cannot run.

use std::process::{Command, Output};

use crate::support::bus::{Bus, TOP};

#[track_caller]
fn check(output: Output, expected: &str) {
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.starts_with("sampled-top: ") && stderr.contains(expected),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(output.stdout.is_empty());
}

#[test]
fn no_terminal_is_an_error() {
    let bus = Bus::new();
    check(
        bus.command(TOP).output().unwrap(),
        "standard output is no terminal",
    );
}

#[test]
fn a_full_standard_output_is_an_error() {
    let bus = Bus::new();
    for argument in ["--help", "--version"] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = bus.command(TOP).arg(argument).stdout(full).output();
        check(output.unwrap(), "standard output: No space left");
        // A reader that has gone is none.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = bus.command(TOP).arg(argument).stdout(writer).output();
        let output = output.unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    }
    let output = bus.command(TOP).arg("--hepl").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("'--hepl'") && output.stdout.is_empty(),
        "{said}"
    );
}

/// Runs a command in a terminal that script(1) makes; its standard error is a pipe.
fn in_terminal(mut script: Command, command: &str) -> Output {
    let file = format!("{command} 2>err; echo $? >code");
    script.args(["-qec", &file, "/dev/null"]);
    script.output().expect("script")
}

#[test]
fn without_a_bus_or_a_metric_it_says_so() {
    let bus = Bus::new();
    let check = |arguments: &str, address: Option<&str>, expected: &str| {
        let mut script = bus.command("script");
        script.current_dir(bus.home());
        if let Some(address) = address {
            script.env("DBUS_SESSION_BUS_ADDRESS", address);
        }
        in_terminal(script, &format!("{TOP} {arguments}"));
        let read = |name| std::fs::read_to_string(bus.home().join(name)).unwrap();
        let (code, words) = (read("code"), read("err"));
        assert_eq!(code.trim(), "1", "{words}");
        assert!(words.contains(expected), "{words}");
    };
    check(
        "",
        Some("unix:path=/nonexistent"),
        "no session bus can be reached",
    );
    check(
        "",
        Some("unix:path=/nonexistent"),
        "`sampled watch --local` reads this machine without one",
    );
    check("no/such/metric", None, "no/such/metric");
    check("'a//b'", None, "a//b");
}
