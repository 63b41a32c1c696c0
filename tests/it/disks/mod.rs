//! The traffic and the ids of block devices: loop devices, zram and file systems on them, as the kernel and lsblk(8) show
//! them.

mod block_device;
mod identity;
mod traffic;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use crate::{
    cli::frame,
    support::{
        home::{Home, SAMPLED},
        process::Run,
    },
};

/// The id of the block device that has this name of the kernel now, as `sampled` prints the names.
fn id_of(home: &Home, kernel_name: &str) -> Option<String> {
    let ids = ids(home);
    let id = ids
        .into_iter()
        .find(|(_, name)| name == kernel_name)
        .map(|(id, _)| id)?;
    Some(id.strip_suffix("/name")?.to_owned())
}

/// The metrics `disk/*/name` of this machine, read without a service.
fn ids(home: &Home) -> BTreeMap<String, String> {
    let sample = ["sample", "--rootfs", "/", "--json", "disk/*/name"];
    let output = Run::of(&mut home.sampled(&sample)).ok();
    let (_, readings, _) = frame(output.lines().last().expect("a frame"));
    let text = |(id, value): (String, Value)| Some((id, value.as_str()?.to_owned()));
    readings.into_iter().filter_map(text).collect()
}

/// A `sampled watch` without a service, whose rates are added up.
struct Watch {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    last: Option<u64>,
}

/// One frame: the seconds since the one before, the readings and the faults.
struct Tick {
    seconds: f64,
    readings: BTreeMap<String, Value>,
    faults: BTreeMap<String, Value>,
}

impl Watch {
    /// Watches these metrics. `wrapper` is a program that runs another one, with its arguments.
    fn new(home: &Home, wrapper: &[&str], ids: &[&str]) -> Self {
        let watch = ["watch", "--rootfs", "/", "--json", "--interval", "100ms"];
        let words: Vec<_> = wrapper.iter().chain(&[SAMPLED]).chain(&watch).collect();
        let mut command: Command = home.command(words[0]);
        command.args(&words[1..]).args(ids);
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sampled");
        let stdout = process.stdout.take().expect("a pipe");
        Self {
            process,
            lines: BufReader::new(stdout).lines(),
            last: None,
        }
    }

    fn pid(&self) -> u32 {
        self.process.id()
    }

    fn next(&mut self) -> Tick {
        let line = self.lines.next().expect("another frame");
        let (timestamp, readings, faults) = frame(&line.expect("text"));
        let before = self.last.replace(timestamp).unwrap_or(timestamp);
        Tick {
            seconds: (timestamp - before) as f64 / 1e6,
            readings,
            faults,
        }
    }

    /// The next frame in which this metric has a value.
    fn until_read(&mut self, id: &str) -> Tick {
        loop {
            let tick = self.next();
            if tick.readings.contains_key(id) {
                return tick;
            }
        }
    }

    /// Adds up the rates of this metric until they have reached nearly as much as is expected, and a few frames longer.
    fn sum_up_to(&mut self, id: &str, expected: f64) -> f64 {
        const LONGER: usize = 3;
        let mut sum = 0.0;
        let mut left = LONGER;
        while left > 0 {
            let tick = self.next();
            let rate = tick.readings.get(id).and_then(Value::as_f64);
            sum += rate.unwrap_or_default() * tick.seconds;
            left -= usize::from(sum >= expected * (1.0 - SHARE));
        }
        sum
    }
}

/// The clock of the timestamps is not the one by which the rates are made.
const SHARE: f64 = 0.02;

#[track_caller]
fn check_sum(sum: f64, expected: f64) {
    let difference = (sum - expected).abs();
    assert!(difference <= SHARE * expected, "{sum} of {expected} bytes");
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
