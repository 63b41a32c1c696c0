//! `list` and `sample`: their readings, output and exit status.

mod failures;
mod output;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    process::{Command, Stdio},
    time::Instant,
};

use nix::pty::{Winsize, openpty};
use serde_json::Value;

use crate::{
    calls::fixture,
    support::{
        bus::Bus,
        home::{Home, SAMPLED},
        process::{DEADLINE, Run},
    },
};

/// Parses a frame in JSON, which has no other keys: its timestamp, readings and faults.
pub(crate) fn frame(line: &str) -> (u64, BTreeMap<String, Value>, BTreeMap<String, Value>) {
    let Ok(Value::Object(mut frame)) = serde_json::from_str(line) else {
        panic!("{line}");
    };
    let timestamp = frame.remove("timestamp").and_then(|time| time.as_u64());
    let mut part = |key| match frame.remove(key) {
        Some(Value::Object(part)) => part.into_iter().collect(),
        other => panic!("{key}: {other:?}"),
    };
    let (readings, faults) = (part("readings"), part("faults"));
    assert!(frame.is_empty(), "{line}");
    (timestamp.expect("a timestamp"), readings, faults)
}

/// A field of /proc/meminfo, in kB.
fn meminfo(name: &str) -> f64 {
    let text = fs::read_to_string("/proc/meminfo").expect("/proc/meminfo");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.unwrap_or_default();
    let number = number.trim_matches(|c: char| !c.is_ascii_digit());
    number.parse().expect(name)
}

/// The output of a command whose standard output is a terminal.
pub(crate) fn on_terminal(command: &mut Command) -> String {
    let size = Winsize {
        ws_row: 40,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let terminal = openpty(Some(&size), None).expect("terminal");
    let mut child = command
        .env("TERM", "xterm")
        .stdout(terminal.slave)
        .stderr(Stdio::null())
        .spawn()
        .expect("spawn");
    // The command has a copy of the other end of the terminal until it gets another standard output.
    command.stdout(Stdio::null());
    let mut shown = Vec::new();
    // A terminal whose other end is closed fails with EIO.
    File::from(terminal.master).read_to_end(&mut shown).ok();
    assert!(child.wait().expect("wait").success());
    String::from_utf8(shown).expect("UTF-8")
}

#[test]
fn without_a_bus_the_program_reads_in_process() {
    let home = Home::new();
    for command in ["list", "sample"] {
        let run = home.run(&[command, "--json", "memory/physical/total"]);
        assert!(
            run.stderr
                .starts_with("sampled: no session bus can be reached"),
            "{run:?}"
        );
        assert!(
            run.stderr.trim_end().ends_with("; reading in-process"),
            "{run:?}"
        );
        assert!(run.ok().contains("\"memory/physical/total\":"));
    }
}

#[test]
fn with_roots_the_program_reads_in_process() {
    let bus = Bus::activating("");
    let laptop = fixture("laptop/proc");
    let run = bus.run(&[
        "sample",
        "--procfs",
        &laptop,
        "memory/physical/total",
        "--csv",
    ]);
    assert_eq!(run.stderr, "");
    let meminfo = fs::read_to_string(format!("{laptop}/meminfo")).unwrap();
    let total = run.ok();
    let total: u64 = total
        .trim_end()
        .rsplit(',')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(meminfo.contains(&format!("{} kB", total / 1024)));
    assert!(bus.block_on(bus.daemon()).is_none());
}

#[test]
fn sample_reads_128_files_with_64_descriptors() {
    let home = Home::new();
    let sys = home.dir().join("sys");
    let cpus = sys.join("devices/system/cpu");
    for cpu in 0..128 {
        let directory = cpus.join(format!("cpu{cpu}/cpufreq"));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("scaling_cur_freq"), "2400000\n").unwrap();
    }
    fs::write(cpus.join("online"), "0-127\n").unwrap();
    let mut limited = home.command("prlimit");
    limited.args(["--nofile=64", SAMPLED, "sample", "cpu/*/frequency"]);
    limited.args(["--timeout", "30s"]);
    limited.args(["--json", "--procfs", &fixture("server/proc"), "--sysfs"]);
    limited.arg(sys);
    let start = Instant::now();
    let run = loop {
        let run = Run::of(&mut limited);
        // On a busy machine, files may be late.
        if !run.stderr.contains(": timed out") || start.elapsed() > DEADLINE {
            break run;
        }
    };
    assert_eq!(run.stderr, "");
    let (_, readings, faults) = frame(run.ok().trim_end());
    assert_eq!((readings.len(), faults), (128, BTreeMap::new()));
}

#[test]
fn the_service_raises_its_limit_of_descriptors_to_the_hard_limit() {
    let bus = Bus::new();
    let mut command = bus.command("prlimit");
    let child = command.args(["--nofile=64:4096", SAMPLED, "serve"]);
    let mut child = child.spawn().expect("spawn");
    let daemon = bus.block_on(bus.owned());
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid)).expect("limits");
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let numbers = files.unwrap().split_whitespace().skip(3).take(2);
    assert!(numbers.eq(["4096", "4096"]), "{limits}");
    child.kill().expect("kill");
    child.wait().expect("wait");
}

#[test]
fn no_heading_of_the_help_is_the_name_of_a_type() {
    let home = Home::new();
    let help = home.run(&["--help"]).ok();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<_> = commands
        .map_while(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.contains(&"processes"), "{commands:?}");
    for command in commands {
        let help = home.run(&[command, "--help"]).ok();
        let is_type = |word: &&str| {
            let mut letters = word.chars().skip_while(|letter| !letter.is_lowercase());
            word.starts_with(char::is_uppercase) && letters.any(char::is_uppercase)
        };
        let headings = help.lines().filter(|line| !line.starts_with(' '));
        let mut words = headings.flat_map(|line| line.split([' ', ':']));
        assert_eq!(words.find(is_type), None, "{command}");
    }
}
