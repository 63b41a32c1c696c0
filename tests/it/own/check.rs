//! `sampled sources check`: what is wrong, where, and how it is told to a script.

use std::fs;

use super::place::{define, sources_d};
use crate::home::Home;

#[test]
fn all_is_well() {
    let home = Home::new();
    let directory = sources_d(&home);
    let file = home.dir().join("value");
    fs::write(&file, "5").unwrap();
    define(
        &directory,
        "room.toml",
        &format!(
            "[metrics.'a/b/c']\nfile = {file:?}\nunit = 'W'\n[metrics.'a/b/d']\nfile = '/nonexistent'"
        ),
    );
    let run = home.run(&["sources", "check"]);
    assert_eq!(
        run.stdout,
        "a/b/c  5 W\na/b/d  gone\nsources.d/room.toml: /nonexistent: No such file or directory (os error 2)\n"
    );
    assert_eq!((run.code, &*run.stderr), (Some(0), ""));
    let run = home.run(&["sources", "check", "--no-read"]).ok();
    assert_eq!(run, "a/b/c\na/b/d\n");
    let elsewhere = home.run(&["sources", "check", directory.to_str().unwrap()]);
    assert_eq!(elsewhere.code, Some(0));
}

#[test]
fn mistakes_are_listed() {
    let home = Home::new();
    let directory = sources_d(&home);
    define(
        &directory,
        "a.toml",
        "[metrics.'a/b/c']\nfile = 'x'\ncolour = 1",
    );
    define(&directory, "b.toml", "[metrics.'a/b/c']\nfile = '/x'\n[");
    define(&directory, "c.toml", "[metrics.'a/b/d']\nfile = '/x'");
    let run = home.run(&["sources", "check"]);
    assert_eq!((run.code, &*run.stderr), (Some(1), ""), "{run:?}");
    let shown = directory.display();
    let starts = [
        format!("{shown}/a.toml:2:8: metrics.\"a/b/c\".file: \"x\": an absolute path is expected"),
        format!("{shown}/a.toml:3:1: metrics.\"a/b/c\".colour: unknown key (known: name, "),
        format!("{shown}/b.toml:3:2: "),
    ];
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines.len(), starts.len(), "{run:?}");
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(&start), "{line}");
    }
}

#[test]
fn what_is_not_there_is_an_error() {
    let home = Home::new();
    let run = home.run(&["sources", "check"]);
    let expected = format!(
        "sampled: {}: No such file or directory (os error 2)\n",
        sources_d(&home).display()
    );
    assert_eq!((run.code, run.stderr), (Some(1), expected));
}

#[test]
fn the_sources_are_shown() {
    let home = Home::new();
    let sources = home.run(&["sources"]).ok();
    assert!(
        sources
            .lines()
            .any(|line| line == "memory               unused" || line.starts_with("memory "))
    );
    let sources = home.run(&["sources", "--json"]).ok();
    let sources: serde_json::Value = serde_json::from_str(&sources).unwrap();
    assert_eq!(sources["cpu"]["state"], "unused");
    assert_eq!(sources["sources.d"]["error"], "");
    assert_eq!(home.run(&["sources", "check", "--json"]).code, Some(2));
}
