//! Durations that overflow a clock: each option and key refuses them, and nothing panics.

use std::fs;

use crate::support::home::Home;

/// The largest number of 64 bits in seconds, and centuries.
const LONG: [&str; 2] = ["18446744073709551615s", "584years"];

#[test]
fn options_refuse_durations_of_more_than_a_year() {
    let home = Home::new();
    for flag in [
        "serve --idle-timeout",
        "start --idle-timeout",
        "start --timeout",
        "restart --idle-timeout",
        "restart --timeout",
        "stop --timeout",
        "reload --timeout",
        "status --timeout",
        "sample --window",
        "sample --max-age",
        "sample --timeout",
        "watch --interval",
        "processes --window",
    ] {
        for long in LONG {
            let arguments = flag.split(' ').chain([long]);
            let run = home.run(&arguments.collect::<Vec<_>>());
            assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{flag}: {run:?}");
            let flag = flag.split(' ').next_back().unwrap();
            let expected = format!(
                "error: invalid value '{long}' for '{flag} <DURATION>': a duration is at most a year"
            );
            assert!(run.stderr.starts_with(&expected), "{}", run.stderr);
        }
    }
}

#[test]
fn the_configuration_refuses_durations_of_more_than_a_year() {
    let home = Home::new();
    let path = home.dir().join("config.toml");
    for long in LONG {
        fs::write(&path, format!("idle_timeout = '{long}'")).unwrap();
        for command in ["serve", "list"] {
            let run = home.run(&[command, "--config", path.to_str().unwrap()]);
            let expected = format!(
                "sampled: {}:1:16: idle_timeout: \"{long}\" (a duration is at most a year, or \"never\")",
                path.display()
            );
            let last = run.stderr.lines().last().unwrap_or_default();
            assert!(
                run.code == Some(1) && last.starts_with(&expected),
                "{run:?}"
            );
        }
    }
}

#[test]
fn definitions_refuse_durations_of_more_than_a_year() {
    let home = Home::new();
    let directory = home.config().join("sampled/sources.d");
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("long.toml");
    for long in LONG {
        let text = format!(
            "[commands.c]\nargv = ['/bin/true']\ninterval = '{long}'\ntimeout = '{long}'\n\
             [metrics.'a/b/c']\ncommand = 'c'\n\
             [metrics.'a/b/d']\nfile = '/etc/hostname'\nstale_after = '{long}'\n"
        );
        fs::write(&path, text).unwrap();
        let run = home.run(&["sources", "check"]);
        assert_eq!(run.code, Some(1), "{run:?}");
        for (line, key) in [
            ("3:12", "commands.c.interval"),
            ("4:11", "commands.c.timeout"),
            ("9:15", "metrics.\"a/b/d\".stale_after"),
        ] {
            let expected = format!(
                "{}:{line}: {key}: \"{long}\": a duration is at most a year",
                path.display()
            );
            assert!(
                run.stderr.contains(&expected) || run.stdout.contains(&expected),
                "{run:?}"
            );
        }
    }
}
