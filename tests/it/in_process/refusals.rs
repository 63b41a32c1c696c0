//! In-process mode refuses the same as the service, with the same message.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use nix::{
    sys::stat::Mode,
    unistd::{Uid, mkfifo},
};

use super::Modes;
use crate::{
    custom::fixture::{define, sources_d},
    support::process::{DEADLINE, Run},
};

/// Checks that both modes refuse this with the same message, which contains a text.
#[track_caller]
fn refuse(modes: &Modes, arguments: &[&str], expected: &str) {
    let (stdout, stderr) = modes.agree(arguments);
    assert_eq!(stdout, "");
    assert!(stderr.contains(expected), "{expected}: {stderr}");
}

#[test]
fn selectors_are_refused_alike() {
    let modes = Modes::of_laptop();
    let long = "x".repeat(257);
    let many: Vec<_> = (0..4097).map(|number| format!("m{number}")).collect();
    let bytes: Vec<_> = (0..1100).map(|number| format!("{number:0>250}")).collect();
    for command in ["list", "sample", "watch"] {
        let check = |selectors: &[&str], expected: &str| {
            refuse(&modes, &[&[command], selectors].concat(), expected);
        };
        check(&["cpu/all/usgae"], "(nearest: cpu/all/usage)");
        check(&["memory", "gpu/card9"], "gpu/card9: no such metric");
        check(&["weather"], "(sources: cpu, ");
        check(&[""], "");
        check(&["cpu//usage"], "cpu//usage");
        check(&["cpu/ä"], "cpu/ä");
        check(&[&long], "256 bytes");
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        check(
            &many,
            "more than 4096 selectors in one call (limits.selectors)",
        );
        let bytes: Vec<_> = bytes.iter().map(String::as_str).collect();
        check(
            &bytes,
            "more than 262144 bytes of selectors in one call (limits.selector_bytes)",
        );
    }
}

#[test]
fn intervals_and_windows_have_the_same_bounds() {
    let modes = Modes::of_laptop();
    let check = |arguments: &str, expected: &str| {
        refuse(&modes, &arguments.split(' ').collect::<Vec<_>>(), expected);
    };
    check("watch memory --interval 0s", "an interval is at least 1us");
    check("watch memory --interval 1ns", "an interval is at least 1us");
    check(
        "watch memory --interval 100us",
        "100: an interval of a stream is between 1000 µs",
    );
    check(
        "watch memory --interval 1.5d",
        "129600000000: an interval is between 50000 µs",
    );
    check("watch memory --interval 300d", "an interval is between");
    check(
        "watch nosuch --optional --interval 5ms",
        "a stream has no columns that come later",
    );
    for command in ["sample memory", "ps"] {
        for window in ["0s", "9ms", "11s", "1d"] {
            check(&format!("{command} --window {window}"), "option window: ");
        }
    }
}

#[test]
fn limits_of_the_configuration_hold_in_both_modes() {
    let modes = Modes::of_laptop().configured(
        "sources.off = ['process-table', 'cpuinfo']\n\
         [limits]\nselectors = 3\nselector_bytes = 60\ncolumns = 4\npattern_bytes = 10\n",
    );
    let check = |arguments: &str, expected: &str| {
        refuse(&modes, &arguments.split(' ').collect::<Vec<_>>(), expected);
    };
    check(
        "list a b c d",
        "more than 3 selectors in one call (limits.selectors)",
    );
    check(
        &format!("sample {}", "a".repeat(61)),
        "more than 60 bytes of selectors",
    );
    check("watch memory", "a client has at most 4 (limits.columns)");
    check(
        "watch memory --interval 5ms",
        "a client has at most 4 (limits.columns)",
    );
    check(
        "sample cpu/all/cpuCount",
        "the source cpuinfo is switched off in config.toml",
    );
    check("ps", "process-table switched off (sources.off)");
    let modes = Modes::of_laptop().configured("[limits]\npattern_bytes = 10\n");
    let check = |arguments: &str, expected: &str| {
        refuse(&modes, &arguments.split(' ').collect::<Vec<_>>(), expected);
    };
    check(
        "ps --filter name=abcdefghijk",
        "a pattern has at most 10 (limits.pattern_bytes)",
    );
}

#[test]
fn a_stream_has_as_many_columns_in_both_modes() {
    let modes = Modes::of_this_machine();
    let metric = |number| format!("[metrics.'a/b/m{number}']\nfile = '/proc/uptime'\n");
    let text: String = (0..512).map(metric).collect();
    define(&sources_d(modes.bus()), "many.toml", &text);
    refuse(
        &modes,
        &["watch", "a", "--interval", "5ms"],
        "512 columns are asked for: a stream has at most 511",
    );
}

/// The commands that read in this process.
const COMMANDS: [&str; 5] = [
    "list memory",
    "sample memory",
    "watch memory --count 1",
    "ps --limit 1",
    "sources",
];

/// A configuration that cannot be read is an error at once, which names the file. The service, which has no person to tell,
/// runs on the defaults and has the error in `Sources`.
#[test]
fn a_configuration_that_cannot_be_read_is_an_error() {
    let check = |make: &dyn Fn(&Path), expected: &str| {
        let modes = Modes::of_this_machine();
        let directory = modes.bus().config().join("sampled");
        fs::create_dir_all(&directory).unwrap();
        let file = directory.join("config.toml");
        make(&file);
        let expected = format!("{}: {expected}", file.display()).replace(": :", ":");
        let [service, _] = modes.run(&["sources"]);
        let listed = service.ok();
        assert!(listed.contains(&expected), "{expected}: {listed}");
        for command in COMMANDS {
            let arguments: Vec<_> = command.split(' ').collect();
            let [_, mut here] = modes.commands(&arguments);
            let run = Run::within(&mut here, DEADLINE);
            assert_eq!((run.code, &*run.stdout), (Some(1), ""), "{command} {run:?}");
            assert!(run.stderr.contains(&expected), "{command}: {}", run.stderr);
        }
    };
    let expects_file = |what: &str| format!("it is a {what}, and a regular file is expected");
    check(
        &|file| mkfifo(file, Mode::S_IRWXU).unwrap(),
        &expects_file("FIFO"),
    );
    check(
        &|file| fs::create_dir(file).unwrap(),
        &expects_file("directory"),
    );
    check(
        &|file| symlink("/dev/zero", file).unwrap(),
        &expects_file("device"),
    );
    check(
        &|file| fs::write(file, "#".repeat(2 << 20)).unwrap(),
        "it is larger than 1 MiB",
    );
    check(
        &|file| fs::write(file, "a = [").unwrap(),
        ":1:6: unclosed array",
    );
    if !Uid::effective().is_root() {
        let unreadable = |file: &Path| {
            fs::write(file, "").unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o000)).unwrap();
        };
        check(&unreadable, "Permission denied");
    }
}
