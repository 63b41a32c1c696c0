//! A service that goes, and comes again.

use rustix::process::Signal;

use crate::support::{
    bus::{Bus, kill},
    terminal::Terminal,
};

#[test]
fn a_killed_service_is_started_again_and_leaves_a_gap() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "memory/physical/used --interval 100ms", 12, 60);
    // Without a gap, the line of the graph is not interrupted.
    let is_full = |line: &str, least: usize| {
        let graph = line.trim_start_matches(|c: char| !('▁'..='█').contains(&c));
        graph.chars().count() >= least && !graph.trim_end().contains(' ')
    };
    let is_mark = |c: char| ('▁'..='█').contains(&c);
    let lowest = |text: &str| {
        text.lines()
            .rfind(|line| line.contains(is_mark))
            .map(str::to_owned)
    };
    top.until(|text| lowest(text).is_some_and(|line| is_full(&line, 8)));
    let first = bus.service().expect("a service");
    kill(first, Signal::KILL);
    top.until(|text| {
        lowest(text).is_some_and(|line| !is_full(&line, 1) && line.trim_end().contains(' '))
    });
    top.until(|text| text.contains("1 metric every 100ms"));
    let second = bus.service().expect("a service");
    assert_ne!(first, second);
    let before = top.text();
    top.until(|text| text != before);
}

/// The columns of the last row of graphs, without the blanks around it: a mark, or a blank for a gap.
fn lowest_row(text: &str) -> Vec<char> {
    let is_mark = |c: char| ('▁'..='█').contains(&c);
    let row = text.lines().rfind(|line| line.contains(is_mark));
    let row = row.unwrap_or("").trim_matches(|c| !is_mark(c));
    row.chars().collect()
}

#[test]
fn a_stopped_service_is_told_and_leaves_a_gap() {
    const WORDS: &str = ": the service does not answer";
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "memory/physical/used --interval 100ms", 12, 110);
    top.until(|text| lowest_row(text).len() >= 8);
    let service = bus.service().expect("a service");
    kill(service, Signal::STOP);
    let before = top.until(|text| text.contains(WORDS));
    assert!(before.contains("No reading for "), "{before}");
    // The words count the seconds.
    let after = top.until(|text| text.contains(WORDS) && *text != *before);
    assert_eq!(lowest_row(&after), lowest_row(&before));
    kill(service, Signal::CONT);
    let text = top.until(|text| {
        !text.contains("No reading") && lowest_row(text).len() > lowest_row(&before).len()
    });
    assert!(text.contains("1 metric every 100ms"), "{text}");
    // The service was stopped for more than two seconds, which are twenty columns.
    let row = lowest_row(&text);
    let gap = row.iter().filter(|c| **c == ' ').count();
    assert!(gap >= 15, "{gap} columns without a reading: {text}");
    // The page of the sessions has reports in place of frames.
    top.key_in("w");
    top.until(|text| text.contains("Sources"));
    kill(service, Signal::STOP);
    top.until(|text| text.contains(WORDS));
    kill(service, Signal::CONT);
    top.until(|text| !text.contains(WORDS));
}

#[test]
fn a_stopped_monitor_leaves_a_gap_and_accuses_nobody() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "*/*/* --interval 250ms", 12, 92);
    // Each graph has one row.
    let first_row = |text: &str| {
        let mut lines = text.lines().filter(|line| !lowest_row(line).is_empty());
        lowest_row(lines.next().unwrap_or(""))
    };
    top.until(|text| first_row(text).len() >= 8);
    kill(top.pid(), Signal::STOP);
    // The service sends no more than a client that has not answered may have unread.
    bus.until_sessions(|sessions| sessions.iter().any(|session| session.dropped > 7));
    kill(top.pid(), Signal::CONT);
    top.until(|text| first_row(text).windows(7).any(|part| *part == [' '; 7]));
    assert!(!String::from_utf8_lossy(&top.written).contains("does not answer"));
}

#[test]
fn the_sessions_end_with_the_program() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "", 24, 80);
    bus.until_sessions(|sessions| {
        sessions.len() == 2
            && sessions
                .iter()
                .all(|session| session.label == "sampled top")
    });
    kill(top.pid(), Signal::TERM);
    assert_eq!(top.end().code(), Some(0));
    bus.until_sessions(<[_]>::is_empty);
}
