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

/// A `sampled watch` without a service.
struct Watch {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// One frame: the readings and the faults. All rates of one source in it are over the same time.
struct Tick {
    readings: BTreeMap<String, Value>,
    faults: BTreeMap<String, Value>,
}

impl Tick {
    /// The number that this metric reads.
    fn number(&self, id: &str) -> Option<f64> {
        self.readings.get(id)?.as_f64()
    }
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
        }
    }

    fn pid(&self) -> u32 {
        self.process.id()
    }

    fn next(&mut self) -> Tick {
        let line = self.lines.next().expect("another frame");
        let (_, readings, faults) = frame(&line.expect("text"));
        Tick { readings, faults }
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

    /// The frames in which this rate is more than 0, up to the next in which it is 0 again.
    fn busy_frames(&mut self, id: &str) -> Vec<Tick> {
        let mut busy = Vec::new();
        loop {
            let tick = self.next();
            match tick.number(id) {
                Some(rate) if rate > 0.0 => busy.push(tick),
                Some(_) if !busy.is_empty() => return busy,
                _ => {}
            }
        }
    }
}

/// Checks two rates of one frame, which may have been rounded differently.
#[track_caller]
fn check_equal(ours: f64, expected: f64) {
    let difference = (ours - expected).abs();
    assert!(difference <= 1e-9 * expected, "{ours}, not {expected}");
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
