//! Texts, names and messages of others reach a terminal with their control characters escaped.

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

/// Sets the title (OSC), rings (BEL), clears the screen (a C1 control), overrides the direction of text, and deletes.
const HARMFUL: &str = "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{7f}";
const ESCAPED: &str = r"\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{7f}";

/// Asserts that a text has no control character but line ends, and no character of [`HARMFUL`] beyond ASCII.
#[track_caller]
fn assert_plain(printed: &str) {
    let is_harmful =
        |c: &char| c.is_control() && *c != '\n' || HARMFUL.contains(*c) && !c.is_ascii();
    let harmful = printed.chars().find(is_harmful);
    assert_eq!(harmful, None, "{printed:?}");
}

/// Asserts that the output of a command is plain, and contains these texts.
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
}

/// Like [`check`], and asserts that the command succeeds and prints plain text on a terminal.
#[track_caller]
fn check_on_terminal(home: &Home, arguments: &[&str], expected: &[&str]) {
    check(home, arguments, expected);
    let shown = on_terminal(home.sampled(arguments).env("NO_COLOR", "1"));
    assert_plain(&shown.replace("\r\n", "\n"));
}

/// RIGHT-TO-LEFT OVERRIDE: not a control character, so allowed in a name.
const OVERRIDE: &str = "\u{202e}";

/// Defines a metric whose value and whose definition file have harmful characters.
fn define_harmful(home: &Home) {
    let value = home.dir().join("value");
    fs::write(&value, format!("{HARMFUL}\n")).unwrap();
    let text =
        format!("[metrics.'a/b/text']\nfile = {value:?}\nkind = 'text'\nname = '{OVERRIDE}'\n");
    define(&sources_d(home), &format!("{HARMFUL}.toml"), &text);
}

/// Writes a definition file with an error and a harmful name.
fn define_invalid(home: &Home) {
    let name = format!("invalid {HARMFUL}.toml");
    let text = format!("[metrics.'a/b/{OVERRIDE}']\n[metrics.\"\\u001b\"]\n");
    define(&sources_d(home), &name, &text);
}

#[test]
fn tables_escape_control_characters() {
    let home = Home::new();
    define_harmful(&home);
    let file = format!("{ESCAPED}.toml");
    check_on_terminal(&home, &["list", "a"], &[ESCAPED]);
    check_on_terminal(&home, &["sample", "a"], &[ESCAPED]);
    check_on_terminal(&home, &["sample", "a", "memory/physical/used"], &[ESCAPED]);
    check_on_terminal(
        &home,
        &["watch", "a", "--count", "1", "--interval", "50ms"],
        &[ESCAPED],
    );
    check_on_terminal(&home, &["sources", "check"], &[ESCAPED]);
    define_invalid(&home);
    check(&home, &["sources", "check"], &[&file]);
    check(&home, &["sources", "check", "--no-read"], &[&file]);
    check_on_terminal(&home, &["sources"], &[&file]);
}

#[test]
fn json_and_csv_data_is_exact() {
    let home = Home::new();
    define_harmful(&home);
    for arguments in [
        &["sample", "a/b/text", "--json"][..],
        &["watch", "a/b/text", "--json", "--count", "1"],
    ] {
        let printed = home.run(arguments).ok();
        assert_plain(&printed);
        assert_eq!(frame(printed.trim_end()).1["a/b/text"], HARMFUL);
    }
    let listed = home.run(&["list", "a", "--json"]).ok();
    assert_plain(&listed);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["a/b/text"]["name"], OVERRIDE);
    // A CSV field is exact, but escaped on a terminal.
    let arguments = ["sample", "a/b/text", "--csv"];
    let printed = home.run(&arguments).ok();
    assert!(printed.trim_end().ends_with(HARMFUL), "{printed:?}");
    let shown = on_terminal(&mut home.sampled(&arguments));
    assert!(shown.trim_end().ends_with(ESCAPED), "{shown:?}");
}

/// All characters that control a terminal or the direction of text, but NUL and the line feed.
fn all_harmful() -> String {
    let controls = ('\u{1}'..='\u{1f}').chain('\u{7f}'..='\u{9f}');
    let controls = controls.filter(|c| *c != '\n');
    let marks = ['\u{61c}', '\u{200e}', '\u{200f}'].into_iter();
    let directions = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}');
    controls.chain(marks).chain(directions).collect()
}

#[test]
fn each_of_them_is_escaped_on_a_terminal_and_exact_in_data() {
    let home = Home::new();
    let harmful = format!("x{}x", all_harmful());
    let value = home.dir().join("value");
    fs::write(&value, &harmful).unwrap();
    let text = format!("[metrics.'a/b/text']\nfile = {value:?}\nkind = 'text'\n");
    define(&sources_d(&home), "a.toml", &text);
    for arguments in [
        &["list", "a"][..],
        &["sample", "a"],
        &["sample", "a", "--csv"],
        &["sample", "a", "--json"],
        &["watch", "a", "--count", "1", "--csv"],
        &["sources", "check"],
    ] {
        let shown = on_terminal(home.sampled(arguments).env("NO_COLOR", "1"));
        let shown = shown.replace("\r\n", "\n");
        let found = shown
            .chars()
            .find(|c| *c != '\n' && harmful[1..].contains(*c) && *c != 'x');
        assert_eq!(found, None, "{arguments:?}: {shown:?}");
        for code in ["1b", "9b", "7f", "202e", "2069", "61c", "200f"] {
            let escapes = [format!("\\u{{{code}}}"), format!("\\u{code:0>4}")];
            let is_shown = escapes.iter().any(|escape| shown.contains(escape));
            assert!(is_shown, "{arguments:?}: {code}: {shown}");
        }
    }
    let json = home.run(&["sample", "a", "--json"]).ok();
    assert_eq!(frame(json.trim_end()).1["a/b/text"], harmful);
    let csv = home.run(&["sample", "a", "--csv"]).ok();
    assert!(csv.ends_with(&format!(",\"{harmful}\"\n")), "{csv:?}");
}

/// A process with harmful names. `drop` kills it.
struct HarmfulProcess(Child);

impl Drop for HarmfulProcess {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn ps_escapes_names_and_command_lines() {
    let home = Home::new();
    let sleep = fs::canonicalize("/bin/sleep").unwrap();
    // The kernel keeps 15 bytes of the name of a process.
    let name = "\u{1b}[2J\u{9b}2J\u{7}";
    let program = home.dir().join(name);
    symlink(sleep, &program).unwrap();
    let child = Command::new(program).arg0(HARMFUL).arg("1000").spawn();
    let sleeper = HarmfulProcess(child.unwrap());
    let filter = format!("pid={}", sleeper.0.id());
    let ps = |more: &[&'static str]| -> Vec<String> {
        let arguments = ["ps", "--filter", &filter]
            .into_iter()
            .chain(more.iter().copied());
        arguments.map(str::to_owned).collect()
    };
    let name = r"\u{1b}[2J\u{9b}2J\u{7}";
    for (arguments, expected) in [
        (
            ps(&["--fields", "pid,name,command_line"]),
            &[name, ESCAPED][..],
        ),
        (
            ps(&["--tree", "--fields", "name,command_line"]),
            &[name, ESCAPED],
        ),
    ] {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        check_on_terminal(&home, &arguments, expected);
    }
    let arguments = ps(&["--json", "--fields", "pid,command_line"]);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let printed = home.run(&arguments).ok();
    assert_plain(&printed);
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        printed["processes"][0]["command_line"],
        format!("{HARMFUL} 1000")
    );
}

#[test]
fn errors_escape_control_characters() {
    let home = Home::new();
    let file = home.dir().join(HARMFUL);
    let file = file.to_str().unwrap();
    check(&home, &["list", HARMFUL], &["u{1b}]0;x"]);
    check(&home, &[HARMFUL], &[ESCAPED]);
    check(&home, &["list", &format!("--{HARMFUL}")], &[ESCAPED]);
    check(&home, &["list", "--log-level", HARMFUL], &[ESCAPED]);
    check(&home, &["watch", "--interval", HARMFUL], &["u{1b}]0;x"]);
    check(&home, &["ps", "--fields", HARMFUL], &["u{1b}]0;x"]);
    check(
        &home,
        &["ps", "--filter", &format!("pid={HARMFUL}")],
        &["u{1b}]0;x"],
    );
    check(&home, &["serve", "--config", file], &[ESCAPED]);
    check(&home, &["list", "--config", file], &[ESCAPED]);
    check(&home, &["sources", "check", file], &[ESCAPED]);
    check(&home, &["status", "--pidfile", file], &["not running"]);
    check(
        &home,
        &["start", "--log-file", &format!("{file}/x")],
        &[ESCAPED],
    );
    check(
        &home,
        &["start", "--pidfile", &format!("{file}/x")],
        &[ESCAPED],
    );
    check(&home, &["install", "--destdir", file], &[ESCAPED]);
    check(&home, &["uninstall", "--destdir", file], &[ESCAPED]);
    let file = home.dir().join(format!("{HARMFUL} config"));
    let file = file.to_str().unwrap();
    fs::write(file, format!("# {HARMFUL}\n[\"{HARMFUL}\"]\n")).unwrap();
    check(&home, &["list", "--config", file], &[ESCAPED]);
    fs::write(file, "\"\\u001b\\u009b\" = 1").unwrap();
    check(&home, &["list", "--config", file], &[r"\u{1b}\u{9b}"]);
    let mut command = home.sampled(&["list"]);
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path=/{HARMFUL}"));
    assert_plain(&Run::of(&mut command).stderr);
    let mut renamed = home.command(SAMPLED);
    let help = Run::of(renamed.arg0(HARMFUL).arg("--help"));
    assert_plain(&help.ok());
}

#[test]
fn texts_from_the_service_are_escaped() {
    let bus = Bus::activating("");
    define_harmful(&bus);
    define_invalid(&bus);
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
            printed.contains(ESCAPED) || arguments == ["status"],
            "{printed}"
        );
    }
    assert_plain(&bus.log());
    assert!(bus.log().contains(ESCAPED), "{}", bus.log());
}
