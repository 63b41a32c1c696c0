//! The commands of the program, from their definitions.

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use roff::{bold, roman};

use super::{markdown, page::Page};
use crate::cli::{Cli, commands::CLIENT};

/// The line of the text after which the commands and their options stand.
const MARK: &str = "<!-- The commands and their options -->\n";

/// Appends the sections of the page of the program; `text` has those that are no definitions.
pub(super) fn render(page: &mut Page, text: &str) {
    let mut program = Cli::command();
    program.build();
    let (before, after) = text.split_once(MARK).expect("the mark");
    let (_, before) = before.split_once("\n\n").expect("a title");
    page.control("SH", ["SYNOPSIS"]);
    page.text([bold("sampled"), roman(" [OPTION...] COMMAND [ARGUMENT...]")]);
    markdown::render(page, before);
    page.control("SH", ["COMMANDS"]);
    for command in visible(&program) {
        render_command(page, command);
    }
    page.control("SH", ["COMMON OPTIONS"]);
    append_options(page, program);
    markdown::render(page, after);
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    let commands = command.get_subcommands();
    commands.filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn render_command(page: &mut Page, command: &Command) {
    // The common options have a section of their own.
    let own = command.clone().mut_args(|argument| match argument {
        argument if argument.is_global_set() || argument.get_id() == "help" => argument.hide(true),
        argument => argument,
    });
    let name = command.get_bin_name().expect("a built command").to_owned();
    page.control("SS", [&*name]);
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").lines().next();
    let arguments = usage.and_then(|usage| usage.strip_prefix(&name));
    page.text([
        bold(name),
        roman(arguments.expect("the name of the command")),
    ]);
    if let Some(about) = command.get_about() {
        markdown::render(page, &format!("{about}."));
    }
    let aliases: Vec<_> = command.get_visible_aliases().collect();
    if !aliases.is_empty() {
        let text = format!("Also called: {}.", aliases.join(", "));
        page.control("PP", []).text([roman(text)]);
    }
    if own.get_arguments().any(|argument| !argument.is_hide_set()) {
        append_options(page, own);
    }
    let help = command.get_after_long_help().or(command.get_after_help());
    if let Some(help) = help {
        // The page says once what all clients share.
        render_help(page, &help.to_string().replace(CLIENT, ""));
    }
    for command in visible(command) {
        render_command(page, command);
    }
}

/// Appends a help text: paragraphs, indented lines as an example, and the list of fields as terms.
fn render_help(page: &mut Page, help: &str) {
    for block in help.split("\n\n") {
        let (text, indented): (Vec<_>, Vec<_>) =
            block.lines().partition(|line| !line.starts_with("  "));
        if !text.is_empty() {
            markdown::render(page, &text.join(" "));
        }
        if text == ["Fields:"] {
            for field in indented {
                let (name, description) = field.trim_start().split_once(' ').expect("a field");
                page.control("TP", []).text([bold(name)]);
                page.text([roman(description.trim_start())]);
            }
        } else if !indented.is_empty() {
            let lines: Vec<_> = indented.iter().map(|line| &line[2..]).collect();
            markdown::example(page, &lines.join("\n"));
        }
    }
}

/// Appends the options and arguments of a command as one list. What the help has in backquotes is bold.
fn append_options(page: &mut Page, command: Command) {
    let mut text = Vec::new();
    let rendered = Man::new(command).render_options_section(&mut text);
    rendered.expect("a vector takes everything");
    let text = String::from_utf8(text).expect("UTF-8");
    let (_, text) = text.split_once("\n.SH ").expect("a heading");
    let mut lines: Vec<_> = text.lines().skip(1).collect();
    lines.retain(|line| !line.is_empty() && !line.starts_with(".SH "));
    // clap breaks a line twice before a list of values, and man(7) has one break.
    lines.dedup_by(|line, last| (&**line, &**last) == (".br", ".br"));
    for line in lines {
        let mut parts = line.split('`');
        let mut line = parts.next().unwrap_or_default().to_owned();
        for (number, part) in parts.enumerate() {
            line.push_str(if number % 2 == 0 { "\\fB" } else { "\\fR" });
            line.push_str(part);
        }
        page.append(&line);
    }
}
