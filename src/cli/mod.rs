//! The command line.

mod activation;
mod background_read;
mod common;
mod configuration;
mod confinement;
mod deadline;
mod demo;
mod error;
mod farewell;
mod format;
mod frame;
mod guard;
mod host;
mod install;
mod interruption;
mod list;
mod log;
mod origin;
mod owner;
mod plain;
mod processes;
mod reload;
mod replace;
mod restart;
mod running;
mod runtime;
mod sample;
mod screen;
mod selectors;
mod serve;
mod sources;
mod start;
mod status;
mod stop;
mod table;
mod uninstall;
mod units;
mod watch;

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process::{self, ExitCode},
};

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};

use common::Common;
use error::Error;
use format::{Format, note};
pub(crate) use guard::guard;
use plain::Plain;
use runtime::block_on;

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

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service in the foreground: what the bus and systemd do
    Serve(host::HostOptions),
    /// Start the service in the background, where it stays until it is stopped, and wait until it is ready
    Start(start::StartOptions),
    /// Stop the service, however it was started
    Stop(running::DaemonOptions),
    /// Stop the service if it runs, and start it in the background; if systemd runs it, have systemd restart it
    Restart(start::StartOptions),
    /// What `restart` does in a process of its own: end the service, or have systemd restart it
    #[command(hide = true)]
    MakeWay(restart::Options),
    /// Have the service read its configuration again
    Reload(running::DaemonOptions),
    /// Say whether the service runs, and how it was started
    #[command(
        after_help = "Exit status: 0 running, 1 dead with its pidfile left, 3 not running, 4 unknown."
    )]
    Status(status::StatusOptions),
    /// List the metrics that there are
    #[command(after_help = CLIENT)]
    List(list::Options),
    /// Read metrics once, now
    #[command(after_help = CLIENT)]
    Sample(sample::Options),
    /// Read metrics again and again
    #[command(after_help = CLIENT)]
    Watch(watch::Options),
    /// Say which sources there are, and what is wrong with those that you define
    #[command(after_help = CLIENT, args_conflicts_with_subcommands = true)]
    Sources(sources::Options),
    /// Show the processes
    #[command(visible_alias = "ps", after_help = CLIENT, after_long_help = processes::help())]
    Processes(processes::Options),
    /// Put the program, the activation file and the unit in place for this user, in the place of one that runs
    Install(install::InstallOptions),
    /// Remove what `install` has put in place, and end what runs of it
    Uninstall(install::Options),
    /// Show the whole story on a bus of its own, with nothing installed
    Demo,
}

impl Command {
    /// Whether the command has something to print in this form.
    fn can_print(&self, format: Format) -> Result<(), &'static str> {
        let (json, csv) = match self {
            Self::List(_) | Self::Sample(_) | Self::Watch(_) | Self::Processes(_) => (true, true),
            Self::Status(_) => (true, false),
            Self::Sources(options) => (options.prints_data(), false),
            _ => (false, false),
        };
        if format.json && !json {
            return Err("this command prints no data: --json means nothing to it");
        }
        if format.csv && !csv {
            return Err("this command prints no table: --csv means nothing to it");
        }
        Ok(())
    }
}

/// What the clients of the service have in common.
const CLIENT: &str = "\
The readings come from the service, which the session bus starts. Where no session
bus can be reached, or --procfs, --sysfs or --rootfs is given, this process takes
them itself; only then does the configuration matter here.";

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
    match run(&cli.common, cli.command) {
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

fn run(common: &Common, command: Command) -> Result<ExitCode, Error> {
    match command {
        Command::Serve(options) => serve::run(common, options),
        Command::Start(options) => start::run(common, &options),
        Command::Stop(options) => stop::run(&options),
        Command::Restart(options) => restart::run(common, &options),
        Command::MakeWay(options) => restart::make_way(&options),
        Command::Reload(options) => reload::run(common, &options),
        Command::Status(options) => status::run(common, &options),
        Command::List(options) => block_on(list::run(common, options)),
        Command::Sample(options) => block_on(sample::run(common, options)),
        Command::Watch(options) => block_on(watch::run(common, options)),
        Command::Sources(options) => block_on(sources::run(common, options)),
        Command::Processes(options) => block_on(processes::run(common, options)),
        Command::Install(options) => install::run(options),
        Command::Demo => block_on(demo::run()),
        Command::Uninstall(options) => uninstall::run(options),
    }
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
