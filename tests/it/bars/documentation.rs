//! The commands in docs/bars.md of the bars that the tests do not run.

use serde_json::Value;

use super::{SHAPE, blocks, programs::path_with, shape};
use crate::support::{
    bus::Bus,
    home::SAMPLED,
    process::{DEADLINE, Run},
};

/// The first line that a command prints.
#[track_caller]
fn first_line(command: &str) -> String {
    let bus = Bus::activating("");
    let mut shell = bus.command("sh");
    let command = match command.starts_with("sampled watch") {
        true => format!("{command} --count 1"),
        false => command.to_owned(),
    };
    shell.env("PATH", path_with(SAMPLED)).args(["-c", &command]);
    Run::within(&mut shell, DEADLINE).ok()
}

/// The text between two others.
#[track_caller]
fn between(text: &'static str, before: &str, after: &str) -> &'static str {
    let (_, text) = text.split_once(before).expect(before);
    text.split_once(after).expect(after).0
}

#[test]
fn the_command_for_waybar_prints_json() {
    let block = blocks("waybar")[0];
    let object: Value = serde_json::from_str(&format!("{{{block}}}")).unwrap();
    let command = object["custom/sampled"]["exec"].as_str().unwrap();
    let line: Value = serde_json::from_str(&first_line(command)).unwrap();
    assert_eq!(shape(line["text"].as_str().unwrap()), SHAPE);
    assert!(line["percentage"].is_u64() && line["class"].is_string());
}

#[test]
fn the_commands_for_other_bars_print_lines() {
    let command = between(blocks("i3status-rust")[0], "command = \"", "\"\n");
    assert_eq!(shape(first_line(command).trim_end()), SHAPE);
    let command = blocks("GNOME's Executor")[0].trim_end();
    assert_eq!(shape(first_line(command).trim_end()), SHAPE);
    let command = between(blocks("eww")[0], "\n  \"", "\")");
    let line: Value = serde_json::from_str(&first_line(command)).unwrap();
    assert_eq!(shape(line["text"].as_str().unwrap()), SHAPE);
}

#[test]
fn the_script_compares_a_number() {
    let script = blocks("Scripts")[0].replace("-lt", "-gt");
    let script = script.replace("1000000000", "0");
    assert_eq!(first_line(&script), "less than 1 GB\n");
}
