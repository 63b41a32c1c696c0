//! The bars themselves, with the blocks of docs/bars.md.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Instant,
};

use serde_json::Value;

use super::{SHAPE, blocks, shape};
use crate::support::{
    bus::Bus,
    home::SAMPLED,
    process::{DEADLINE, Run, skip},
};

/// PATH, with the directory of a program before the others.
pub(super) fn path_with(program: &str) -> OsString {
    let directory = Path::new(program).parent().unwrap().to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    let others: Vec<PathBuf> = env::split_paths(&path).collect();
    env::join_paths([vec![directory], others].concat()).unwrap()
}

/// Whether the machine has a program. If not, the test is skipped.
#[track_caller]
fn has(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = env::split_paths(&path).any(|directory| directory.join(program).exists());
    if !is_there {
        skip(&format!("it needs {program}"));
    }
    is_there
}

fn command(bus: &Bus, program: &str) -> Command {
    let mut command = bus.command(program);
    command
        .env("PATH", path_with(SAMPLED))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // They print this when the test ends their display or their output.
        .stderr(Stdio::null());
    command
}

/// The first result of `find` for a line that a program prints. The program ends with its bus.
#[track_caller]
fn first<T: Send + 'static>(
    mut command: Command,
    mut find: impl FnMut(&str) -> Option<T> + Send + 'static,
) -> T {
    let mut child = command.spawn().expect("the program");
    let lines = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
    let (sender, found) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = lines.map_while(Result::ok);
        if let Some(result) = lines.find_map(|line| find(&line)) {
            sender.send(result).ok();
        }
        // It may write until it ends.
        lines.for_each(drop);
        child.wait().ok();
    });
    let result = found.recv_timeout(DEADLINE);
    result.unwrap_or_else(|reason| panic!("{command:?}: {reason}"))
}

fn write(bus: &Bus, name: &str, text: &str) -> PathBuf {
    let path = bus.dir().join(name);
    fs::write(&path, text).expect("configuration");
    path
}

#[test]
fn i3blocks_shows_its_block() {
    if !has("i3blocks") {
        return;
    }
    let bus = Bus::activating("");
    let mut i3blocks = command(&bus, "i3blocks");
    i3blocks
        .arg("-c")
        .arg(write(&bus, "i3blocks.conf", blocks("i3blocks")[0]));
    // The protocol of i3bar: a line for each state, which is an array of blocks.
    first(i3blocks, |line| {
        let shown: Value = serde_json::from_str(line.trim_start_matches(',')).ok()?;
        let mut blocks = shown.as_array()?.iter();
        blocks.find(|block| {
            let text = block["full_text"].as_str();
            text.is_some_and(|text| shape(text) == SHAPE)
        })?;
        Some(())
    });
}

#[test]
fn conky_shows_its_text() {
    if !has("conky") {
        return;
    }
    let bus = Bus::activating("");
    let text = format!(
        "conky.config = {{ out_to_console = true, update_interval = 0.5 }}\n{}",
        blocks("conky")[0]
    );
    let mut conky = command(&bus, "conky");
    conky.arg("-c").arg(write(&bus, "conky.conf", &text));
    first(conky, |line| (shape(line) == SHAPE).then_some(()));
}

#[test]
fn polybar_shows_its_module() {
    if !has("polybar") || !has("Xvfb") {
        return;
    }
    let bus = Bus::activating("");
    let mut display = command(&bus, "Xvfb");
    display.args(["-displayfd", "1", "-screen", "0", "800x600x24"]);
    display.args(["-nolisten", "tcp"]);
    let number = first(display, |line| Some(line.to_owned()));
    let text = format!(
        "[bar/main]\nmodules-right = sampled\n{}",
        blocks("polybar")[0]
    );
    let mut polybar = command(&bus, "polybar");
    polybar
        .env("DISPLAY", format!(":{number}"))
        .args(["--stdout", "-q", "main", "-c"])
        .arg(write(&bus, "polybar.ini", &text));
    first(polybar, |line| {
        // `%{r}%{F#e01b24}TEXT%{F-}%{PR}`.
        let parts = line.split("%{").filter_map(|part| part.split_once('}'));
        let text: String = parts.map(|(_, text)| text).collect();
        (shape(&text) == SHAPE).then_some(())
    });
}

#[test]
fn tmux_shows_its_status() {
    if !has("tmux") {
        return;
    }
    let bus = Bus::activating("");
    write(&bus, "tmux.conf", blocks("tmux")[0]);
    // A terminal for the tmux that shows the line: a pane of another one.
    let outer = |arguments: &[&str]| {
        let mut tmux = command(&bus, "tmux");
        tmux.current_dir(bus.dir());
        Run::of(
            tmux.args(["-S", "outer", "-f", "/dev/null"])
                .args(arguments),
        )
        .ok()
    };
    outer(&[
        "new-session",
        "-d",
        "-x",
        "100",
        "-y",
        "10",
        "env -u TMUX tmux -S inner -f tmux.conf new-session cat",
    ]);
    let start = Instant::now();
    loop {
        let screen = outer(&["capture-pane", "-p"]);
        let status = screen
            .lines()
            .find_map(|line| line.find("CPU").map(|at| &line[at..]));
        if status.is_some_and(|status| shape(status) == SHAPE) {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "{screen}");
    }
}
