//! `sampled complete`: the candidates for a word of a command line. The scripts in `completions` call it.

mod candidates;
mod command_line;
mod levels;

use std::{
    ffi::{OsStr, OsString},
    io::Write,
    iter,
    process::ExitCode,
};

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, ValueEnum};
use clap_complete::engine::{self, CompletionCandidate};

use crate::cli::{Cli, common_options::CommonOptions, error::Error, output::format};

use candidates::ShellCompletion;
use command_line::{CommandLine, unquote};

/// The options of `complete`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompleteOptions {
    shell: Shell,
    /// bash: the characters of COMP_WORDBREAKS, and the line up to the cursor. zsh and fish: the words after the name of the
    /// program, the last of which is completed
    #[arg(last = true)]
    words: Vec<OsString>,
}

/// The shells that have a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub(crate) fn run(options: CompleteOptions) -> Result<ExitCode, Error> {
    let line = match (options.shell, &options.words[..]) {
        (Shell::Bash, [breaks, line]) => {
            CommandLine::parse(&line.to_string_lossy(), &breaks.to_string_lossy())
        }
        (Shell::Bash, _) => return Ok(ExitCode::FAILURE),
        // zsh gives words without quotes, and fish all but the last.
        (Shell::Zsh | Shell::Fish, words) => {
            let mut words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            if let (Shell::Fish, Some(last)) = (options.shell, words.last_mut()) {
                *last = unquote(last).into();
            }
            let program = iter::once("sampled".into());
            CommandLine::of_words(program.chain(words).map(Into::into).collect())
        }
    };
    let found = match complete(&line) {
        Ok(found) => found,
        Err(completion) => return Ok(ExitCode::from(completion as u8)),
    };
    let mut text = String::new();
    for candidate in &found {
        let value = candidate.get_value().to_string_lossy();
        let value = match options.shell {
            Shell::Bash => line.replacement(&value),
            Shell::Zsh | Shell::Fish => value.into_owned(),
        };
        let help = candidate.get_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let help = help.lines().next().unwrap_or_default();
        text.push_str(&match options.shell {
            Shell::Bash => format!("{value}\n"),
            Shell::Zsh | Shell::Fish => format!("{value}\t{help}\n"),
        });
    }
    if !text.is_empty() {
        format::print(|out| out.write_all(text.as_bytes()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The candidates for the last word, or what the shell completes itself.
fn complete(line: &CommandLine) -> Result<Vec<CompletionCandidate>, ShellCompletion> {
    let words: Vec<OsString> = line.words.iter().map(OsString::from).collect();
    let matches = Cli::command()
        .ignore_errors(true)
        .try_get_matches_from(&words)
        .ok();
    let command = match matches.as_ref().and_then(ArgMatches::subcommand_name) {
        Some(candidates::MONITOR) => candidates::monitor(),
        _ => Cli::command(),
    };
    // As far as they are complete.
    let common = matches.and_then(|matches| CommonOptions::from_arg_matches(&matches).ok());
    let mut command = candidates::attach(command, common.as_ref());
    let last = words.len().saturating_sub(1);
    let current = words.last().cloned().unwrap_or_default();
    let mut found = engine::complete(&mut command, words, last, None).unwrap_or_default();
    // The engine has hidden ones where there is nothing else.
    found.retain(|candidate| !candidate.is_hide_set());
    let is_option = starts_with_dash(&current) && !current.as_encoded_bytes().contains(&b'=');
    let by_shell = found.iter().find_map(ShellCompletion::of);
    match by_shell.filter(|_| !is_option) {
        // The other words are arguments of the command.
        Some(ShellCompletion::Commands) if !line.begins_after("--") => {
            return Err(ShellCompletion::Files);
        }
        Some(by_shell) => return Err(by_shell),
        None => {}
    }
    found.retain(|candidate| ShellCompletion::of(candidate).is_none());
    let is_option = |candidate: &CompletionCandidate| starts_with_dash(candidate.get_value());
    let (mut options, mut values): (Vec<_>, Vec<_>) = found.into_iter().partition(is_option);
    // An empty word is completed by values alone, where there are some.
    if current.is_empty() && !values.is_empty() {
        options.clear();
    }
    values.extend(options);
    Ok(values)
}

fn starts_with_dash(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<&[&str], ShellCompletion>) {
        let found = complete(&CommandLine::parse(line, " =:"));
        let found = found.map(|found| {
            let values = found.iter().map(CompletionCandidate::get_value);
            let values = values.map(|value| value.to_str().unwrap().to_owned());
            values.collect::<Vec<_>>()
        });
        let expected = expected.map(|expected| {
            let expected = expected.iter().map(|&value| value.to_owned());
            expected.collect::<Vec<_>>()
        });
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn commands_and_options_are_candidates() {
        check("sampled sam", Ok(&["sample"]));
        check("sampled p", Ok(&["processes"]));
        check("sampled ps --t", Ok(&["--tree", "--timeout"]));
        check("sampled watch --log-level de", Ok(&["debug"]));
        check("sampled sources ch", Ok(&["check"]));
        check("sampled nonsense -- x", Ok(&[]));
        // Commands that only other programs run.
        check("sampled make", Ok(&[]));
        check("sampled com", Ok(&[]));
    }

    #[test]
    fn the_monitor_has_the_options_of_its_program() {
        let page = include_str!("../../../../man/sampled-top.1").replace("\\-", "-");
        let words = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let mut options: Vec<_> = words.filter(|word| word.starts_with("--")).collect();
        options.sort_unstable();
        options.dedup();
        let mut found = complete(&CommandLine::parse("sampled top --", " =:")).unwrap();
        found.sort_by(|a, b| a.get_value().cmp(b.get_value()));
        let found: Vec<_> = found.iter().map(CompletionCandidate::get_value).collect();
        assert_eq!(found, options);
        check("sampled top --layout x", Err(ShellCompletion::Files));
    }

    #[test]
    fn values_of_options_are_candidates() {
        check("sampled ps --fields pid,nam", Ok(&["pid,name"]));
        check("sampled ps --fields=pid,nam", Ok(&["--fields=pid,name"]));
        check("sampled ps --sort -rs", Ok(&["-rss"]));
        check("sampled ps --sort nam", Ok(&["name"]));
        check("sampled ps --filter nam", Ok(&["name="]));
        check("sampled ps --by app", Ok(&["application"]));
        check("sampled watch --format way", Ok(&["waybar"]));
    }

    #[test]
    fn the_shell_completes_files_and_commands() {
        check("sampled --config x", Err(ShellCompletion::Files));
        check("sampled list --config=x", Err(ShellCompletion::Files));
        check("sampled --procfs ", Err(ShellCompletion::Directories));
        check("sampled sources check ", Err(ShellCompletion::Directories));
        check(
            "sampled alert a --above 1 -- no",
            Err(ShellCompletion::Commands),
        );
        check(
            "sampled alert a --above 1 -- cat x",
            Err(ShellCompletion::Files),
        );
    }
}
