//! The pages, the keys and clicks that show them, and the sizes that they fit.

use std::process::Stdio;

use crate::support::{bus::Bus, terminal::Terminal};

/// The number of columns of graphs in the last line of a text's graphs.
fn columns(line: &str) -> usize {
    line.chars().filter(|c| ('▁'..='█').contains(c)).count()
}

/// The most columns that a graph on the screen has.
fn widest(text: &str) -> usize {
    text.lines().map(columns).max().unwrap_or(0)
}

#[test]
fn the_first_screen_has_values_and_the_past() {
    let bus = Bus::new();
    let selectors = "watch cpu/all/usage --interval 100ms --count 40";
    assert!(bus.sampled(selectors).output().unwrap().status.success());
    let mut top = Terminal::top(&bus, "--interval 100ms", 40, 120);
    let text = top.until(|text| text.contains(" %") && widest(text) >= 30);
    for expected in [
        "1 Overview",
        "Processor",
        "Memory",
        "Network",
        "PID",
        "CPU▾",
        "? Help",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    // The past has come before the first value: the graphs were never almost empty.
    let frames = top
        .written
        .windows(8)
        .filter(|bytes| *bytes == b"\x1b[?2026h")
        .count();
    assert!(frames < 30, "{frames}");
    // Values move.
    let before = text;
    top.until(|text| text != before);
    top.key_in("q");
    assert_eq!(top.end().code(), Some(0));
}

#[test]
fn every_page_has_a_key_and_a_tab() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "", 40, 200);
    top.until(|text| text.contains("PID"));
    for (key, expected) in [
        ("2", "All Processors"),
        ("3", "Page faults"),
        ("4", "Disk"),
        ("5", "File System"),
        ("6", "Traffic"),
        ("7", "Sensors"),
        ("8", "Power"),
        ("9", "Graphics"),
        ("0", "Command Line"),
        ("a", "by application"),
        ("w", "Sessions"),
        ("m", "Metrics"),
        ("1", "PID"),
    ] {
        top.key_in(key);
        top.until(|text| text.contains(expected));
    }
    let watch = bus
        .sampled("watch memory/physical/used")
        .stdout(Stdio::null())
        .spawn();
    let mut watch = watch.unwrap();
    let (column, row) = top.place("w Sampling");
    top.click(column + 2, row);
    let text = top.until(|text| text.contains("sampled watch") && text.contains("Sources"));
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert!(text.contains("every"), "{text}");
    top.key_in("\t");
    top.until(|text| text.contains("e asks for selectors"));
    top.key_in("\x1b[Z");
    top.until(|text| text.contains("Sources"));
}

#[test]
fn only_the_shown_page_is_read() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "", 24, 80);
    let metrics = |sessions: &[sampled_client::SessionInfo]| -> Vec<String> {
        sessions
            .iter()
            .flat_map(|session| session.metrics.clone())
            .collect()
    };
    bus.until_sessions(|sessions| sessions.len() == 2);
    top.key_in("3");
    bus.until_sessions(|sessions| {
        let metrics = metrics(sessions);
        sessions.len() == 1 && metrics.iter().all(|id| id.contains("memory"))
    });
    top.key_in("p");
    top.until(|text| text.contains("Paused: nothing is read"));
    bus.until_sessions(<[_]>::is_empty);
    top.key_in("p");
    bus.until_sessions(|sessions| sessions.len() == 1);
}

#[test]
fn own_metrics_have_a_page() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "cpu/loadaverages os/kernel/*", 30, 100);
    top.until(|text| text.contains("15 minutes") || text.contains("Load"));
    top.key_in("e");
    top.until(|text| text.contains("Selectors: cpu/loadaverages"));
    top.key_in("\u{15}memory/physical/used no/such/metric\r");
    let text = top.until(|text| text.contains("Used") && !text.contains("Selectors:"));
    assert!(text.contains("GiB") || text.contains("MiB"), "{text}");
}

#[test]
fn the_screen_follows_the_size_of_the_terminal() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "", 24, 80);
    top.until(|text| text.contains("PID"));
    for (height, width) in [(5, 20), (1, 1), (2, 3), (80, 300), (20, 60), (24, 80)] {
        top.resize(height, width);
        if width >= 20 {
            top.until(|text| text.contains("Overview") && text.lines().count() == height.into());
        }
    }
    for key in ["2", "3", "0", "a", "w", "?"] {
        top.resize(5, 20);
        top.key_in(key);
        top.until(|text| text.lines().count() == 5);
        top.resize(24, 80);
        top.until(|text| text.lines().count() == 24);
    }
    top.key_in("\x1bq");
    top.key_in("q");
    assert_eq!(top.end().code(), Some(0));
}

#[test]
fn the_help_names_the_keys() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "", 24, 80);
    top.until(|text| text.contains("PID"));
    top.key_in("?");
    top.until(|text| text.contains("end the selected process, after a question"));
    top.key_in("?");
    top.until(|text| !text.contains("after a question") && text.contains("PID"));
}
