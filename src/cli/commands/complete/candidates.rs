//! The candidates for the values of options and arguments.

use std::{ffi::OsStr, time::Duration};

use clap::{Arg, Args, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use tokio::time::timeout;

use sampled::process::{Field, Group};

use super::levels::{self, Labels};
use crate::cli::{
    common_options::CommonOptions, deadline::TimeoutOption, error::Error, output::bar::Reader,
    readings::backend::Backend, runtime::block_on,
};

/// The longest time that a person waits for candidates.
const DEADLINE: Duration = Duration::from_millis(800);

/// The shell completes these itself. The number is the exit status that the scripts know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShellCompletion {
    Files = 3,
    Directories = 4,
    Commands = 5,
}

impl ShellCompletion {
    const ALL: [Self; 3] = [Self::Files, Self::Directories, Self::Commands];

    fn id(self) -> String {
        format!("{self:?}")
    }

    /// The kind of a candidate that is no text.
    pub(super) fn of(candidate: &CompletionCandidate) -> Option<Self> {
        let id = candidate.get_id()?;
        Self::ALL.into_iter().find(|shell| shell.id() == *id)
    }

    fn completer(self) -> ArgValueCompleter {
        ArgValueCompleter::new(move |_: &OsStr| {
            vec![CompletionCandidate::new("").id(Some(self.id()))]
        })
    }
}

/// The command, with completers for the values whose parser does not name all of them.
pub(super) fn attach(command: Command, common: Option<&CommonOptions>) -> Command {
    let names = command.get_subcommands().map(Command::get_name);
    let names: Vec<_> = names.map(str::to_owned).collect();
    let command = command.mut_args(|argument| completed(argument, common));
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| attach(command, common))
    })
}

/// The command line of `sampled top`: its options are those of another program, which has none of the common ones.
pub(super) fn monitor() -> Command {
    let option = |name, value| Arg::new(name).long(name).value_name(value);
    let monitor = Command::new(MONITOR).version("").args([
        Arg::new("selectors").value_name("SELECTOR").num_args(0..),
        option("interval", "DURATION").help("The time from reading to reading"),
        option("layout", "FILE").help("Read the layout from FILE and save it there"),
    ]);
    let command = CommonOptions::augment_args(Command::new("sampled"));
    let command = command.mut_args(|argument| argument.global(false));
    command.subcommand(monitor)
}

/// The command that another program is.
pub(super) const MONITOR: &str = "top";

/// The argument with a completer, by the name of its value in the help.
fn completed(argument: Arg, common: Option<&CommonOptions>) -> Arg {
    let names = argument.get_value_names();
    let name = names.and_then(<[_]>::first).map(ToString::to_string);
    let fields = |end| words(move |name| format!("{name}{end}"));
    let completer = match name.as_deref() {
        Some("SELECTOR") => metrics(common, ""),
        Some("ID=VALUE") => metrics(common, "="),
        Some("FILE") => ShellCompletion::Files.completer(),
        Some("DIR") => ShellCompletion::Directories.completer(),
        Some("COMMAND") => ShellCompletion::Commands.completer(),
        Some("FIELD,...") => fields(""),
        Some("FIELD=PATTERN") => fields("="),
        Some("[-]FIELD") => ArgValueCompleter::new(order),
        Some("GROUP") => matching(Group::ALL.map(|group| (group.field().name(), ""))),
        Some("FORMAT") => matching(Reader::NAMED.map(|(name, _)| (name, ""))),
        _ => return argument,
    };
    argument.add(completer)
}

/// Fields of processes, as the function writes them.
fn words(write: impl Fn(&str) -> String + Send + Sync + 'static) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| {
        let fields = Field::ALL.map(|field| (write(field.name()), field.description()));
        starting_with(typed, fields.iter().map(|(name, about)| (&**name, *about)))
    })
}

/// Fields, with the sign for the largest first if it is typed.
fn order(typed: &OsStr) -> Vec<CompletionCandidate> {
    let is_reversed = typed.as_encoded_bytes().starts_with(b"-");
    let sign = if is_reversed { "-" } else { "" };
    words(move |name| format!("{sign}{name}")).complete(typed)
}

/// Fixed words.
fn matching<const N: usize>(all: [(&'static str, &'static str); N]) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| starting_with(typed, all.into_iter()))
}

fn starting_with<'a>(
    typed: &OsStr,
    words: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let found = words.filter(|(word, _)| word.starts_with(&*typed));
    found.map(|(word, about)| candidate(word, about)).collect()
}

fn candidate(word: &str, about: &str) -> CompletionCandidate {
    let about = Some(about).filter(|about| !about.is_empty());
    CompletionCandidate::new(word).help(about.map(|about| about.to_owned().into()))
}

/// Metrics of this machine, with `end` after an id.
fn metrics(common: Option<&CommonOptions>, end: &'static str) -> ArgValueCompleter {
    let common = common.cloned();
    ArgValueCompleter::new(move |typed: &OsStr| {
        let (Some(common), Some(typed)) = (&common, typed.to_str()) else {
            return Vec::new();
        };
        let found = block_on(async {
            let listed = timeout(DEADLINE, list(common, typed)).await;
            Ok(listed.unwrap_or_default())
        });
        let found = found.unwrap_or_default().into_iter();
        let found = found.map(|(id, about)| match id.ends_with('/') {
            true => candidate(&id, &about),
            false => candidate(&format!("{id}{end}"), &about),
        });
        found.collect()
    })
}

/// The candidates for a selector; none where an error keeps the metrics from being listed.
async fn list(common: &CommonOptions, typed: &str) -> Vec<(String, String)> {
    let within = TimeoutOption {
        timeout: Some(DEADLINE),
    };
    let listed = async {
        let backend = Backend::open(common, within).await?;
        let listed = backend.list(&levels::selectors(typed)).await;
        listed.map_err(Error::from)
    };
    let metrics = listed.await.unwrap_or_default();
    let metrics = metrics
        .iter()
        .map(|(id, metric)| (&**id, Labels::of(metric)));
    levels::candidates(typed, metrics).into_iter().collect()
}
