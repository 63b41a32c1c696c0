//! The manual pages in `man`: made from the command line, the documentation and the descriptions of the interfaces.
//!
//! `SAMPLED_WRITE_DOCS=1 cargo test --bin sampled manual` writes them. They are files of the project, so that neither a
//! build nor a package needs a generator.

mod commands;
mod interface;
mod markdown;
mod page;

use std::{env, fs, path::Path};

use roff::{bold, roman};

use page::Page;

/// The documentation that a page names without a page of its own.
const DOCUMENTATION: &str = "https://github.com/sampled/sampled/tree/main/docs";

/// All pages, by the names of their files.
fn pages() -> Vec<(&'static str, String)> {
    let sources = include_str!("../../../docs/sources.md");
    let config = include_str!("../../../docs/config.md");
    vec![
        (
            "sampled.1",
            page("sampled", "1", |page| {
                let about = "readings of this machine over D-Bus, shared by all clients";
                name(page, "sampled", about);
                commands::render(page, include_str!("../../../docs/command-line.md"));
            }),
        ),
        (
            "sampled-sources.5",
            page("sampled-sources", "5", |page| {
                name(page, "sampled-sources", "custom metrics of sampled");
                synopsis(page, "$XDG_CONFIG_HOME/sampled/sources.d/*.toml");
                markdown::render(page, &with_description(sources));
                see_also(page, &["sampled(1)", "sampled-config(5)"]);
            }),
        ),
        (
            "sampled-config.5",
            page("sampled-config", "5", |page| {
                name(
                    page,
                    "sampled-config",
                    "configuration of the service sampled",
                );
                synopsis(page, "$XDG_CONFIG_HOME/sampled/config.toml");
                markdown::render(page, &with_description(config));
                see_also(page, &["sampled(1)", "sampled-sources(5)"]);
            }),
        ),
        interface_page(
            "io.github.sampled.Sampler1.5",
            "io.github.sampled.Sampler1",
            sampled::wire::DESCRIPTION,
            &["sampled(1)", "io.github.sampled.Processes1(5)", "busctl(1)"],
        ),
        interface_page(
            "io.github.sampled.Processes1.5",
            "io.github.sampled.Processes1",
            sampled::wire::PROCESSES_DESCRIPTION,
            &["sampled(1)", "io.github.sampled.Sampler1(5)", "busctl(1)"],
        ),
    ]
}

fn interface_page(
    file: &'static str,
    interface: &str,
    description: &str,
    others: &[&str],
) -> (&'static str, String) {
    let text = page(interface, "5", |page| {
        interface::render(page, description);
        see_also(page, others);
    });
    (file, text)
}

/// A page with its header.
fn page(title: &str, section: &str, render: impl FnOnce(&mut Page)) -> String {
    let mut page = Page::default();
    page.append(".\\\" Made by: SAMPLED_WRITE_DOCS=1 cargo test --bin sampled manual");
    let version = concat!("sampled ", env!("CARGO_PKG_VERSION"));
    page.control("TH", [title, section, "\"\"", version, "sampled"]);
    // No hyphens in ids and paths that they do not have, and no spaces that fill a line.
    page.control("nh", []).control("nr", ["HY", "0"]);
    page.control("ad", ["l"]);
    render(&mut page);
    page.finish()
}

fn name(page: &mut Page, name: &str, about: &str) {
    page.control("SH", ["NAME"]);
    // man-db and mandoc index this line as it is.
    page.text([roman(format!("{name} - {about}"))]);
}

fn synopsis(page: &mut Page, path: &str) {
    page.control("SH", ["SYNOPSIS"]).text([bold(path)]);
}

/// The text after the title, which belongs to the section DESCRIPTION.
fn with_description(text: &str) -> String {
    let (_, text) = text.split_once("\n\n").expect("a title");
    format!("## Description\n\n{text}")
}

fn see_also(page: &mut Page, pages: &[&str]) {
    page.control("SH", ["SEE ALSO"]);
    let documentation = format!(", and the documentation at {DOCUMENTATION}");
    let mut inlines = markdown::pages(pages);
    inlines.push(roman(documentation));
    page.text(inlines);
}

#[test]
fn the_pages_are_up_to_date() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let pages = pages();
    for (file, text) in &pages {
        let path = directory.join(file);
        if env::var_os("SAMPLED_WRITE_DOCS").is_some() {
            fs::write(&path, text).unwrap();
        }
        let present = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            present == *text,
            "man/{file} is not up to date: SAMPLED_WRITE_DOCS=1 cargo test --bin sampled manual"
        );
    }
    // sampled-top(1) is written by hand.
    let files = fs::read_dir(directory).unwrap().count();
    assert_eq!(files, pages.len() + 1);
}
