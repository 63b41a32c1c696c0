//! Each diagnostic of a file.

use super::*;

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
