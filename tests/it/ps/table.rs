//! The table of `sampled processes` for people: one line for each process, and trees.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Command, Stdio},
};

use super::Sleeper;
use crate::{cli::on_terminal, support::home::Home};

#[test]
fn names_with_control_characters_are_escaped_on_one_line() {
    let home = Home::new();
    let sleep = fs::canonicalize("/bin/sleep").unwrap();
    let program = home.dir().join("a\u{1b}[31m\nb");
    symlink(sleep, &program).unwrap();
    let sleeper = Sleeper::spawn(program.to_str().unwrap());
    let fields = "pid,name,executable,cgroup,start_time,user,state,command_line";
    let filter = sleeper.filter();
    let arguments = ["ps", "--fields", fields, "--filter", &filter];
    let shown = on_terminal(home.sampled(&arguments).env("NO_COLOR", "1"));
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 2, "{shown}");
    assert!(
        lines.iter().all(|line| line.chars().count() <= 100),
        "{shown}"
    );
    assert!(lines[1].contains(r"a\u{1b}[31m\nb"), "{shown}");
    assert!(!shown.contains('\x1b'), "{shown}");
    // Without a terminal no line is cut off.
    let printed = home.run(&arguments).ok();
    assert!(
        printed.trim_end().ends_with(r"a\u{1b}[31m\nb 1000"),
        "{printed}"
    );
    let coloured = on_terminal(&mut home.sampled(&arguments));
    assert!(coloured.starts_with("\x1b[1m"), "{coloured}");
}

#[test]
fn children_are_drawn_below_their_parents() {
    let home = Home::new();
    let mut shell = Command::new("sh")
        .args(["-c", "sleep 1000 & echo $!; wait"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = std::io::BufReader::new(shell.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    let child = line.trim().to_owned();
    let printed = home
        .run(&["ps", "--tree", "--fields", "pid,name", "--sort", "pid"])
        .ok();
    let index = printed
        .lines()
        .position(|line| line.split_whitespace().next() == Some(&shell.id().to_string()));
    let next = printed.lines().nth(index.unwrap() + 1).unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(child.parse().unwrap()).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    shell.wait().unwrap();
    assert_eq!(
        next.split_whitespace().next(),
        Some(child.as_str()),
        "{printed}"
    );
    assert!(next.contains("└─ "), "{next}");
}
