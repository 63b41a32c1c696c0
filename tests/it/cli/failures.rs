//! Messages and exit status of commands that fail.

use std::{io::pipe, os::fd::OwnedFd};

use crate::support::{bus::Bus, home::Home, process::Run};

#[test]
fn an_unknown_metric_is_named_with_the_nearest_known_one() {
    let expected = "sampled: cpu/all/usag: no such metric (nearest: cpu/all/usage)";
    let bus = Bus::activating("");
    for command in ["list", "sample", "watch"] {
        let run = bus.run(&[command, "cpu/all/usag"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        assert_eq!(run.stderr.trim_end(), expected);
    }
    let run = Home::new().run(&["sample", "cpu/all/usag"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.stderr.lines().last(), Some(expected));
}

#[test]
fn a_call_that_the_service_refuses_is_a_failure() {
    let bus = Bus::activating("");
    let check = |arguments: &[&str], culprit| {
        let run = bus.run(arguments);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(
            run.stderr.starts_with("sampled: ") && run.stderr.contains(culprit),
            "{run:?}"
        );
        assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    };
    check(&["sample", "cpu//usage"], "cpu//usage");
    check(&["sample", "cpu", "--window", "1ms"], "10 ms");
    check(&["watch", "cpu", "--interval", "999us"], "1 ms");
    check(&["watch", "cpu", "--interval", "2days"], "a day");
}

#[test]
fn without_an_activation_file_the_error_names_sampled_install() {
    let run = Bus::new().run(&["sample", "cpu"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.contains("`sampled install`"), "{run:?}");
}

#[test]
fn a_usage_error_has_exit_status_2() {
    let home = Home::new();
    for arguments in [
        &["frobnicate"][..],
        &[],
        &["sample", "--json", "--csv"],
        &["sample", "--window", "soon"],
        &["watch", "--interval", "0s"],
        &["watch", "--count", "0"],
        &["watch", "--interval"],
        &["--log-level", "loud", "list"],
    ] {
        let run = home.run(arguments);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        assert_ne!(run.stderr, "");
    }
}

#[test]
fn a_broken_pipe_is_a_success() {
    let bus = Bus::activating("");
    for arguments in [&["list"][..], &["sample", "memory"], &["watch", "memory"]] {
        let (reader, writer) = pipe().expect("pipe");
        drop(reader);
        let run = Run::of(bus.sampled(arguments).stdout(OwnedFd::from(writer)));
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}
