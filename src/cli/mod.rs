//! The command line.

mod activation;
mod commands;
mod common_options;
mod configuration;
mod deadline;
mod error;
mod log;
#[cfg(test)]
mod manual;
mod output;
mod readings;
mod running;
mod runtime;
mod service_process;
mod signals;
mod subreaper;

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process::{self, ExitCode},
};

use clap::{CommandFactory, Parser, error::ErrorKind};

use commands::Command;
use common_options::CommonOptions;
use error::Error;
use output::{
    format::{self, note},
    terminal_text::EscapingWriter,
};
use signals::end_by_interrupt;
pub(crate) use subreaper::run_subreaper;

/// Readings of this machine over D-Bus, shared by all clients.
#[derive(Debug, Parser)]
#[command(name = "sampled", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: CommonOptions,
    #[command(subcommand)]
    command: Command,
}

/// `sampled serve` alone. A caller waits while the bus starts it, and clap would spend a good part of that time on
/// the definitions of the other commands.
#[derive(Debug, Parser)]
struct ServeCommand {
    #[command(flatten)]
    common: CommonOptions,
    #[command(flatten)]
    options: service_process::ServiceOptions,
}

impl Cli {
    fn of(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments: Vec<_> = arguments.into_iter().collect();
        if let Some((_, [command, ..])) = arguments.split_first()
            && command == "serve"
            && let Ok(ServeCommand { common, options }) =
                ServeCommand::try_parse_from(&arguments[1..])
        {
            let command = Command::Serve(options);
            return Ok(Self { common, command });
        }
        // The full definition answers --help and reports errors.
        Self::try_parse_from(arguments)
    }
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    log::report_panics();
    let cli = Cli::of(env::args_os()).unwrap_or_else(|error| exit(&error));
    let checked = cli.command.can_print(cli.common.format);
    let checked = checked.and_then(|()| cli.command.can_read(&cli.common));
    if let Err(what) = checked
        .map_err(str::to_owned)
        .and_then(|()| cli.command.check())
    {
        exit(&Cli::command().error(ErrorKind::ArgumentConflict, what));
    }
    // `start` and `restart` begin the log in the detached process; `sources check` prints every diagnostic itself.
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
        Ok(code) => code,
        Err(error) if is_service => {
            log::report_failure(&error);
            ExitCode::FAILURE
        }
        Err(error) => ExitCode::from(report(&error)),
    }
}

/// Reports why a command failed. Returns its exit status.
fn report(error: &Error) -> u8 {
    match error {
        Error::Interrupted => end_by_interrupt(),
        error if error.is_broken_pipe() => 0,
        error => {
            note(error);
            1
        }
    }
}

/// Exits as clap does, but escapes control characters in the arguments, and fails if the help cannot be printed.
fn exit(error: &clap::Error) -> ! {
    let text = error.render().to_string();
    let code = error.exit_code();
    if error.use_stderr() {
        write!(EscapingWriter(io::stderr()), "{text}").ok();
        process::exit(code);
    }
    let printed = format::print(|out| write!(EscapingWriter(out), "{text}"));
    process::exit(printed.map_or_else(|error| report(&error).into(), |()| code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serve_is_parsed_as_in_the_full_definition() {
        for line in [
            "sampled serve",
            "sampled serve --idle-timeout 5s",
            "sampled serve --procfs /p --sysfs=/s --rootfs /r --log-level debug --config /c",
            "sampled serve --json --idle-timeout never",
        ] {
            let words = || line.split(' ').map(OsString::from);
            let (quick, full) = (Cli::of(words()), Cli::try_parse_from(words()));
            assert_eq!(format!("{quick:?}"), format!("{full:?}"), "{line}");
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
            let (quick, full) = (Cli::of(words()), Cli::try_parse_from(words()));
            let [quick, full] = [quick, full].map(|parsed| parsed.unwrap_err().to_string());
            assert_eq!(quick, full, "{line}");
        }
    }
}
