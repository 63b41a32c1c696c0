//! Valid files, and each diagnostic.

use std::time::Duration;

use crate::{custom::command::Program, metric::Limits, source::tests::harm};

use super::*;

fn context() -> Context {
    Context {
        home: Some("/home/me".into()),
        taken: vec!["cpu/*/usage"],
    }
}

/// The definitions of a text without diagnostics.
#[track_caller]
fn defined(text: &str) -> Vec<Definition> {
    let parsed = parse(text, &context()).unwrap();
    let diagnostics: Vec<_> = parsed
        .diagnostics
        .iter()
        .map(|diagnostic| &diagnostic.message)
        .collect();
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    parsed.definitions
}

/// The only definition, of a metric with these lines.
#[track_caller]
fn metric(lines: &str) -> Definition {
    let mut all = defined(&format!("[metrics.\"a/b/c\"]\n{lines}"));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// The diagnostics of a text, each as `line:column: message`.
fn diagnostics(text: &str) -> Vec<String> {
    let diagnostics = match parse(text, &context()) {
        Ok(parsed) => parsed.diagnostics,
        Err(diagnostic) => vec![diagnostic],
    };
    let located = |diagnostic: &Diagnostic| {
        let position = diagnostic.position(text);
        format!(
            "{}:{}: {}",
            position.line, position.column, diagnostic.message
        )
    };
    diagnostics.iter().map(located).collect()
}

#[track_caller]
fn refuses(text: &str, expected: &[&str]) {
    assert_eq!(diagnostics(text), expected);
}

/// Checks the diagnostic of a metric with a file and these lines: its position and message, without the key.
#[track_caller]
fn refuses_in_metric(lines: &str, expected: &str) {
    let text = format!("[metrics.\"a/b/c\"]\nfile = '/x'\n{lines}");
    let (place, what) = expected.split_once(' ').unwrap();
    refuses(&text, &[&format!("{place} metrics.\"a/b/c\".{what}")]);
}

fn number(scale: f64, offset: f64) -> Form {
    Form::Number { scale, offset }
}

#[test]
fn a_file() {
    let metric = metric(
        "name = 'Desk'\ndescription = 'Under the desk'\nunit = 'Cel'\nminimum = -40\nmaximum = 85.5\n\
         file = '/sys/bus/iio/devices/iio:device*/in_temp_input'\nscale = 0.001\noffset = -1\n\
         stale_after = '30s'",
    );
    let expected = Definition {
        id: "a/b/c".into(),
        name: "Desk".to_owned(),
        description: "Under the desk".to_owned(),
        object: "b".to_owned(),
        unit: "Cel".to_owned(),
        kind: Kind::Gauge,
        minimum: Some(-40.0),
        maximum: Some(85.5),
        limits: Limits::default(),
        precision: None,
        origin: ValueOrigin::File {
            path: Path("/sys/bus/iio/devices/iio:device*/in_temp_input".to_owned()),
            part: Part {
                extract: Arc::new(Extract {
                    find: Find::Whole,
                    form: number(0.001, -1.0),
                }),
                stale_after: Some(Duration::from_secs(30)),
            },
        },
        position: diagnostic::Position {
            line: 1,
            column: 10,
        },
    };
    assert_eq!(metric, expected);
}

#[test]
fn defaults() {
    let least = metric("file = '~/x'");
    assert_eq!((&*least.name, &*least.object), ("C", "b"));
    assert_eq!(least.description, "Value from a file.");
    assert_eq!(least.origin.to_string(), "/home/me/x");
    assert_eq!((&*least.unit, least.kind), ("1", Kind::Gauge));
    let part = least.part().unwrap();
    assert_eq!(part.extract.form, number(1.0, 0.0));
    let rate = metric("file = '/x'\nkind = 'rate'\nscale = 8");
    assert_eq!(&*rate.unit, "/s");
    assert_eq!(
        rate.part().unwrap().extract.form,
        Form::Counter { scale: 8.0 }
    );
    let total = metric("file = '/x'\nkind = 'total'");
    assert_eq!(
        total.part().unwrap().extract.form,
        Form::Counter { scale: 1.0 }
    );
    let text = metric("file = '/x'\nkind = 'text'\nregex = 'a(.*)'");
    assert_eq!(&*text.unit, "");
    assert_eq!(text.part().unwrap().extract.form, Form::Text);
}

#[test]
fn keys_for_display() {
    let metric = |lines: &str| {
        let formula = crate::rate::Formula::Level(0);
        metric(&format!("file = '/x'\n{lines}")).metric(formula)
    };
    let usual = metric("unit = 'V'");
    assert_eq!((&*usual.object.title, usual.precision), ("b", Some(3)));
    assert_eq!(usual.object.group, crate::metric::Group::Custom);
    assert_eq!(usual.limits, Limits::default());
    let desk = metric(
        "object = 'My desk'\nprecision = 2\nwarning = 30\ncritical = 40.5\nscale = 0.1\noffset = -2",
    );
    assert_eq!((&*desk.object.title, desk.precision), ("My desk", Some(2)));
    assert_eq!(desk.limits, Limits::upper(Some(30.0), Some(40.5)));
    assert_eq!(desk.formula_text, "/x × 0.1 − 2");
    let tank = metric("warning = 20\ncritical = 5");
    assert_eq!(tank.limits, Limits::lower(Some(20.0), Some(5.0)));
    for precision in ["-1", "16", "1.5"] {
        refuses_in_metric(
            &format!("precision = {precision}"),
            "3:13: precision: a whole number from 0 to 15 is expected",
        );
    }
    refuses_in_metric(
        "warning = 'hot'",
        "3:11: warning: a number is expected, and string is given",
    );
    refuses_in_metric(
        "kind = 'text'\ncritical = 2",
        "4:12: critical: a text has none",
    );
    refuses_in_metric(
        "object = ''",
        "3:10: object: a text that is not empty is expected",
    );
}

#[test]
fn commands() {
    let all = defined(
        "[commands.router]\nargv = ['~/bin/router', '--all']\ninterval = '1min'\ntimeout = '2s'\n\
         [metrics.'router/wan/download']\ncommand = 'router'\njson = '/rx'\nkind = 'rate'\n\
         [metrics.'router/wan/name']\ncommand = 'router'\njson = '/name'\nkind = 'text'\n\
         [metrics.'ups/one/load']\ncommand = 'ups'\n\
         [commands.ups]\nshell = \"\"\"\nups | head\n\"\"\"\nlines = true",
    );
    let command = |at: usize| match &all[at].origin {
        ValueOrigin::Command { command, .. } => command.clone(),
        other => panic!("{other:?}"),
    };
    let router = command(0);
    assert!(Arc::ptr_eq(&router, &command(1)));
    let argv = ["/home/me/bin/router", "--all"].map(Into::into);
    assert_eq!(router.run.program, Program::Argv(argv.into()));
    assert_eq!(router.run.interval, Duration::from_secs(60));
    assert_eq!(router.run.timeout, Some(Duration::from_secs(2)));
    let ups = command(2);
    assert_eq!(ups.run.program, Program::Shell("ups | head\n".into()));
    assert_eq!((ups.run.lines, ups.run.timeout), (true, None));
}

#[test]
fn expressions() {
    let all = defined("[metrics.'disk/all/both']\nexpression = 'disk/all/read + disk/all/write'");
    assert_eq!(all[0].description, "Value computed from other metrics.");
    let text = all[0].origin.to_string();
    assert_eq!(text, "disk/all/read + disk/all/write");
    assert!(matches!(&all[0].origin, ValueOrigin::Expression(text) if text.operands().len() == 2));
}

#[test]
fn keys_are_known() {
    refuses("a = 1", &["1:1: a: unknown key (known: metrics, commands)"]);
    refuses(
        "metrics = 1",
        &["1:11: metrics: a table is expected, and integer is given"],
    );
    refuses(
        "[metrics]\n'a/b/c' = 3",
        &["2:11: metrics.\"a/b/c\": a table is expected, and integer is given"],
    );
    refuses_in_metric(
        "colour = 'red'",
        "3:1: colour: unknown key (known: name, description, object, unit, kind, precision, minimum, maximum, warning, critical, file, \
         command, expression, regex, json, scale, offset, stale_after)",
    );
    refuses(
        "[commands.x]\nargv = ['/x']\nevery = '1s'",
        &["3:1: commands.x.every: unknown key (known: argv, shell, interval, timeout, lines)"],
    );
    for deep in ["[", "{a="] {
        let found = diagnostics(&format!("metrics = {}", deep.repeat(300_000)));
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("max recursion depth"), "{found:?}");
    }
    let dotted = "a.".repeat(300_000) + "a";
    assert!(!diagnostics(&format!("{dotted} = 1")).is_empty());
    refuses("[metrics", &["1:9: unclosed table, expected `]`"]);
}

#[test]
fn ids_are_checked() {
    let form = "an id is source/object/property";
    refuses(
        "[metrics.'a/b']\nfile = '/x'",
        &[&format!("1:10: metrics.\"a/b\": {form}")],
    );
    refuses(
        "[metrics.'cpu/x/usage']\nfile = '/x'",
        &[
            "1:10: metrics.\"cpu/x/usage\": this id belongs to a source that is built in \
           (cpu/*/usage); another object or property is free",
        ],
    );
    // A bare key with dots makes nested tables.
    assert_eq!(diagnostics("[metrics.a.b]\nfile = '/x'").len(), 3);
}

#[test]
fn a_metric_has_one_origin() {
    let one = "one of file, command and expression is expected, and";
    refuses(
        "[metrics.'a/b/c']\nunit = 'Cel'",
        &[&format!("1:10: metrics.\"a/b/c\": {one} none is given")],
    );
    refuses(
        "[metrics.'a/b/c']\nfile = '/x'\nexpression = 'd/e/f'",
        &[&format!(
            "1:10: metrics.\"a/b/c\": {one} file and expression is given"
        )],
    );
}

#[test]
fn values_have_their_types() {
    refuses_in_metric(
        "unit = 3",
        "3:8: unit: a text in quotes is expected, and integer is given",
    );
    refuses_in_metric(
        "scale = '1'",
        "3:9: scale: a number is expected, and string is given",
    );
    refuses_in_metric(
        "scale = inf",
        "3:9: scale: a number is expected, and float is given",
    );
    refuses_in_metric(
        "offset = nan",
        "3:10: offset: a number is expected, and float is given",
    );
    refuses_in_metric(
        "name = ''",
        "3:8: name: a text that is not empty is expected",
    );
    refuses_in_metric(
        "name = \"a\\u001bb\"",
        "3:8: name: a text without control characters is expected",
    );
    refuses_in_metric(
        "kind = 'gage'",
        "3:8: kind: \"gage\": gauge, rate, total or text is expected",
    );
    refuses_in_metric(
        "unit = 'grad C'",
        "3:8: unit: \"grad C\": a unit of UCUM is expected, such as Cel, By/s or %",
    );
    refuses_in_metric(
        "stale_after = '30'",
        "3:15: stale_after: \"30\": time unit needed, for example 30sec or 30ms: a duration such as \
         \"30s\" is expected",
    );
    refuses_in_metric(
        "stale_after = '0s'",
        "3:15: stale_after: \"0s\": 10ms is the shortest",
    );
    refuses_in_metric(
        "stale_after = '584years'",
        "3:15: stale_after: \"584years\": a duration is at most a year",
    );
    for key in ["interval", "timeout"] {
        refuses(
            &format!("[commands.x]\nargv = ['/x']\n{key} = '18446744073709551615s'"),
            &[&format!(
                "3:{}: commands.x.{key}: \"18446744073709551615s\": a duration is at most a year",
                key.len() + 4
            )],
        );
    }
    refuses_in_metric(
        "stale_after = 30",
        "3:15: stale_after: a text in quotes is expected, and integer is given",
    );
}

#[test]
fn keys_that_exclude_each_other() {
    refuses_in_metric(
        "minimum = 2\nmaximum = 1",
        "3:11: minimum: 2 is more than the maximum, 1",
    );
    refuses_in_metric("kind = 'text'\nscale = 2", "4:9: scale: a text has none");
    refuses_in_metric("kind = 'text'\nunit = 'W'", "4:8: unit: a text has none");
    refuses_in_metric(
        "kind = 'rate'\noffset = 2",
        "4:10: offset: a rate is of differences, which have none",
    );
    refuses_in_metric(
        "json = '/a'\nregex = 'a'",
        "3:8: json: a value is found by json or by regex, and not by both",
    );
    refuses(
        "[metrics.'a/b/c']\nexpression = 'd/e/f'\nscale = 2\nstale_after = '1s'\nkind = 'total'",
        &[
            "3:9: metrics.\"a/b/c\".scale: an expression has no conversion: write it in the expression",
            "4:15: metrics.\"a/b/c\".stale_after: only a file has an age",
            "5:8: metrics.\"a/b/c\".kind: an expression is a gauge or a rate, and no total",
        ],
    );
}

#[test]
fn regexes_and_pointers_are_checked() {
    let found = diagnostics("[metrics.'a/b/c']\nfile = '/x'\nregex = '('");
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("3:9: metrics.\"a/b/c\".regex: \"(\": "),
        "{found:?}"
    );
    assert!(found[0].contains("open group without closing"), "{found:?}");
    for regex in [
        "((((a{100}){100}){100}){100})".to_owned(),
        "(".repeat(500) + "a" + &")".repeat(500),
        "a|".repeat(500),
        "\\PL{1000}".to_owned(),
    ] {
        // Accepted or not, none exhausts the stack or the memory.
        let found = diagnostics(&format!(
            "[metrics.'a/b/c']\nfile = '/x'\nregex = '{regex}'"
        ));
        assert_eq!(found.is_empty(), regex.contains('|'), "{found:?}");
    }
    let found = diagnostics("[metrics.'a/b/c']\nfile = '/x'\nregex = '(\\w{500}){500}'");
    assert!(found[0].contains("size limit"), "{found:?}");
    refuses_in_metric(
        "json = 'a/b'",
        "3:8: json: \"a/b\": a JSON Pointer begins with a slash, such as /a/0/b",
    );
    refuses_in_metric(
        "json = '/a~2'",
        "3:8: json: \"/a~2\": in a JSON Pointer, ~0 stands for ~ and ~1 for /",
    );
    let found = diagnostics("[metrics.'a/b/c']\nexpression = '1 +'");
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("2:14: metrics.\"a/b/c\".expression: \"1 +\": "),
        "{found:?}"
    );
}

#[test]
fn paths_are_absolute() {
    let refuses = |path: &str, why: &str| {
        let text = format!("[metrics.'a/b/c']\nfile = \"{path}\"");
        let shown = path.replace("\\u0000", "\\0");
        refuses(
            &text,
            &[&format!("2:8: metrics.\"a/b/c\".file: {shown:?}: {why}")],
        );
    };
    let absolute = "an absolute path is expected, or one that begins with ~/";
    refuses("x", absolute);
    refuses("./x", absolute);
    refuses("~you/x", absolute);
    refuses(
        "/a/**/x",
        "** is not supported: * stands for a name between two slashes",
    );
    let parts = |count| "/*".repeat(count);
    assert!(diagnostics(&format!("[metrics.'a/b/c']\nfile = '{}'", parts(32))).is_empty());
    for many in [33, 490] {
        let why = format!("a path with * has at most 32 parts, and this one has {many}");
        refuses(&parts(many), &why);
    }
    let homeless = Context {
        home: None,
        ..context()
    };
    let parsed = parse("[metrics.'a/b/c']\nfile = '~/x'", &homeless).unwrap();
    assert!(
        parsed.diagnostics[0]
            .message
            .ends_with("\"~/x\": HOME is not set to a path")
    );
}

#[test]
fn commands_are_checked() {
    let one = "one of argv and shell is expected, and";
    refuses(
        "[commands.x]",
        &[&format!("1:11: commands.x: {one} none is given")],
    );
    refuses(
        "[commands.x]\nargv = ['a']\nshell = 'a'",
        &[&format!("1:11: commands.x: {one} both are given")],
    );
    let array = "an array of texts, the first of them a program is expected";
    refuses(
        "[commands.x]\nargv = 'a'",
        &[&format!(
            "2:8: commands.x.argv: {array}, and string is given"
        )],
    );
    refuses(
        "[commands.x]\nargv = ['a', 1]",
        &[&format!(
            "2:8: commands.x.argv: {array}, and array is given"
        )],
    );
    refuses(
        "[commands.x]\nargv = []",
        &["2:8: commands.x.argv: a program and its arguments are expected"],
    );
    refuses(
        "[commands.x]\nargv = ['bin/a']",
        &["2:8: commands.x.argv: an absolute path is expected, or one that begins with ~/"],
    );
    refuses(
        "[commands.x]\nshell = ' '",
        &["2:9: commands.x.shell: a command for /bin/sh is expected"],
    );
    refuses(
        "[metrics.'a/b/c']\ncommand = 'y'\n[commands.x]\nargv = ['a']",
        &["2:11: metrics.\"a/b/c\".command: no command is called \"y\" (known: x)"],
    );
    refuses(
        "[metrics.'a/b/c']\ncommand = 'y'",
        &["2:11: metrics.\"a/b/c\".command: no command is called \"y\" (this file has none)"],
    );
}

#[test]
fn an_invalid_metric_leaves_the_others() {
    let text = "[metrics.'a/b/c']\nfile = 3\n[metrics.'a/b/d']\nfile = '/x'\n\
                [metrics.'a/b/e']\ncommand = 'x'\n[commands.x]\nargv = 1";
    let parsed = parse(text, &context()).unwrap();
    let ids: Vec<_> = parsed
        .definitions
        .iter()
        .map(|definition| &*definition.id)
        .collect();
    assert_eq!(ids, ["a/b/d"]);
    assert_eq!(parsed.diagnostics.len(), 2);
    // A command has one diagnostic; the metrics that name it are invalid without one of their own.
    let invalid: Vec<_> = parsed.invalid.iter().collect();
    assert_eq!(invalid, ["a/b/c", "a/b/e"]);
}

#[test]
fn documented_examples_are_valid() {
    let page = include_str!("../../../../docs/sources.md");
    let examples = page.split("```toml\n").skip(1);
    let examples: Vec<_> = examples
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(examples.len() > 10);
    for example in examples {
        // An example may show a metric without its command.
        let diagnostics = diagnostics(example);
        let mut diagnostics = diagnostics
            .iter()
            .filter(|diagnostic| !diagnostic.contains("no command is called"));
        assert_eq!(diagnostics.next(), None, "{example}");
    }
}

#[test]
fn no_input_panics() {
    let file = "[metrics.'a/b/c']\nfile = '/x/*/y'\nregex = 't=(\\d+)'\nscale = 1e-3\nstale_after = '30s'\n";
    let command = "[commands.c]\nargv = ['x', 'y']\ninterval = '1min'\ntimeout = '2s'\nlines = true\n\
                   [metrics.'d/e/f']\ncommand = 'c'\njson = '/a/0'\nminimum = 0\nmaximum = 0x1f\n";
    let expression = "[metrics.'g/h/i']\nexpression = 'max(sum(a/*/c), -2^(3 + 1e3)) / d/e/f'\n";
    harm::torment(&[file, command, expression], |text| {
        let text = String::from_utf8_lossy(text);
        if let Ok(parsed) = parse(&text, &context()) {
            for diagnostic in &parsed.diagnostics {
                diagnostic.position(&text);
            }
            for definition in parsed.definitions {
                if let Some(part) = definition.part() {
                    let _ = part.extract.of(text.as_bytes());
                    let _ = part.extract.of(b"t=99999999999999999999");
                }
            }
        }
    });
}
