//! `list` and `sample`: their output and exit status.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, pipe},
    os::fd::OwnedFd,
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
fn an_unknown_metric_is_named_with_the_nearest_known_one() {
    let expected = "sampled: cpu/all/usag: no such metric (nearest: cpu/all/usage)";
    let bus = Bus::activating("");
    for command in ["list", "sample", "watch"] {
        let run = bus.run(&[command, "cpu/all/usag"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        assert_eq!(run.stderr.trim_end(), expected);
    }
    let run = Home::new().run(&["sample", "cpu/all/usag"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.stderr.lines().last(), Some(expected));
}

#[test]
fn a_call_that_the_service_refuses_is_a_failure() {
    let bus = Bus::activating("");
    let check = |arguments: &[&str], culprit| {
        let run = bus.run(arguments);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(
            run.stderr.starts_with("sampled: ") && run.stderr.contains(culprit),
            "{run:?}"
        );
        assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    };
    check(&["sample", "cpu//usage"], "cpu//usage");
    check(&["sample", "cpu", "--window", "1ms"], "10 ms");
    check(&["watch", "cpu", "--interval", "999us"], "1 ms");
    check(&["watch", "cpu", "--interval", "2days"], "a day");
}

#[test]
fn without_an_activation_file_the_error_names_sampled_install() {
    let run = Bus::new().run(&["sample", "cpu"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.contains("`sampled install`"), "{run:?}");
}

#[test]
fn a_usage_error_has_exit_status_2() {
    let home = Home::new();
    for arguments in [
        &["frobnicate"][..],
        &[],
        &["sample", "--json", "--csv"],
        &["sample", "--window", "soon"],
        &["watch", "--interval", "0s"],
        &["watch", "--count", "0"],
        &["watch", "--interval"],
        &["--log-level", "loud", "list"],
    ] {
        let run = home.run(arguments);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        assert_ne!(run.stderr, "");
    }
}

#[test]
fn a_broken_pipe_is_a_success() {
    let bus = Bus::activating("");
    for arguments in [&["list"][..], &["sample", "memory"], &["watch", "memory"]] {
        let (reader, writer) = pipe().expect("pipe");
        drop(reader);
        let run = Run::of(bus.sampled(arguments).stdout(OwnedFd::from(writer)));
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
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
