//! Machines with much, with little, and with strange values.

use std::fs;

use crate::support::{
    bus::Bus,
    machine::{Machine, write},
    terminal::Terminal,
};

#[test]
fn ten_thousand_processes_are_a_table() {
    let machine = Machine::new(2, 10_000);
    let bus = Bus::on(&machine);
    let mut top = Terminal::top(&bus, "", 40, 120);
    top.until(|text| text.contains("10000 processes") && text.contains("PID"));
    top.key_in("0M");
    // By memory: the process with the greatest number.
    top.until(|text| text.contains("Memory▾") && text.contains("worker10000"));
    top.key_in("\x1b[F");
    top.until(|text| text.lines().any(|line| line.contains("worker1 ")));
    // Another order begins with its first row.
    top.key_in("P");
    top.until(|text| text.contains("CPU▾") && text.contains("worker1 "));
    top.key_in("\x1b[H/9999\r");
    top.until(|text| text.contains("工作9999") && !text.contains("worker1000"));
    top.key_in("/\u{15}\rt");
    // Each process is below its parent: 10, 100, …
    top.until(|text| text.contains("├ worker10 ") && text.contains("worker1 "));
    top.key_in("\x1b[F");
    top.until(|text| text.contains("9999"));
    top.key_in("q");
    assert_eq!(top.end().code(), Some(0));
}

#[test]
fn many_processors_and_disks_have_pages() {
    let machine = Machine::new(128, 1).with_disks(63);
    let bus = Bus::on(&machine);
    for (height, width) in [(20, 60), (24, 80), (80, 300)] {
        let mut top = Terminal::top(&bus, "", height, width);
        top.until(|text| text.contains("PID"));
        top.key_in("2");
        top.until(|text| text.contains("All Processors"));
        top.key_in("\x1b[F");
        top.until(|text| text.contains("Details") || text.contains("Uptime"));
        top.key_in("4\x1b[F");
        top.until(|text| text.contains("固态硬盘 62") || text.contains("nvme62n1"));
        top.key_in("\x1b[H");
        top.until(|text| text.contains("固态硬盘 0") || text.contains("nvme0n1"));
    }
}

#[test]
fn a_machine_without_devices_says_so() {
    let bus = Bus::on(&Machine::new(1, 1));
    let mut top = Terminal::top(&bus, "", 24, 80);
    top.until(|text| text.contains("PID"));
    for (key, expected) in [
        ("4", "No Disks"),
        ("5", "No File Systems"),
        ("6", "No Network"),
        ("7", "No Sensors"),
        ("8", "No Battery"),
        ("9", "No Graphics Processor"),
    ] {
        top.key_in(key);
        top.until(|text| text.contains(expected));
    }
}

#[test]
fn strange_values_fit_their_places() {
    let bus = Bus::new();
    let sources = bus.home().join("config/sampled/sources.d");
    let value = bus.home().join("value");
    write(&value, "1e300\n");
    let definition = |metric: &str| {
        format!(
            "[metrics.\"{metric}\"]\nobject = \"תנור\"\nunit = \"V\"\nfile = {value:?}\n",
            value = value.display().to_string()
        )
    };
    write(&sources.join("huge.toml"), &definition("lab/huge/voltage"));
    write(&sources.join("gone.toml"), &definition("lab/gone/voltage"));
    let arguments = "lab/huge/voltage lab/gone/voltage --interval 100ms";
    let mut top = Terminal::top(&bus, arguments, 24, 80);
    // It has a graph, and a scale.
    top.until(|text| text.contains("e300") && text.contains('█'));
    let values = [
        ("-1e300", "-1.0e300 V"),
        ("NaN", "malformed"),
        ("", "malformed"),
        ("3", " 3 V"),
    ];
    for (value, expected) in values {
        fs::write(bus.home().join("value"), value).unwrap();
        top.until(|text| text.matches(expected).count() == 2);
    }
    // For good.
    fs::remove_file(sources.join("gone.toml")).unwrap();
    top.until(|text| text.contains("gone") && text.contains(" V"));
    top.key_in("q");
    assert_eq!(top.end().code(), Some(0));
}
