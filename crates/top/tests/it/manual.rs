//! The manual page.

use std::process::Command;

use crate::support::bus::TOP;

#[test]
fn the_page_has_each_option() {
    let page = include_str!("../../../../man/sampled-top.1").replace("\\-", "-");
    let help = Command::new(TOP).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let words = help.split([' ', ',', '\n']);
    let options: Vec<_> = words.filter(|word| word.starts_with("--")).collect();
    assert!(options.len() >= 4, "{options:?}");
    for option in options {
        assert!(page.contains(option), "{option} is missing");
    }
}
