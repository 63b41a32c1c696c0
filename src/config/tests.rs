use std::time::Duration;

use super::*;
use crate::service::{HistorySettings, Limits, Totals};

#[track_caller]
fn check(text: &str, expected: Settings) {
    let config = parse(text).map_err(|diagnostic| diagnostic.message);
    let sets_idle_timeout = text.contains("idle_timeout");
    let expected = Config {
        settings: expected,
        sets_idle_timeout,
    };
    assert_eq!(config, Ok(expected));
}

#[track_caller]
fn refuses(text: &str, expected: &str) {
    let error = parse(text)
        .map_err(|diagnostic| in_file(diagnostic, Path::new("f"), text))
        .expect_err("this is refused");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn settings_are_parsed() {
    let usual = Settings::default;
    check("", usual());
    check("# nothing\n", usual());
    check("[sources]\n[limits]\n", usual());
    check(
        "idle_timeout = \"5min\"",
        Settings {
            idle_timeout: Some(Duration::from_secs(300)),
            ..usual()
        },
    );
    check(
        "idle_timeout = 'never'\nlimits.columns = 1_000\n[sources]\noff = ['os', 'memory']",
        Settings {
            idle_timeout: None,
            limits: Limits {
                columns: 1000,
                ..Limits::default()
            },
            sources_off: vec!["os".to_owned(), "memory".to_owned()],
            ..usual()
        },
    );
    check(
        "[disk]\nnetwork = true",
        Settings {
            sources: crate::sources::SourceOptions {
                network_mounts: true,
                ..crate::sources::SourceOptions::default()
            },
            ..usual()
        },
    );
    check(
        "limits = { sessions = 0x10 }",
        Settings {
            limits: Limits {
                sessions: 16,
                ..Limits::default()
            },
            ..usual()
        },
    );
}

#[test]
fn every_limit_can_be_set() {
    for (number, name) in (5000..).zip(Limits::NAMES) {
        let config = parse(&format!("limits.{name} = {number}"))
            .map_err(|diagnostic| diagnostic.message)
            .unwrap();
        let mut expected = Limits::default();
        *expected.named(name).unwrap() = number;
        assert_eq!(config.settings.limits, expected, "{name}");
        assert_ne!(expected, Limits::default(), "{name}");
    }
    check(
        "[limits.total]\ndetached = 2",
        Settings {
            limits: Limits {
                total: Totals {
                    detached: 2,
                    ..Limits::default().total
                },
                ..Limits::default()
            },
            ..Settings::default()
        },
    );
    refuses(
        "limits.total.columnz = 1",
        "f:1:14: limits.total.columnz: unknown key (known: calls, call_bytes, sessions, columns, \
         detached)",
    );
    refuses(
        "limits.message_bytes = 100",
        "f:1:24: limits.message_bytes: 100: it is at least 4096",
    );
    refuses(
        "limits.sesions = 1",
        "f:1:8: limits.sesions: unknown key (known: message_bytes, selectors, selector_bytes, \
         options, pattern_bytes, calls, call_bytes, unread_bytes, sessions, columns, total)",
    );
}

#[test]
fn the_history_is_configured() {
    check(
        "[history]\nspan = '1h'\nbytes = 65_536\nkeep = ['cpu/all/usage', 'lmsensors']\ninterval = '5s'",
        Settings {
            history: HistorySettings {
                span: Duration::from_secs(3600),
                bytes: 65_536,
                keep: ["cpu/all/usage", "lmsensors"].map(str::to_owned).to_vec(),
                interval: Duration::from_secs(5),
            },
            ..Settings::default()
        },
    );
    check(
        "history.span = '0s'",
        Settings {
            history: HistorySettings {
                span: Duration::ZERO,
                ..HistorySettings::default()
            },
            ..Settings::default()
        },
    );
    refuses(
        "history.span = '2days'",
        "f:1:16: history.span: 172800s: it is at most a day",
    );
    refuses(
        "history.span = 600",
        "f:1:16: history.span: a duration in quotes, such as \"10min\" is expected, and integer is given",
    );
    for bytes in ["16383", "67108865"] {
        let expected = format!("f:1:17: history.bytes: {bytes}: it is between 16384 and 67108864");
        refuses(&format!("history.bytes = {bytes}"), &expected);
    }
    refuses(
        "history.keeps = []",
        "f:1:9: history.keeps: unknown key (known: span, bytes, keep, interval)",
    );
    refuses(
        "history.interval = '249ms'",
        "f:1:20: history.interval: 249ms: it is between 250ms and a day",
    );
    refuses(
        "history.keep = 'cpu'",
        "f:1:16: history.keep: an array of selectors, such as [\"cpu/all/usage\"] is expected, and \
         string is given",
    );
    let error = parse("history.keep = ['cpu', 'cpu//usage']").expect_err("this is refused");
    assert!(
        error.message.starts_with("history.keep: "),
        "{}",
        error.message
    );
}

#[test]
fn errors_have_a_position() {
    refuses(
        "\nidel_timeout = \"1s\"",
        "f:2:1: idel_timeout: unknown key (known: idle_timeout, sources, disk, limits, history, \
         sandbox)",
    );
    refuses(
        "idle_timeout = 30",
        "f:1:16: idle_timeout: a duration in quotes, such as \"30s\", or \"never\" is expected, \
         and integer is given",
    );
    refuses(
        "idle_timeout = \"30 parsecs\"",
        "f:1:16: idle_timeout: \"30 parsecs\" (unknown time unit \"parsecs\", supported units: \
         ns, us/µs, ms, sec, min, hours, days, weeks, months, years (and few variations)): a \
         duration in quotes, such as \"30s\", or \"never\" is expected",
    );
    refuses(
        "idle_timeout = \"18446744073709551615s\"",
        "f:1:16: idle_timeout: \"18446744073709551615s\" (a duration is at most a year, or \
         \"never\"): a duration in quotes, such as \"30s\", or \"never\" is expected",
    );
    refuses(
        "[sources]\non = ['os']",
        "f:2:1: sources.on: unknown key (known: off)",
    );
    refuses(
        "[sources]\noff = 'os'",
        "f:2:7: sources.off: an array of names of sources is expected, and string is given",
    );
    let names = sources::names();
    assert!(
        ["memory", "sources.d"]
            .map(str::to_owned)
            .iter()
            .all(|name| names.contains(name))
    );
    refuses(
        "[sources]\noff = ['os',\n 'hens']",
        &format!(
            "f:3:2: sources.off: no source is called \"hens\": {}",
            names.join(", ")
        ),
    );
    refuses(
        "limits.sessions = -1",
        "f:1:19: limits.sessions: a whole number above 0 is expected, and integer is given",
    );
    refuses(
        "disk.network = 'yes'",
        "f:1:16: disk.network: true or false is expected, and string is given",
    );
    refuses(
        "disk.nfs = true",
        "f:1:6: disk.nfs: unknown key (known: network)",
    );
    refuses(
        "limits = 3",
        "f:1:10: limits: a table is expected, and integer is given",
    );
    // Characters count, not bytes.
    refuses(
        "limits = { 'ä' = 1, sessions = 'ö', columns = x }",
        "f:1:47: string values must be quoted, expected literal string",
    );
}

#[test]
fn a_given_file_must_exist() {
    let path = Path::new("/nonexistent/config.toml");
    let error = Config::load(path).expect_err("there is no such file");
    assert!(error.to_string().starts_with("/nonexistent/config.toml: "));
}
