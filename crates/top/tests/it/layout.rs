//! The layout file.

use std::fs;

use crate::support::{bus::Bus, terminal::Terminal};

#[test]
fn a_layout_is_saved_and_read_again() {
    let bus = Bus::new();
    let mut top = Terminal::top(&bus, "", 24, 100);
    top.until(|text| text.contains("PID"));
    top.key_in("0Mt+W");
    top.until(|text| text.contains("Saved to "));
    top.key_in("q");
    assert_eq!(top.end().code(), Some(0));
    let expected = "page = \"processes\"\ninterval = \"500ms\"\nsort = \"-rss\"\ntree = true\ngroup = \"application\"\n";
    assert_eq!(fs::read_to_string(bus.layout()).unwrap(), expected);
    let mut top = Terminal::top(&bus, "", 24, 100);
    top.until(|text| {
        ["Memory▾", "├ ", "metrics every 500ms"]
            .iter()
            .all(|expected| text.contains(expected))
    });
}

#[test]
fn a_broken_layout_is_kept() {
    let bus = Bus::new();
    fs::create_dir(bus.home().join("config/sampled")).unwrap();
    let text = "page = \"disks\"\ntree = perhaps\n";
    fs::write(bus.layout(), text).unwrap();
    let mut top = Terminal::top(&bus, "", 24, 160);
    top.until(|text| {
        text.contains("The layout is not used") && text.contains("top.toml: line 2: ")
    });
    top.key_in("W");
    top.until(|text| text.contains("Not saved, because the file would be lost"));
    assert_eq!(fs::read_to_string(bus.layout()).unwrap(), text);
}
