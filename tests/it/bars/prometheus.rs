//! The text format of Prometheus, and the script of docs/bars.md that writes it into a directory.

use std::{collections::BTreeSet, fs};

use super::blocks;
use crate::support::{bus::Bus, home::SAMPLED};

fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.starts_with("sampled_") && text.chars().all(is_part)
}

/// Checks the rules of the format, as `promtool check metrics` does.
#[track_caller]
fn check(text: &str) {
    let mut names = BTreeSet::new();
    let mut samples = BTreeSet::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let help = line.strip_prefix("# HELP ").expect(line);
        let (name, _) = help.split_once(' ').expect(line);
        assert!(is_name(name) && names.insert(name), "{line}");
        let line = lines.next().expect("a type");
        let kind = line.strip_prefix(&format!("# TYPE {name} ")).expect(line);
        assert!(matches!(kind, "gauge" | "counter"), "{line}");
        let mut count = 0;
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').expect(line);
            let labels = series.strip_prefix(name).expect(line);
            assert!(labels.starts_with("{object=\"") && labels.ends_with("\"}"));
            assert!(samples.insert(series), "{line}");
            value.parse::<f64>().expect(line);
            count += 1;
        }
        assert!(count > 0, "{name}");
    }
    assert!(!names.is_empty());
}

#[test]
fn the_text_keeps_the_rules_of_prometheus() {
    let bus = Bus::activating("");
    check(&bus.run(&["sample", "--prometheus"]).ok());
    let printed = bus.run(&["sample", "--prometheus", "memory/physical/total"]);
    let printed = printed.ok();
    check(&printed);
    let last = printed.lines().last().unwrap();
    let value = bus.run(&["sample", "-r", "memory/physical/total"]).ok();
    let expected = format!(
        "sampled_memory_total_bytes{{object=\"physical\"}} {}",
        value.trim_end()
    );
    assert_eq!(last, expected);
}

#[test]
fn the_script_of_the_documentation_replaces_the_file() {
    let bus = Bus::activating("");
    let script = bus.dir().join("sampled-textfile");
    fs::write(&script, blocks("Prometheus")[0]).unwrap();
    let directory = bus.dir().join("textfile");
    fs::create_dir(&directory).unwrap();
    let file = directory.join("sampled.prom");
    fs::write(&file, "old").unwrap();
    let mut command = bus.command("sh");
    command.env("PATH", super::programs::path_with(SAMPLED));
    command.arg("-e").arg(&script).arg(&directory);
    assert!(command.status().unwrap().success());
    check(&fs::read_to_string(&file).unwrap());
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
}
