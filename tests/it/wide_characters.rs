//! Tables line up if a text has characters of two columns, or emoji of several characters.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Child, Command},
};

use crate::{
    custom::fixture::{define, sources_d},
    support::{home::Home, terminal_emulator::columns},
};

/// Texts and their widths in columns.
const TEXTS: [(&str, usize); 6] = [
    ("abc", 3),
    ("日本語", 6),
    ("🎉🎉", 4),
    ("⚠\u{fe0f}", 2),
    ("👩\u{200d}💻", 2),
    ("e\u{301}é", 2),
];

/// The column at which a part of a line begins. The line has one of [`TEXTS`] before it.
#[track_caller]
fn column(line: &str, part: &str) -> usize {
    let before = &line[..line.find(part).expect(line)];
    let shown = TEXTS.iter().find(|(text, _)| before.contains(text));
    let (text, width) = shown.expect(line);
    columns(&before.replace(text, "")) + width
}

/// Asserts that a part of each line begins at the same column.
#[track_caller]
fn assert_aligned(lines: &[&str], part: &str) {
    let columns: Vec<_> = lines.iter().map(|line| column(line, part)).collect();
    let is_aligned = columns.iter().all(|column| *column == columns[0]);
    assert!(is_aligned, "{columns:?}: {lines:#?}");
}

/// Processes. `drop` kills them.
struct Processes(Vec<Child>);

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

#[test]
fn names_of_processes_line_up() {
    let home = Home::new();
    let sleep = fs::canonicalize("/bin/sleep").unwrap();
    let children = TEXTS.map(|(name, _)| {
        let program = home.dir().join(name);
        symlink(&sleep, &program).unwrap();
        Command::new(program).arg("1000").spawn().unwrap()
    });
    let _processes = Processes(children.into());
    let filter = format!("command_line={}*", home.dir().display());
    let fields = "name,user,command_line";
    let printed = home
        .run(&["ps", "--filter", &filter, "--fields", fields])
        .ok();
    let lines: Vec<_> = printed.lines().skip(1).collect();
    assert_eq!(lines.len(), TEXTS.len(), "{printed}");
    let dir = home.dir().display().to_string();
    assert_aligned(&lines, &dir);
}

#[test]
fn values_line_up() {
    let home = Home::new();
    let metric = |(number, (text, _)): (usize, &(&str, usize))| {
        let value = home.dir().join(format!("value{number}"));
        fs::write(&value, text).unwrap();
        format!("[metrics.'a/b/{number}']\nfile = {value:?}\nkind = 'text'\nname = 'Name'\n")
    };
    let text: String = TEXTS.iter().enumerate().map(metric).collect();
    define(&sources_d(&home), "a.toml", &text);
    let printed = home.run(&["list", "a"]).ok();
    let lines: Vec<_> = printed.lines().skip(1).collect();
    assert_eq!(lines.len(), TEXTS.len(), "{printed}");
    assert_aligned(&lines, "Name");
}
