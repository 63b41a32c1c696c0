//! The pages: their links, and the commands of the README.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use crate::support::{
    bus::Bus,
    home::SAMPLED,
    process::{DEADLINE, Run},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages of the project.
fn pages() -> Vec<PathBuf> {
    let mut directories = vec![root().to_owned()];
    let mut pages = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = entry.file_name().into_string().unwrap();
            let is_ours = !matches!(&*name, "target" | "node_modules" | "fixtures");
            if kind.is_dir() && is_ours && !name.starts_with('.') {
                directories.push(path);
            } else if kind.is_file() && name.ends_with(".md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// The lines of a page that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence && !line.starts_with("    ")
    })
}

/// The targets of the links of a page.
fn links(text: &str) -> Vec<&str> {
    let after = prose(text).flat_map(|line| line.split("](").skip(1));
    after
        .filter_map(|rest| Some(rest.split_once(')')?.0))
        .collect()
}

/// The anchors of the headings of a page, as forges make them.
fn anchors(text: &str) -> HashSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|&character| character.is_alphanumeric() || " -_".contains(character));
            kept.map(|character| if character == ' ' { '-' } else { character })
                .collect()
        })
        .collect()
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut dead = Vec::new();
    let mut count = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text).iter().filter(|link| !link.contains("://")) {
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                file => page.parent().unwrap().join(file),
            };
            let leads = target.exists()
                && (anchor.is_empty()
                    || fs::read_to_string(&target)
                        .is_ok_and(|text| anchors(&text).contains(anchor)));
            if !leads {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(count > 100, "{count} links");
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

/// Commands of the README's section "Ask it" that begin with this text, without their comments.
fn commands(beginning: &str) -> Vec<&'static str> {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("\n## Ask it\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter_map(|line| line.strip_prefix("    "));
    let lines = lines.filter(|line| line.starts_with(beginning));
    lines
        .map(|line| line.split("  #").next().unwrap().trim_end())
        .collect()
}

#[track_caller]
fn output(bus: &Bus, script: &str) -> String {
    let mut shell = bus.command("sh");
    let directory = Path::new(SAMPLED).parent().unwrap();
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
    shell.env("PATH", path).args(["-ec", script]);
    Run::within(&mut shell, DEADLINE).ok()
}

#[test]
fn the_calls_of_busctl_start_and_stop_an_acquisition() {
    let calls = commands("ask");
    let [function, sample, start, stop] = calls[..] else {
        panic!("{calls:?}")
    };
    let bus = Bus::activating("");
    let ask = |call: &str| output(&bus, &format!("{function}\n{call}"));
    let reply = ask(sample);
    assert!(reply.starts_with("ta{sv}a{ss} "), "{reply}");
    assert!(reply.contains("\"memory/physical/used\" d "), "{reply}");
    let reply = ask(start);
    assert!(reply.contains("\"cpu/all/usage\""), "{reply}");
    let number = reply.split(' ').nth(1).unwrap();
    let sessions = || ask("ask Sessions");
    assert!(sessions().starts_with(&format!("a{{ua{{sv}}}} 1 {number} ")));
    let (stop, _) = stop.rsplit_once(' ').unwrap();
    ask(&format!("{stop} {number}"));
    assert_eq!(sessions(), "a{ua{sv}} 0\n");
}

#[test]
fn the_commands_print_readings() {
    let bus = Bus::activating("");
    let mut count = 0;
    for command in ["list", "sample", "watch", "ps"].map(|name| format!("sampled {name}")) {
        for line in commands(&command) {
            let once = if command.ends_with("watch") {
                " --count 1"
            } else {
                ""
            };
            let output = output(&bus, &format!("{line}{once}"));
            assert!(
                output.contains(|character: char| character.is_ascii_digit()),
                "{line}: {output}"
            );
            count += 1;
        }
    }
    assert!(count >= 5);
}
