//! The command line.

mod activation;
mod background_read;
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
mod sample;
mod screen;
mod selectors;
mod serve;
mod sources;
mod start;
mod status;
mod stop;
mod table;
mod units;
mod watch;

use std::{
    env,
    ffi::OsString,
    fmt::Display,
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
    process::{self, ExitCode},
};

use clap::{Args, CommandFactory, Parser, Subcommand, error::ErrorKind};
use tokio::runtime;

use sampled::{
    config::{self, Config},
    custom,
    service::Settings,
    source::{self, Roots},
};

use error::Error;
use format::Format;
pub(crate) use guard::guard;
use plain::{Plain, plain_lines};

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

/// What every command can be told.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
struct Common {
    /// Read the configuration from FILE [default: $XDG_CONFIG_HOME/sampled/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Read DIR as /proc
    #[arg(long, global = true, value_name = "DIR")]
    procfs: Option<PathBuf>,
    /// Read DIR as /sys
    #[arg(long, global = true, value_name = "DIR")]
    sysfs: Option<PathBuf>,
    /// Read DIR as the root of the file system
    #[arg(long, global = true, value_name = "DIR")]
    rootfs: Option<PathBuf>,
    /// Log what is at least this important
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "LEVEL",
        default_value = "warn"
    )]
    log_level: log::Level,
    #[command(flatten)]
    format: Format,
    /// Whether the service stays until it is stopped, where nobody says how long: a person has started it.
    #[arg(skip)]
    is_kept: bool,
}

impl Common {
    /// The same, of paths that mean the same in every directory.
    fn absolute(&self) -> Result<Self, Error> {
        Ok(Self {
            config: absolute(&self.config)?,
            procfs: absolute(&self.procfs)?,
            sysfs: absolute(&self.sysfs)?,
            rootfs: absolute(&self.rootfs)?,
            log_level: self.log_level,
            format: self.format,
            is_kept: self.is_kept,
        })
    }

    /// The configuration file, for a message.
    fn configuration(&self) -> String {
        let path = self.config.clone().or_else(config::user_file);
        path.map_or("config.toml".to_owned(), |path| path.display().to_string())
    }

    /// The same, for a service that is started to stay.
    fn kept(&self) -> Self {
        Self {
            is_kept: true,
            ..self.clone()
        }
    }

    /// The settings where there is no configuration.
    fn defaults(&self) -> Settings {
        let mut settings = Settings::default();
        if self.is_kept {
            settings.idle_timeout = None;
        }
        settings
    }

    /// What the configuration says: the file that was named must be there, the user's own may be.
    fn settings(&self) -> Result<Settings, config::Error> {
        let mut config = match &self.config {
            Some(path) => Config::load(path)?,
            None => Config::of_user()?,
        };
        if !config.sets_idle_timeout {
            config.settings.idle_timeout = self.defaults().idle_timeout;
        }
        Ok(with_own_sources(config.settings))
    }

    /// Whether somebody says where the kernel's files are.
    fn has_roots(&self) -> bool {
        self.procfs.is_some() || self.sysfs.is_some() || self.rootfs.is_some()
    }

    fn roots(&self) -> Roots {
        let usual = Roots::default();
        Roots {
            proc: self.procfs.clone().unwrap_or(usual.proc),
            sys: self.sysfs.clone().unwrap_or(usual.sys),
            root: self.rootfs.clone().unwrap_or(usual.root),
        }
    }

    /// The same, for a command that reads them itself.
    ///
    /// # Errors
    /// When what is to be /proc is not there: all that it does not have would be passed over in silence.
    fn own_roots(&self) -> Result<Roots, source::Error> {
        let roots = self.roots();
        match fs::read_dir(&roots.proc) {
            Err(cause) if self.procfs.is_some() => Err(source::Error::Io {
                path: roots.proc,
                cause,
            }),
            _ => Ok(roots),
        }
    }
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

/// What guards the commands of the user: this program.
const GUARD: &str = "/proc/self/exe";

/// These settings, with the sources that the user defines.
fn with_own_sources(mut settings: Settings) -> Settings {
    settings.sources.own = config::user_sources().map(own_sources);
    settings
}

/// The sources that a directory defines.
fn own_sources(directory: PathBuf) -> custom::Options {
    let guard = GUARD.into();
    custom::Options { directory, guard }
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
    match run(&cli.common, cli.command) {
        Ok(code) => return code,
        Err(error) if error.is_broken_pipe() => return ExitCode::SUCCESS,
        Err(error) if is_service => log::last_words(&error),
        Err(error) => note(&error),
    }
    ExitCode::FAILURE
}

fn absolute(path: &Option<PathBuf>) -> Result<Option<PathBuf>, Error> {
    let absolute = path.as_ref().map(std::path::absolute).transpose();
    absolute.map_err(|cause| Error::Kernel {
        what: "working directory",
        cause,
    })
}

/// Tells the person, on stderr; if nobody reads it, that is no failure.
fn note(text: impl Display) {
    let text = format!("sampled: {text}\n");
    io::stderr().write_all(plain_lines(&text).as_bytes()).ok();
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
        Command::Start(options) => start::start(common, &options),
        Command::Stop(options) => stop::stop(&options),
        Command::Restart(options) => restart::restart(common, &options),
        Command::MakeWay(options) => restart::make_way(&options),
        Command::Reload(options) => reload::reload(common, &options),
        Command::Status(options) => status::run(common, &options),
        Command::List(options) => block_on(list::run(common, options)),
        Command::Sample(options) => block_on(sample::run(common, options)),
        Command::Watch(options) => block_on(watch::run(common, options)),
        Command::Sources(options) => block_on(sources::run(common, options)),
        Command::Processes(options) => block_on(processes::run(common, options)),
        Command::Install(options) => install::install(options),
        Command::Demo => block_on(demo::run()),
        Command::Uninstall(options) => install::uninstall(options),
    }
}

/// What a command has open at least: the runtime's event queue, its signals, the bus, a timer, some files.
const DESCRIPTORS: usize = 16;

/// Runs a command on this thread.
fn block_on<T>(command: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    check_descriptors().map_err(|cause| Error::Kernel {
        what: "too few files can be open (RLIMIT_NOFILE)",
        cause,
    })?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Error::Kernel {
        what: "event queue",
        cause,
    })?;
    let done = runtime.block_on(command);
    // The runtime's threads look up names of hosts: one that gets no answer is not waited for.
    runtime.shutdown_background();
    done
}

/// Makes sure that as many files can be open as are needed: tokio panics otherwise, at its first signal.
fn check_descriptors() -> io::Result<()> {
    let first = File::open("/dev/null")?;
    let others: io::Result<Vec<_>> = (1..DESCRIPTORS).map(|_| first.try_clone()).collect();
    others.map(drop)
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
