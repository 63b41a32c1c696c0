//! The command line.

mod activation;
mod commands;
mod common;
mod configuration;
mod deadline;
mod error;
mod guard;
mod host;
mod interruption;
mod log;
mod output;
mod readings;
mod running;
mod runtime;

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process::{self, ExitCode},
};

use clap::{CommandFactory, Parser, error::ErrorKind};

use commands::Command;
use common::Common;
pub(crate) use guard::guard;
use output::{format::note, plain::Plain};

/// Readings of this machine over D-Bus, shared by all who ask.
#[derive(Debug, Parser)]
#[command(name = "sampled", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// `sampled serve` by itself. The bus starts that while somebody waits for an answer, and to put together
/// what there is to know of all the other commands takes clap a good part of that time.
#[derive(Debug, Parser)]
struct Serve {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    options: host::HostOptions,
}

impl Cli {
    fn of(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments: Vec<_> = arguments.into_iter().collect();
        if let Some((_, [command, ..])) = arguments.split_first()
            && command == "serve"
            && let Ok(Serve { common, options }) = Serve::try_parse_from(&arguments[1..])
        {
            let command = Command::Serve(options);
            return Ok(Self { common, command });
        }
        // Questions and mistakes are answered by the whole.
        Self::try_parse_from(arguments)
    }
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    log::report_panics();
    let cli = Cli::of(env::args_os()).unwrap_or_else(|error| exit(&error));
    if let Err(what) = cli.command.can_print(cli.common.format) {
        exit(&Cli::command().error(ErrorKind::ArgumentConflict, what));
    }
    // What detaches begins its log where it has arrived, and what checks says everything itself.
    let is_silent = match &cli.command {
        Command::Start(_) | Command::Restart(_) => true,
        Command::Sources(options) => !options.prints_data(),
        _ => false,
    };
    if !is_silent {
        log::begin(cli.common.log_level);
    }
    let is_service = matches!(cli.command, Command::Serve(_));
    match cli.command.run(&cli.common) {
        Ok(code) => return code,
        Err(error) if error.is_broken_pipe() => return ExitCode::SUCCESS,
        Err(error) if is_service => log::last_words(&error),
        Err(error) => note(&error),
    }
    ExitCode::FAILURE
}

/// Ends as clap does, which would print the arguments as they are.
fn exit(error: &clap::Error) -> ! {
    let text = error.render().to_string();
    let written = match error.use_stderr() {
        true => write!(Plain(io::stderr()), "{text}"),
        false => write!(Plain(io::stdout()), "{text}"),
    };
    written.ok();
    process::exit(error.exit_code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serve_means_the_same_by_itself() {
        for line in [
            "sampled serve",
            "sampled serve --idle-timeout 5s",
            "sampled serve --procfs /p --sysfs=/s --rootfs /r --log-level debug --config /c",
            "sampled serve --json --idle-timeout never",
        ] {
            let words = || line.split(' ').map(OsString::from);
            let (quick, whole) = (Cli::of(words()), Cli::try_parse_from(words()));
            assert_eq!(format!("{quick:?}"), format!("{whole:?}"), "{line}");
            assert!(quick.is_ok(), "{line}");
        }
        for line in [
            "sampled serve --idle-timeout",
            "sampled serve now",
            "sampled serve --help",
            "sampled serve --version",
            "sampled serve start",
            "sampled",
        ] {
            let words = || line.split(' ').map(OsString::from);
            let (quick, whole) = (Cli::of(words()), Cli::try_parse_from(words()));
            let [quick, whole] = [quick, whole].map(|parsed| parsed.unwrap_err().to_string());
            assert_eq!(quick, whole, "{line}");
        }
    }
}
