//! Metrics from the output of commands.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use sampled::{
    client::{SampleOptions, Start},
    reading::{Fault, Value},
};

use super::fixture::{Fixture, define, number, sources_d};
use crate::support::{bus::Bus, process::DEADLINE};

const ID: &str = "a/b/c";

/// A fixture with a command that prints the file `output`, and these lines in the definition of its metric.
fn with_output_file(lines: &str) -> Fixture {
    let fixture = Fixture::new();
    let file = fixture.path("output");
    let text = format!(
        "[commands.print]\nargv = ['cat', {file:?}]\ninterval = '10ms'\n\
         [metrics.'a/b/c']\ncommand = 'print'\n{lines}"
    );
    fixture.define("room.toml", &text);
    fixture
}

#[test]
fn each_output_of_a_command_is_a_value() {
    let fixture = with_output_file("json = '/rx'");
    fixture.write("output", "{\"rx\": 5}");
    fixture.wait_for(ID, number(5.0));
    fixture.write("output", "{\"rx\": 6}");
    fixture.wait_for(ID, number(6.0));
    fixture.wait_for_error("sources.d/room.toml", "");
}

#[test]
fn an_invalid_output_is_quoted() {
    let fixture = with_output_file("");
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
        fixture.write("output", text);
        fixture.wait_for(ID, Err(Fault::Malformed));
        fixture.wait_for_error("sources.d/room.toml", &format!("{ID}: {shown}"));
        fixture.write("output", "7");
        fixture.wait_for(ID, number(7.0));
    }
}

#[test]
fn a_command_that_fails_has_no_value() {
    let fixture = with_output_file("");
    fixture.write("output", "5");
    fixture.wait_for(ID, number(5.0));
    fs::remove_file(fixture.path("output")).unwrap();
    fixture.wait_for(ID, Err(Fault::Stale));
    fixture.wait_for_error_that("sources.d/room.toml", |error| {
        error.contains("exited with status 1")
    });
    fixture.write("output", "6");
    fixture.wait_for(ID, number(6.0));
    fixture.wait_for_error("sources.d/room.toml", "");
}

#[test]
fn a_rate_is_taken_between_two_runs() {
    let fixture = Fixture::new();
    // The command prints a counter that grows by 1000 a second.
    let text = "[commands.count]\nshell = 'date +%s%3N'\ninterval = '50ms'\n\
                [metrics.'a/b/c']\ncommand = 'count'\nkind = 'rate'\n\
                [metrics.'a/b/d']\ncommand = 'count'\nkind = 'rate'\nscale = 0.001";
    fixture.define("room.toml", text);
    let is_rate = |reading, expected: f64| matches!(reading, Ok(Value::Number(rate)) if rate > expected * 0.2 && rate < expected * 5.0);
    let start = Instant::now();
    while !is_rate(fixture.reading(ID), 1000.0) || !is_rate(fixture.reading("a/b/d"), 1.0) {
        assert!(start.elapsed() < DEADLINE, "{:?}", fixture.reading(ID));
        thread::sleep(Duration::from_millis(5));
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
        let options = SampleOptions {
            timeout: Some(DEADLINE),
            ..SampleOptions::default()
        };
        let sample = client.sample(&["a/b"], options).await.unwrap();
        assert_eq!(sample.readings["a/b/one"], Value::Number(1.0));
        assert_eq!(sample.readings["a/b/two"], Value::Text("2".into()));
        // Both metrics and the session share the output of one run.
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
    let fixture = Fixture::new();
    let define = |output: &str| {
        let text = format!(
            "[commands.say]\nargv = ['echo', '{output}']\n[metrics.'a/b/c']\ncommand = 'say'"
        );
        fixture.define("room.toml", &text);
    };
    define("1");
    fixture.wait_for(ID, number(1.0));
    define("2");
    fixture.wait_for(ID, number(2.0));
    // An invalid command keeps its last valid definition.
    fixture.define(
        "room.toml",
        "[commands.say]\nargv = []\n[metrics.'a/b/c']\ncommand = 'say'",
    );
    fixture.wait_for(ID, number(2.0));
    fixture.wait_for_error_that("sources.d/room.toml", |error| {
        error.contains("commands.say.argv: ")
    });
}
