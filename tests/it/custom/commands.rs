//! Metrics from the output of commands.

use std::fs;

use sampled::{
    client::{SampleOptions, Start},
    reading::{Fault, Value},
};

use super::place::{Place, define, number, sources_d};
use crate::bus::Bus;

const ID: &str = "a/b/c";

/// A fixture with a command that prints a file.
fn printing(lines: &str) -> Place {
    let place = Place::new();
    let file = place.path("output");
    let text = format!(
        "[commands.print]\nargv = ['cat', {file:?}]\ninterval = '10ms'\n\
         [metrics.'a/b/c']\ncommand = 'print'\n{lines}"
    );
    place.define("room.toml", &text);
    place
}

#[test]
fn a_command_has_a_value() {
    let place = printing("json = '/rx'");
    place.write("output", "{\"rx\": 5}");
    place.until(ID, number(5.0));
    place.write("output", "{\"rx\": 6}");
    place.until(ID, number(6.0));
    assert_eq!(place.error("sources.d/room.toml"), "");
}

#[test]
fn an_invalid_value_is_quoted() {
    let place = printing("");
    for (text, shown) in [
        (
            &b"1,5\n"[..],
            "\"1,5\" is no number: its decimals stand behind a point",
        ),
        (b"NaN", "\"NaN\" is no number"),
        (b"inf", "\"inf\" is no number"),
        (b"1e400", "\"1e400\" is too large"),
        (b"", "nothing is there, and a number is expected"),
        (b"\xff\0", "\"\\xff\\x00\" is no text in UTF-8"),
    ] {
        place.write("output", text);
        place.until(ID, Err(Fault::Malformed));
        let error = place.error("sources.d/room.toml");
        assert_eq!(error, format!("{ID}: {shown}"));
        place.write("output", "7");
        place.until(ID, number(7.0));
    }
}

#[test]
fn a_command_that_fails_has_no_value() {
    let place = printing("");
    place.write("output", "5");
    place.until(ID, number(5.0));
    fs::remove_file(place.path("output")).unwrap();
    place.until(ID, Err(Fault::Stale));
    let error = place.error("sources.d/room.toml");
    assert!(error.contains("exited with status 1"), "{error}");
    place.write("output", "6");
    place.until(ID, number(6.0));
    assert_eq!(place.error("sources.d/room.toml"), "");
}

#[test]
fn a_rate_is_between_runs() {
    let place = Place::new();
    // The command prints a counter that grows by 1000 a second.
    let text = "[commands.count]\nshell = 'date +%s%3N'\ninterval = '50ms'\n\
                [metrics.'a/b/c']\ncommand = 'count'\nkind = 'rate'\n\
                [metrics.'a/b/d']\ncommand = 'count'\nkind = 'rate'\nscale = 0.001";
    place.define("room.toml", text);
    let is_rate = |reading, expected: f64| matches!(reading, Ok(Value::Number(rate)) if rate > expected * 0.2 && rate < expected * 5.0);
    while !is_rate(place.reading(ID), 1000.0) || !is_rate(place.reading("a/b/d"), 1.0) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn a_cold_sample_waits_for_the_first_answer() {
    let bus = Bus::activating("");
    let runs = bus.dir().join("runs");
    let text = format!(
        "[commands.both]\nshell = \"echo run >> {}; echo 1 2\"\n\
         [metrics.'a/b/one']\ncommand = 'both'\nregex = '^(.)'\n\
         [metrics.'a/b/two']\ncommand = 'both'\nregex = '(.)$'\nkind = 'text'\n",
        runs.display()
    );
    define(
        &sources_d(&bus),
        "room.toml",
        &text.replace("(.)$", "(.)\\s*$"),
    );
    bus.block_on(async {
        let client = bus.client().await;
        let patient = SampleOptions {
            timeout: Some(crate::process::PATIENCE),
            ..SampleOptions::default()
        };
        let sample = client.sample(&["a/b"], patient).await.unwrap();
        assert_eq!(sample.readings["a/b/one"], Value::Number(1.0));
        assert_eq!(sample.readings["a/b/two"], Value::Text("2".into()));
        // One run has answered for both, and sessions share its output.
        let mut session = client
            .start(&["a/b"], Start::every_millis(60))
            .await
            .unwrap();
        let frame = session.next().await.unwrap();
        assert_eq!(frame.reading("a/b/one"), Some(number(1.0)));
        assert_eq!(fs::read_to_string(&runs).unwrap(), "run\n");
    });
}

#[test]
fn a_changed_definition_starts_a_new_command() {
    let place = Place::new();
    let define = |says: &str| {
        let text = format!(
            "[commands.say]\nargv = ['echo', '{says}']\n[metrics.'a/b/c']\ncommand = 'say'"
        );
        place.define("room.toml", &text);
    };
    define("1");
    place.until(ID, number(1.0));
    define("2");
    place.until(ID, number(2.0));
    // An invalid command keeps its last valid definition.
    place.define(
        "room.toml",
        "[commands.say]\nargv = []\n[metrics.'a/b/c']\ncommand = 'say'",
    );
    place.until(ID, number(2.0));
    assert!(
        place
            .error("sources.d/room.toml")
            .contains("commands.say.argv: ")
    );
}
