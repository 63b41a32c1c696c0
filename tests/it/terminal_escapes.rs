//! What others have written (texts, names, messages) reaches a terminal as text, and as nothing that it obeys.

use std::{
    fs,
    os::unix::{fs::symlink, process::CommandExt},
    process::{Child, Command},
};

use serde_json::Value;

use crate::{
    cli::{frame, on_terminal},
    custom::fixture::{define, sources_d},
    support::{
        bus::Bus,
        home::{Home, SAMPLED},
        process::Run,
    },
};

/// Sets a title, clears a terminal, in two ways; rings; turns what follows around.
const HARM: &str = "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{7f}";
const SHOWN: &str = r"\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{7f}";

/// That a text has none of what a terminal obeys but the ends of its lines.
#[track_caller]
fn assert_plain(printed: &str) {
    let is_obeyed = |c: &char| c.is_control() && *c != '\n' || HARM.contains(*c) && !c.is_ascii();
    let harm = printed.chars().find(is_obeyed);
    assert_eq!(harm, None, "{printed:?}");
}

/// That a command prints this and nothing that a terminal obeys, on a terminal and elsewhere.
#[track_caller]
fn check(home: &Home, arguments: &[&str], expected: &[&str]) {
    let run = home.run(arguments);
    for printed in [&run.stdout, &run.stderr] {
        assert_plain(printed);
    }
    let shown = run.stdout + &run.stderr;
    for expected in expected {
        assert!(shown.contains(expected), "{arguments:?}: {shown}");
    }
    if run.code == Some(0) {
        let shown = on_terminal(home.sampled(arguments).env("NO_COLOR", "1"));
        assert_plain(&shown.replace("\r\n", "\n"));
    }
}

/// What no control character is, and is allowed in a name therefore.
const TURN: &str = "\u{202e}";

/// Defines metrics that read harm, in a file that is called that.
fn harm(home: &Home) {
    let value = home.dir().join("value");
    fs::write(&value, format!("{HARM}\n")).unwrap();
    let text = format!("[metrics.'a/b/text']\nfile = {value:?}\nkind = 'text'\nname = '{TURN}'\n");
    define(&sources_d(home), &format!("{HARM}.toml"), &text);
}

/// Makes a mistake in a file that is called harm.
fn mistake(home: &Home) {
    let name = format!("mistaken {HARM}.toml");
    let text = format!("[metrics.'a/b/{TURN}']\n[metrics.\"\\u001b\"]\n");
    define(&sources_d(home), &name, &text);
}

#[test]
fn a_table_shows_what_would_harm() {
    let home = Home::new();
    harm(&home);
    let file = format!("{SHOWN}.toml");
    check(&home, &["list", "a"], &[SHOWN]);
    check(&home, &["sample", "a"], &[SHOWN]);
    check(&home, &["sample", "a", "memory/physical/used"], &[SHOWN]);
    check(
        &home,
        &["watch", "a", "--count", "1", "--interval", "50ms"],
        &[SHOWN],
    );
    check(&home, &["sources", "check"], &[SHOWN]);
    mistake(&home);
    check(&home, &["sources", "check"], &[&file]);
    check(&home, &["sources", "check", "--no-read"], &[&file]);
    check(&home, &["sources"], &[&file]);
}

#[test]
fn data_is_exact() {
    let home = Home::new();
    harm(&home);
    for arguments in [
        &["sample", "a/b/text", "--json"][..],
        &["watch", "a/b/text", "--json", "--count", "1"],
    ] {
        let printed = home.run(arguments).ok();
        assert_plain(&printed);
        assert_eq!(frame(printed.trim_end()).1["a/b/text"], HARM);
    }
    let listed = home.run(&["list", "a", "--json"]).ok();
    assert_plain(&listed);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["a/b/text"]["name"], TURN);
    // A field of CSV is what it is, but where it would do harm.
    let arguments = ["sample", "a/b/text", "--csv"];
    let printed = home.run(&arguments).ok();
    assert!(printed.trim_end().ends_with(HARM), "{printed:?}");
    let shown = on_terminal(&mut home.sampled(&arguments));
    assert!(shown.trim_end().ends_with(SHOWN), "{shown:?}");
}

/// A process that is called harm, and ends with the test.
struct Harmful(Child);

impl Drop for Harmful {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn processes_are_shown_plain() {
    let home = Home::new();
    let sleep = fs::canonicalize("/bin/sleep").unwrap();
    // The name of a process has 15 bytes.
    let name = "\u{1b}[2J\u{9b}2J\u{7}";
    let program = home.dir().join(name);
    symlink(sleep, &program).unwrap();
    let child = Command::new(program).arg0(HARM).arg("1000").spawn();
    let sleeper = Harmful(child.unwrap());
    let filter = format!("pid={}", sleeper.0.id());
    let of = |more: &[&'static str]| -> Vec<String> {
        let arguments = ["ps", "--filter", &filter]
            .into_iter()
            .chain(more.iter().copied());
        arguments.map(str::to_owned).collect()
    };
    let name = r"\u{1b}[2J\u{9b}2J\u{7}";
    for (arguments, expected) in [
        (
            of(&["--fields", "pid,name,command_line"]),
            &[name, SHOWN][..],
        ),
        (
            of(&["--tree", "--fields", "name,command_line"]),
            &[name, SHOWN],
        ),
    ] {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        check(&home, &arguments, expected);
    }
    let arguments = of(&["--json", "--fields", "pid,command_line"]);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let printed = home.run(&arguments).ok();
    assert_plain(&printed);
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        printed["processes"][0]["command_line"],
        format!("{HARM} 1000")
    );
}

#[test]
fn errors_are_shown_plain() {
    let home = Home::new();
    let file = home.dir().join(HARM);
    let file = file.to_str().unwrap();
    check(&home, &["list", HARM], &["u{1b}]0;x"]);
    check(&home, &[HARM], &[SHOWN]);
    check(&home, &["list", &format!("--{HARM}")], &[SHOWN]);
    check(&home, &["list", "--log-level", HARM], &[SHOWN]);
    check(&home, &["watch", "--interval", HARM], &["u{1b}]0;x"]);
    check(&home, &["ps", "--fields", HARM], &["u{1b}]0;x"]);
    check(
        &home,
        &["ps", "--filter", &format!("pid={HARM}")],
        &["u{1b}]0;x"],
    );
    check(&home, &["serve", "--config", file], &[SHOWN]);
    check(&home, &["list", "--config", file], &[SHOWN]);
    check(&home, &["sources", "check", file], &[SHOWN]);
    check(&home, &["status", "--pidfile", file], &["not running"]);
    check(
        &home,
        &["start", "--log-file", &format!("{file}/x")],
        &[SHOWN],
    );
    check(
        &home,
        &["start", "--pidfile", &format!("{file}/x")],
        &[SHOWN],
    );
    check(&home, &["install", "--destdir", file], &[SHOWN]);
    check(&home, &["uninstall", "--destdir", file], &[SHOWN]);
    let file = home.dir().join(format!("{HARM} config"));
    let file = file.to_str().unwrap();
    fs::write(file, format!("# {HARM}\n[\"{HARM}\"]\n")).unwrap();
    check(&home, &["list", "--config", file], &[SHOWN]);
    fs::write(file, "\"\\u001b\\u009b\" = 1").unwrap();
    check(&home, &["list", "--config", file], &[r"\u{1b}\u{9b}"]);
    let mut command = home.sampled(&["list"]);
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path=/{HARM}"));
    let said = Run::of(&mut command).stderr;
    assert_plain(&said);
    let mut called = home.command(SAMPLED);
    let said = Run::of(called.arg0(HARM).arg("--help"));
    assert_plain(&said.ok());
}

#[test]
fn what_the_service_says_is_shown_plain() {
    let bus = Bus::activating("");
    harm(&bus);
    mistake(&bus);
    for arguments in [
        &["list", "a"][..],
        &["sample", "a"],
        &["sources"],
        &["status"],
    ] {
        let run = bus.run(arguments);
        assert_plain(&run.stderr);
        let printed = run.ok();
        assert_plain(&printed);
        assert!(
            printed.contains(SHOWN) || arguments == ["status"],
            "{printed}"
        );
    }
    assert_plain(&bus.log());
    assert!(bus.log().contains(SHOWN), "{}", bus.log());
}
