//! JSON, CSV and tables, and what a terminal gets.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use super::{frame, meminfo, on_terminal};
use crate::{
    calls::fixture,
    support::{bus::Bus, home::Home},
};

#[test]
fn json_output_is_one_object_for_each_frame() {
    let bus = Bus::activating("");
    let printed = bus.run(&[
        "sample",
        "cpu/all",
        "memory/physical",
        "os/kernel",
        "--json",
    ]);
    assert_eq!(printed.stderr, "");
    let printed = printed.ok();
    assert_eq!(printed.lines().count(), 1);
    let (timestamp, readings, faults) = frame(printed.trim_end());
    assert!(timestamp > 1_700_000_000_000_000);
    assert_eq!(faults, BTreeMap::new());
    let usage = readings["cpu/all/usage"].as_f64().unwrap();
    assert!((0.0..=100.0).contains(&usage), "{usage}");
    let total = readings["memory/physical/total"].as_f64().unwrap();
    assert_eq!(total, meminfo("MemTotal:") * 1024.0);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(readings["os/kernel/version"], release.trim());
}

#[test]
fn csv_output_is_a_header_and_one_line_for_each_frame() {
    let bus = Bus::activating("");
    let printed = bus.run(&[
        "sample",
        "memory/physical/total",
        "cpu/all/cpuCount",
        "--csv",
    ]);
    let printed = printed.ok();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[0], "timestamp,cpu/all/cpuCount,memory/physical/total");
    let fields: Vec<f64> = lines[1]
        .split(',')
        .map(|field| field.parse().unwrap())
        .collect();
    assert!(fields[0] > 1.7e15 && fields[1] >= 1.0);
    assert_eq!(fields[2], meminfo("MemTotal:") * 1024.0);
    assert_eq!(lines.len(), 2);
}

#[test]
fn tables_have_readable_units() {
    let bus = Bus::activating("");
    let printed = bus.run(&[
        "sample",
        "memory/physical/total",
        "memory/physical/usedPercent",
    ]);
    let printed = printed.ok();
    let lines: Vec<Vec<_>> = printed
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0][0], "memory/physical/total");
    assert!(["MiB", "GiB", "TiB"].contains(&lines[0][2]), "{printed}");
    assert_eq!(
        (lines[1][0], lines[1][2]),
        ("memory/physical/usedPercent", "%")
    );
    assert!(!printed.contains('\x1b'));
}

#[test]
fn list_prints_metrics_as_a_table_json_and_csv() {
    let bus = Bus::activating("");
    let table = bus.run(&["list", "cpu/all/usage"]).ok();
    let words: Vec<_> = table.split_whitespace().collect();
    assert_eq!(words[..2], ["cpu", "cpu/all/usage"]);
    assert!(words[2].parse::<f64>().is_ok(), "{table}");
    assert_eq!(words[3..], ["%", "All", "processors:", "Usage"]);
    let json: Value = serde_json::from_str(&bus.run(&["list", "--json"]).ok()).unwrap();
    let metrics = json.as_object().unwrap();
    assert!(metrics.len() > 20);
    let usage = &metrics["cpu/all/usage"];
    assert_eq!(
        (
            &usage["unit"],
            &usage["kind"],
            &usage["source"],
            &usage["maximum"]
        ),
        (&"%".into(), &"rate".into(), &"cpu".into(), &100.0.into())
    );
    assert_eq!(
        (
            &usage["name"],
            &usage["object"],
            &usage["group"],
            &usage["precision"]
        ),
        (
            &"Usage".into(),
            &"All processors".into(),
            &"processor".into(),
            &1.into()
        )
    );
    assert!(usage["description"].is_string() && usage["formula"].is_string());
    let csv = bus.run(&["list", "--csv", "cpu/all/usage"]).ok();
    assert!(csv.starts_with(
        "id,name,description,unit,kind,source,minimum,maximum,warning,critical,lower_limits,\
             precision,formula,object,group,short,virtual\ncpu/all/usage,"
    ));
}

#[test]
fn only_a_terminal_without_no_color_gets_colours() {
    let home = Home::new();
    let laptop = fixture("laptop/proc");
    let arguments = ["sample", "memory/physical/total", "--procfs", &laptop];
    let shown = on_terminal(&mut home.sampled(&arguments));
    assert!(
        shown.contains("\x1b[2mmemory/physical/total\x1b[0m"),
        "{shown:?}"
    );
    let shown = on_terminal(home.sampled(&arguments).env("NO_COLOR", "1"));
    assert!(shown.starts_with("memory/physical/total  "), "{shown:?}");
    assert!(!shown.contains('\x1b'), "{shown:?}");
    let arguments = [&arguments[..], &["--json"]].concat();
    assert!(!on_terminal(&mut home.sampled(&arguments)).contains('\x1b'));
}

#[test]
fn a_frame_on_a_terminal_replaces_the_one_before() {
    let home = Home::new();
    let arguments = "watch cpu/loadaverages --count 2 --interval 50ms";
    let arguments: Vec<_> = arguments.split(' ').collect();
    let shown = on_terminal(home.sampled(&arguments).env("NO_COLOR", "1"));
    // One line for the time, three below it.
    assert_eq!(shown.matches("\x1b[4F\x1b[K").count(), 1, "{shown:?}");
    assert_eq!(shown.matches("\x1b[K").count(), 4, "{shown:?}");
    // Erasing all lines at once makes tmux add them to its scrollback.
    assert!(!shown.contains("F\x1b[J"), "{shown:?}");
    let lines = shown
        .strip_suffix("\x1b[J")
        .expect("the rest of the screen is erased");
    assert_eq!(lines.lines().count(), 8, "{shown:?}");
}
