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
