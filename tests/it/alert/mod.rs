//! `sampled alert`: it runs a command, or prints a line, when a metric crosses a threshold.

mod command_end;
mod process;
mod restart;

use std::fs;

use crate::{
    support::{
        bus::Bus,
        home::Home,
        process::{DEADLINE, Run},
    },
    thresholds::room::{DESK, Room},
};
use process::{Alert, until_watched};

#[test]
fn without_a_command_it_prints_a_line_for_each_crossing() {
    let room = Room::new(30.0);
    let lines = ["--above", "25", "--recovery", "--count", "3"];
    let mut alert = Alert::start(&room, &lines);
    let line = alert.line();
    assert!(
        line.ends_with("Z room/desk/temperature: 30.0 °C is above 25.0 °C"),
        "{line}"
    );
    room.set("desk", 20.0);
    assert!(alert.line().ends_with(": 20.0 °C is below 25.0 °C"));
    room.set("desk", 26.0);
    assert!(alert.line().ends_with(": 26.0 °C is above 25.0 °C"));
    assert_eq!(alert.end(), (Some(0), String::new()));
}

#[test]
fn the_return_is_told_only_if_it_is_asked_for() {
    let room = Room::new(20.0);
    let arguments = [
        "--below",
        "10",
        "--hysteresis",
        "2",
        "--json",
        "--count",
        "2",
    ];
    let mut alert = Alert::start(&room, &arguments);
    until_watched(&room.bus);
    let mut expect = |value: f64| {
        room.set("desk", value);
        let line: serde_json::Value = serde_json::from_str(&alert.line()).unwrap();
        let seen = ["id", "value", "unit", "direction", "threshold"].map(|key| line[key].clone());
        let expected = serde_json::json!([DESK, value, "Cel", "below", 10.0]);
        assert_eq!(serde_json::Value::from(seen.to_vec()), expected);
        assert!(line["timestamp"].as_u64() > Some(1_700_000_000_000_000));
    };
    expect(-5.5);
    room.set("desk", 12.0);
    room.until_read(12.0);
    expect(9.5);
    assert_eq!(alert.end(), (Some(0), String::new()));
}

#[test]
fn the_command_knows_what_has_crossed() {
    let room = Room::new(30.0);
    let out = room.bus.dir().join("out");
    let script = format!(
        "env | grep '^SAMPLED_[IVUDT]' | grep -v TEST | sort >{0}.new; pwd >>{0}.new; cat >>{0}.new; mv {0}.new {0}",
        out.display()
    );
    let above = ["--above", "25.5", "--count", "1", "--", "sh", "-c", &script];
    assert_eq!(Alert::start(&room, &above).end(), (Some(0), String::new()));
    let text = fs::read_to_string(out).unwrap();
    let (timestamp, others): (Vec<_>, Vec<_>) = text
        .lines()
        .partition(|line| line.starts_with("SAMPLED_TIMESTAMP=1"));
    assert_eq!(timestamp.len(), 1);
    let directory = room.bus.dir().display().to_string();
    assert_eq!(
        others,
        [
            "SAMPLED_DIRECTION=above",
            "SAMPLED_ID=room/desk/temperature",
            "SAMPLED_THRESHOLD=25.5",
            "SAMPLED_UNIT=Cel",
            "SAMPLED_VALUE=30",
            &directory,
        ]
    );
}

#[test]
fn its_environment_and_its_output_are_those_of_the_alert() {
    let room = Room::new(30.0);
    let script = "echo $EXTRA; echo error >&2";
    let arguments = ["--above", "25", "--count", "1", "--", "sh", "-c", script];
    let mut command = Alert::command(&room, &arguments);
    let run = Run::within(command.env("EXTRA", "of the user"), DEADLINE);
    assert_eq!(run.code, Some(0));
    assert_eq!((&*run.stdout, &*run.stderr), ("of the user\n", "error\n"));
}

#[test]
fn usage_errors() {
    let home = Home::new();
    let check = |arguments: &str, culprit: &str| {
        let words: Vec<_> = ["alert"].into_iter().chain(arguments.split(' ')).collect();
        let run = home.run(&words);
        assert_eq!(run.code, Some(2), "{arguments}: {run:?}");
        assert!(run.stderr.contains(culprit), "{arguments}: {run:?}");
    };
    check("cpu/all/usage", "--above");
    check("cpu/all/usage --above 1 --below 2", "--below");
    check("cpu/all/usage --above nan", "nan");
    check("cpu/all/usage --above inf", "not finite");
    check("cpu/all/usage --above 1 --hysteresis x", "hysteresis");
    check("cpu/all/usage --above 1 --hold 5", "hold");
    check("cpu/all/usage --above 1 --count 0", "count");
    check("cpu/all/usage --above 1 --csv", "--csv");
    check("cpu/all/usage --above 1 --json -- true", "--json");
    check("cpu/all/usage --above 1 --procfs /proc", "--procfs");
    check("cpu/all/usage --above 1 true", "true");
    check("--above 1", "SELECTOR");
}

#[test]
fn errors_of_the_service_name_the_culprit() {
    let bus = Bus::activating("");
    let check = |arguments: &str, culprit: &str| {
        let words: Vec<_> = ["alert"].into_iter().chain(arguments.split(' ')).collect();
        let run = bus.run(&words);
        assert_eq!(run.code, Some(1), "{arguments}: {run:?}");
        let message = format!("sampled: {culprit}");
        assert!(run.stderr.starts_with(&message), "{arguments}: {run:?}");
    };
    check("cpu/all/usag --above 1", "cpu/all/usag");
    check("os/kernel/name --above 1", "os/kernel/name is a text");
    check("cpu --above 1 --hysteresis -1", "option hysteresis: -1:");
    check("cpu --above 1 --interval 1ms", "option interval: 1000:");
    check("cpu --above 1 --hold 1year", "option hold: 31557600000000:");
    let home = Home::new();
    let run = home.run(&["alert", "cpu/all/usage", "--above", "1"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("no session bus"), "{run:?}");
}
