//! The bytes that are written to the terminal.

use rustix::process::Signal;

use crate::support::{
    bus::{Bus, kill},
    terminal::Terminal,
};

/// How often bytes occur.
fn count(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes
        .windows(wanted.len())
        .filter(|part| *part == wanted)
        .count()
}

#[test]
fn colours_are_those_of_the_terminal_or_none() {
    let bus = Bus::new();
    for (value, has_colours) in [("", true), ("1", false)] {
        let mut top = Terminal::top_with(&bus, "", 24, 80, |command| {
            command.env("NO_COLOR", value);
        });
        top.until(|text| text.contains("PID") && text.contains('▁'));
        assert_eq!(top.has_colours(), has_colours);
    }
}

#[test]
fn only_what_has_changed_is_written() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "memory/physical/total --interval 100ms", 40, 120);
    top.until(|text| text.contains("1 metric every 100ms") && text.contains('█'));
    top.written.clear();
    while count(&top.written, b"\x1b[?2026l") < 11 {
        let before = top.text();
        top.until(|text| text != before);
    }
    // In each frame, the graph gets one column at its left end.
    let (bytes, frames) = (top.written.len(), count(&top.written, b"\x1b[?2026h"));
    assert!(bytes < frames * 400, "{bytes} bytes in {frames} frames");
    // Clearing the screen makes it flicker.
    assert_eq!(count(&top.written, b"\x1b[2J"), 0);
}

#[test]
fn frames_are_synchronized() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "", 24, 80);
    top.until(|text| text.contains("PID"));
    top.key_in("q");
    assert_eq!(top.end().code(), Some(0));
    let begun = count(&top.written, b"\x1b[?2026h");
    assert!(begun > 0);
    assert_eq!(begun, count(&top.written, b"\x1b[?2026l"));
}

#[test]
fn the_terminal_is_given_back() {
    let bus = Bus::new();
    for signal in [Signal::TERM, Signal::INT] {
        let mut top = Terminal::top(&bus, "", 24, 80);
        top.until(|text| text.contains("PID"));
        kill(top.pid(), signal);
        assert_eq!(top.end().code(), Some(0));
    }
    let mut top = Terminal::top(&bus, "", 24, 80);
    top.until(|text| text.contains("PID"));
    top.key_in("\u{3}");
    assert_eq!(top.end().code(), Some(0));
}

#[test]
fn a_terminal_that_goes_ends_the_program() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "", 24, 80);
    top.until(|text| text.contains("PID"));
    top.hang_up();
    assert_eq!(top.wait().code(), Some(0));
}

#[test]
fn a_terminal_that_goes_while_it_is_drawn_is_no_error() {
    let bus = Bus::new();
    for round in 0..20 {
        let mut top = Terminal::top(&bus, "", 60, 200);
        top.until(|text| text.contains("PID"));
        // Each key draws the whole screen.
        top.key_in(&"\u{c}".repeat(1 + round % 5));
        top.hang_up();
        assert_eq!(top.wait().code(), Some(0), "round {round}");
    }
}

#[test]
fn a_terminal_that_takes_nothing_does_not_hold_the_program() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "--interval 100ms", 80, 300);
    top.until(|text| text.contains("PID"));
    // Nobody reads what it draws from now on.
    for _ in 0..50 {
        top.key_in("\u{c}");
    }
    kill(top.pid(), Signal::TERM);
    top.wait();
}
