//! The lines themselves, on the machine of a fixture and with the service.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
};

use rustix::process::Signal;

use crate::{
    custom::fixture::{define, sources_d},
    support::{bus::Bus, home::Home, process::Run},
};

/// Runs a command on the laptop in tests/fixtures.
#[track_caller]
fn on_laptop(arguments: &[&str]) -> Run {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/laptop");
    let (proc, sys) = (format!("{root}/proc"), format!("{root}/sys"));
    let roots = ["--rootfs", root, "--procfs", &*proc, "--sysfs", &*sys];
    Home::new().run(&[arguments, &roots].concat())
}

#[test]
fn lines_have_values_and_colours() {
    let check = |arguments: &[&str], expected: &str| {
        let printed = on_laptop(&[&["sample"], arguments].concat()).ok();
        assert_eq!(printed, format!("{expected}\n"), "{arguments:?}");
    };
    let used = "memory/physical/used";
    check(
        &["--format", "RAM {memory/physical/used .2 >9}"],
        "RAM  5.72 GiB",
    );
    check(&["--format", "{memory/physical/used raw}"], "6144000000");
    check(&["--format", "polybar", used], "Used 5.7 GiB");
    check(
        &[
            "--format",
            "tmux",
            used,
            "--warning=memory/physical/used=6e9",
        ],
        "#[fg=#f5c211]Used 5.7 GiB#[fg=default]",
    );
    check(
        &["--format", "i3blocks", "power/1234/chargePercentage"],
        r#"{"full_text":"Charge percentage 50.0 %"}"#,
    );
    check(
        &[
            "--format=waybar",
            "--template={power/1234/chargePercentage .0}",
            "--warning=power/1234/chargePercentage<60",
            "--critical=power/1234/chargePercentage<40",
            used,
        ],
        "{\"alt\":\"warning\",\"class\":\"warning\",\"percentage\":50,\"text\":\"50 %\",\
         \"tooltip\":\"Memory, Used: 5.7 GiB\\n01AV421, Charge percentage: 50.0 %\"}",
    );
    check(
        &[
            "--optional",
            "--format",
            "{no/such/metric} {memory/physical/total}",
        ],
        "gone 15.3 GiB",
    );
}

#[test]
fn an_error_names_what_is_wrong_with_a_line() {
    let check = |arguments: &[&str], expected: &str| {
        let run = on_laptop(arguments);
        assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{arguments:?}");
        assert!(run.stderr.contains(expected), "{arguments:?}: {run:?}");
    };
    check(
        &["watch", "--format", "waybar"],
        "a line of every metric is too long",
    );
    check(&["sample", "--format", "xmobar", "cpu"], "it is none of");
    check(&["sample", "--format", "{cpu}"], "`cpu` is no id");
    check(
        &["watch", "--format", "tmux", "cpu", "--history", "1min"],
        "--history",
    );
    check(
        &[
            "watch",
            "--format=tmux",
            "memory",
            "--critical=cpu/all/usage=1",
        ],
        "cpu/all/usage has a limit and is not in the line",
    );
    check(
        &["sample", "--format={a/b/c}", "--critical=a/b/c=1"],
        "a line of your own has no colour",
    );
    check(
        &["sample", "--format={a/b/c}", "--template={a/b/d}"],
        "--template means nothing to it",
    );
    check(&["sample", "--raw", "--json", "cpu"], "--raw");
    check(&["sample", "--prometheus", "--csv", "cpu"], "--prometheus");
}

#[test]
fn a_bare_value_has_no_unit() {
    let run = on_laptop(&["sample", "-r", "memory/physical/used", "power/1234/name"]);
    assert_eq!(run.ok(), "6144000000\nSANYO 01AV421\n");
    let (whole, fault) = (
        "lmsensors/nvme-pci-0300/temp2",
        "lmsensors/nvme-pci-0300/temp3",
    );
    let run = on_laptop(&["sample", "-r", fault, whole]);
    assert_eq!((run.code, &*run.stdout), (Some(1), "\n36.85\n"), "{run:?}");
    assert!(
        run.stderr.contains("lmsensors/nvme-pci-0300/temp3: "),
        "{run:?}"
    );
}

#[test]
fn values_have_the_order_of_the_selectors() {
    let selectors = ["power/1234/name", "memory/physical/used", "power/1234"];
    let run = on_laptop(&[&["sample", "-r"], &selectors[..2]].concat());
    assert_eq!(run.ok(), "SANYO 01AV421\n6144000000\n");
    let bar = [&["sample", "--format=tmux"], &selectors[..2]].concat();
    let line = on_laptop(&bar).ok();
    assert!(line.find("SANYO") < line.find("5.7 GiB"), "{line}");
    // Each metric once, where the first selector has it.
    let lines = on_laptop(&[&["sample", "-r"], &selectors[..]].concat()).stdout;
    assert!(lines.starts_with("SANYO 01AV421\n6144000000\n"), "{lines}");
    assert_eq!(lines.matches("SANYO 01AV421").count(), 1, "{lines}");
}

#[test]
fn the_first_line_has_a_rate() {
    let bus = Bus::activating("");
    let arguments = "watch --format {cpu/all/usage} --interval 100ms --count 3";
    for option in [&[][..], &["--local"]] {
        let arguments = [&arguments.split(' ').collect::<Vec<_>>(), option].concat();
        let printed = bus.run(&arguments).ok();
        let lines: Vec<_> = printed.lines().map(super::shape).collect();
        assert_eq!(lines, ["N %"; 3], "{printed}");
    }
}

#[test]
fn the_line_after_a_restart_has_a_rate() {
    let bus = Bus::activating("");
    let arguments = "watch --format {cpu/all/usage} --interval 100ms --count 6";
    let mut watch = bus.sampled(&arguments.split(' ').collect::<Vec<_>>());
    let piped = watch.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed: Vec<_> = lines.by_ref().take(2).map(Result::unwrap).collect();
    bus.block_on(bus.owned()).signal(Signal::TERM);
    printed.extend(lines.map(Result::unwrap));
    let shapes: Vec<_> = printed.iter().map(|line| super::shape(line)).collect();
    assert_eq!(shapes, ["N %"; 6], "{printed:?}");
    let run = Run::from(child.wait_with_output().unwrap());
    assert!(run.stderr.contains("starting again"), "{run:?}");
}

/// A metric may vanish while its line is on a bar, and come back.
#[test]
fn a_metric_that_vanishes_is_gone_until_it_is_back() {
    let bus = Bus::activating("");
    let directory = sources_d(&bus);
    let (file, value) = ("room.toml", bus.dir().join("value"));
    fs::write(&value, "5").unwrap();
    let definition = format!("[metrics.'room/desk/power']\nfile = {value:?}\nunit = 'W'\n");
    define(&directory, file, &definition);
    for arguments in [
        &["--format", "{room/desk/power .0}"][..],
        // The line of a prefix has a name, and nothing at all without its metrics.
        &["--format", "polybar", "room", "cpu/all/cpuCount"],
    ] {
        let mut watch = bus.sampled(&[&["watch", "--interval", "50ms"], arguments].concat());
        let mut child = watch.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut until = |wanted: &dyn Fn(&str) -> bool| {
            let mut lines = lines.by_ref().map(Result::unwrap);
            lines.find(|line| wanted(line)).expect("such a line")
        };
        until(&|line| line.contains("5 W"));
        fs::remove_file(directory.join(file)).unwrap();
        until(&|line| !line.contains(" W"));
        define(&directory, file, &definition);
        until(&|line| line.contains(" W"));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
