//! A value takes no more than a column of a table, in both modes. JSON and CSV have the exact number.

use std::io::Read;

use super::Modes;
use crate::{
    custom::fixture::{define, sources_d},
    support::{home::SAMPLED, terminal_emulator::columns},
};

/// Values of all magnitudes, as a file or an expression can have them.
const VALUES: [&str; 9] = [
    "8e307", "-8e307", "1e-300", "-1e-300", "1e15", "-1e15", "0", "-0.0", "1.5",
];
const UNITS: [&str; 8] = ["By", "By/s", "bit/s", "Hz", "%", "Cel", "s", "W"];

/// Defines a metric for each value and unit.
fn define_values(modes: &Modes) {
    let directory = sources_d(modes.bus());
    for (row, value) in VALUES.iter().enumerate() {
        let file = modes.bus().dir().join(format!("value{row}"));
        std::fs::write(&file, value).unwrap();
        let metric = |(column, unit): (usize, &&str)| {
            format!("[metrics.'all/v{row}/u{column}']\nfile = {file:?}\nunit = '{unit}'\n")
        };
        let text: String = UNITS.iter().enumerate().map(metric).collect();
        define(&directory, &format!("values{row}.toml"), &text);
    }
}

/// The number and the unit of a line of a table.
fn cells(line: &str) -> Option<(usize, &str)> {
    let (id, value) = line.split_once("  ")?;
    let value = value.trim_start();
    let end = value.find(' ').map_or(value.len(), |end| end);
    // The column in which the number ends.
    (id.contains('/')).then(|| (line.len() - value.len() + end, &value[..end]))
}

#[test]
fn no_value_widens_a_table() {
    let modes = Modes::of_this_machine();
    define_values(&modes);
    for arguments in [
        "sample all",
        "list all",
        "watch all --count 1",
        "watch all --count 2 --interval 50ms",
    ] {
        let arguments: Vec<_> = arguments.split(' ').collect();
        for run in modes.run(&arguments) {
            let printed = run.ok();
            let lines: Vec<_> = printed.lines().map(str::trim_start).collect();
            let numbers: Vec<_> = lines.iter().filter_map(|line| cells(line)).collect();
            assert!(numbers.len() >= VALUES.len() * UNITS.len(), "{printed}");
            for (end, number) in &numbers {
                assert!(number.len() <= 12, "{number}: {printed}");
                assert_eq!(*end, numbers[0].0, "{number}: {printed}");
            }
            for line in lines {
                assert!(columns(line) <= 60, "{line}");
            }
        }
    }
}

#[test]
fn json_and_csv_have_the_exact_numbers() {
    let modes = Modes::of_this_machine();
    define_values(&modes);
    let (json, _) = modes.agree(&["sample", "all/*/u0", "--json"]);
    let (csv, _) = modes.agree(&["sample", "all/*/u0", "--csv"]);
    let (_, readings, _) = crate::cli::frame(json.trim_end());
    let row = csv.lines().nth(1).unwrap().split(',').skip(1);
    let row: Vec<f64> = row.map(|field| field.parse().unwrap()).collect();
    for (number, value) in VALUES.iter().enumerate() {
        let expected: f64 = value.parse().unwrap();
        let printed = readings[&format!("all/v{number}/u0")].as_f64().unwrap();
        assert_eq!(printed, expected, "{value}");
        assert_eq!(row[number], expected, "{value}");
    }
}

/// A real terminal of 40 columns.
#[test]
fn a_terminal_shows_each_value_in_its_line() {
    let modes = Modes::of_this_machine();
    define_values(&modes);
    for mode in ["", " --local"] {
        let script =
            format!("stty cols 40 rows 100; {SAMPLED} watch all --count 2 --interval 50ms{mode}");
        let mut command = modes.bus().command("script");
        command
            .args(["-qec", &script, "/dev/null"])
            .env("TERM", "xterm");
        let mut child = command
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = Vec::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut printed)
            .unwrap();
        assert!(child.wait().unwrap().success());
        let mut terminal = crate::support::terminal_emulator::Terminal::new(100, 40);
        terminal.write(&printed);
        let lines = terminal.lines();
        let numbers = lines.iter().filter_map(|line| cells(line));
        let ends: Vec<_> = numbers.map(|(end, _)| end).collect();
        assert_eq!(ends.len(), VALUES.len() * UNITS.len(), "{lines:#?}");
        assert!(ends.iter().all(|end| *end == ends[0]), "{lines:#?}");
        assert!(
            lines.iter().any(|line| line.ends_with(" 8.00e307 B/s")),
            "{lines:#?}"
        );
    }
}
