//! Valid files, and files that no parser may fail at.

mod diagnostics;

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
