//! The program of docs/streams.md.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use rustix::process::Signal;

use crate::support::{bus::Bus, process::skip};

const PYTHON: &str = "/usr/bin/python3";

#[test]
fn the_program_of_the_documentation_reads_records() {
    let bus = Bus::activating("");
    let has_gio = bus
        .command(PYTHON)
        .args(["-c", "from gi.repository import Gio"])
        .output();
    if !has_gio.is_ok_and(|output| output.status.success()) {
        return skip("it needs python3-gi");
    }
    let page = include_str!("../../../docs/streams.md");
    let (_, program) = page.split_once("```python\n").unwrap();
    let (program, _) = program.split_once("```").unwrap();
    let mut python = bus.command(PYTHON);
    python.args(["-u", "-c", program]).stdout(Stdio::piped());
    let mut child = python.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines: Vec<_> = output.by_ref().take(20).map(Result::unwrap).collect();
    let timestamps: Vec<u64> = lines
        .iter()
        .map(|line| line.split_once(' ').unwrap().0.parse().unwrap())
        .collect();
    assert!(timestamps.is_sorted_by(|one, next| one < next), "{lines:?}");
    let expected = "'memory/physical/total': ";
    assert!(
        lines.iter().all(|line| line.contains(expected)),
        "{lines:?}"
    );
    // At the end of the pipe, the program ends.
    bus.block_on(bus.owned()).signal(Signal::TERM);
    output.for_each(drop);
    assert!(child.wait().unwrap().success());
}
