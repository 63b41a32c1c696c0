//! The commands, each in the file or folder of its name.

mod alert;
mod complete;
mod demo;
mod doctor;
mod install;
mod list;
mod processes;
mod reload;
mod restart;
mod sample;
mod serve;
mod sources;
mod start;
mod status;
mod stop;
mod top;
mod uninstall;
mod watch;

use std::process::ExitCode;

use clap::Subcommand;

use super::{
    common_options::CommonOptions, error::Error, output::format::Format, running::DaemonOptions,
    runtime::block_on, service_process::ServiceOptions,
};

/// The help text that all clients of the service share.
pub(crate) const CLIENT: &str = "\
The readings come from the service, which the session bus starts. With --local,
--procfs, --sysfs or --rootfs, or without a session bus, this process reads the files
itself; only then does it read the configuration. A session bus that
DBUS_SESSION_BUS_ADDRESS gives and that cannot be reached is an error.";

/// The help text of `alert`.
const ALERT: &str = "\
COMMAND runs without a shell, with these environment variables: SAMPLED_ID, SAMPLED_VALUE,
SAMPLED_UNIT, SAMPLED_DIRECTION (above or below), SAMPLED_THRESHOLD and SAMPLED_TIMESTAMP
(microseconds since 1970). One run ends before the next begins.

  sampled alert 'lmsensors/*/temp*' --above 85 --hold 10s -- \\
      sh -c 'notify-send \"$SAMPLED_ID\" \"$SAMPLED_VALUE $SAMPLED_UNIT\"'

Exit status: 126 if COMMAND cannot be executed, 127 if there is no such program.";

/// The help text of `doctor`.
const DOCTOR: &str = "\
It calls the service, which the bus starts if needed, and reads every metric once.

Exit status: 0 no problem, perhaps warnings; 1 a problem.";

/// The commands of the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service in the foreground, as the bus and systemd do
    Serve(ServiceOptions),
    /// Start the service in the background, until it is stopped, and wait until it is ready
    Start(start::StartOptions),
    /// Stop the service, however it was started
    Stop(DaemonOptions),
    /// Stop the service if it runs, and start it in the background; if systemd runs it, have systemd restart it
    Restart(start::StartOptions),
    /// Ends the service, or has systemd restart it, for `restart`
    #[command(hide = true)]
    MakeWay(restart::MakeWayOptions),
    /// Make the service read its configuration again
    Reload(DaemonOptions),
    /// Show whether the service runs, and how it was started
    #[command(
        after_help = "Exit status: 0 running, 1 dead with its pidfile left, 3 not running, 4 unknown."
    )]
    Status(status::StatusOptions),
    /// List the metrics of this machine
    #[command(after_help = CLIENT)]
    List(list::ListOptions),
    /// Read metrics once, now
    #[command(after_help = CLIENT)]
    Sample(sample::SampleOptions),
    /// Read metrics repeatedly
    #[command(after_help = CLIENT)]
    Watch(watch::WatchOptions),
    /// Show the monitor of this machine at the terminal
    #[command(disable_help_flag = true)]
    Top(top::TopOptions),
    /// Run a command, or print a line, when a metric crosses a threshold
    #[command(after_help = ALERT)]
    Alert(alert::AlertOptions),
    /// List the sources, and the errors in your definitions
    #[command(after_help = CLIENT, args_conflicts_with_subcommands = true)]
    Sources(sources::SourcesOptions),
    /// Show the processes
    #[command(visible_alias = "ps", after_help = CLIENT, after_long_help = processes::help())]
    Processes(processes::ProcessesOptions),
    /// Install the program, its activation file, unit, manuals and completions for this user, and replace a running service
    Install(install::InstallOptions),
    /// Remove the files that `install` has written, and end the service that runs them
    Uninstall(install::LayoutOptions),
    /// Find out what is wrong, and what to do about it
    #[command(after_help = DOCTOR)]
    Doctor(doctor::DoctorOptions),
    /// Print the candidates for a word of a command line, for `completions`
    #[command(hide = true)]
    Complete(complete::CompleteOptions),
    /// Show activation, calls, a session and idle exit on a private bus, with nothing installed
    Demo,
}

impl Command {
    /// Checks that the command can print this format.
    pub(crate) fn can_print(&self, format: Format) -> Result<(), &'static str> {
        let (json, csv) = match self {
            Self::List(_) | Self::Sample(_) | Self::Watch(_) | Self::Processes(_) => (true, true),
            Self::Status(_) | Self::Doctor(_) => (true, false),
            Self::Alert(options) => (options.prints_data(), false),
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

    /// Checks the options that clap cannot check.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Self::Sample(options) => options.bar().map(drop),
            Self::Watch(options) => options.bar().map(drop),
            _ => Ok(()),
        }
    }

    /// Checks that the options for what this process reads mean something to the command.
    pub(crate) fn can_read(&self, common: &CommonOptions) -> Result<(), &'static str> {
        match self {
            Self::Alert(_) if common.has_roots() => Err(
                "the service watches for this command, and has its own /proc and /sys: --procfs, --sysfs and \
                 --rootfs mean nothing to it",
            ),
            Self::Doctor(_) if common.has_roots() => Err(
                "this command checks the service, which has its own /proc and /sys: --procfs, --sysfs and --rootfs \
                 mean nothing to it",
            ),
            Self::List(_) | Self::Sample(_) | Self::Watch(_) | Self::Processes(_) => Ok(()),
            Self::Sources(options) if options.prints_data() => Ok(()),
            _ if common.local => Err("this command reads nothing: --local means nothing to it"),
            _ => Ok(()),
        }
    }

    /// Runs the command.
    pub(crate) fn run(self, common: &CommonOptions) -> Result<ExitCode, Error> {
        match self {
            Self::Serve(options) => serve::run(common, options),
            Self::Start(options) => apart(|| start::run(common, &options)),
            Self::Stop(options) => apart(|| stop::run(&options)),
            Self::Restart(options) => apart(|| restart::run(common, &options)),
            Self::MakeWay(options) => apart(|| restart::make_way(&options)),
            Self::Reload(options) => apart(|| reload::run(common, &options)),
            Self::Status(options) => apart(|| status::run(common, &options)),
            Self::List(options) => apart(|| block_on(list::run(common, options))),
            Self::Sample(options) => apart(|| block_on(sample::run(common, options))),
            Self::Watch(options) => apart(|| block_on(watch::run(common, options))),
            Self::Top(options) => apart(|| top::run(options)),
            Self::Alert(options) => apart(|| block_on(alert::run(common, options))),
            Self::Sources(options) => apart(|| block_on(sources::run(common, options))),
            Self::Processes(options) => apart(|| block_on(processes::run(common, options))),
            Self::Install(options) => apart(|| install::run(options)),
            Self::Doctor(options) => apart(|| block_on(doctor::run(common, options))),
            Self::Complete(options) => apart(|| complete::run(options)),
            Self::Demo => apart(|| block_on(demo::run())),
            Self::Uninstall(options) => apart(|| uninstall::run(options)),
        }
    }
}

/// Runs a command in a frame of its own. In one common frame, the service would use stack for the futures of all commands,
/// and the stack keeps its pages.
#[inline(never)]
fn apart<T>(run: impl FnOnce() -> T) -> T {
    run()
}
