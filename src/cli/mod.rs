//! The command line.

mod log;
mod serve;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use sampled::source::Roots;

/// Readings of this machine over D-Bus, shared by all who ask.
#[derive(Debug, Parser)]
#[command(name = "sampled", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command can be told.
#[derive(Clone, Debug, Args)]
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
}

impl Common {
    fn roots(&self) -> Roots {
        let usual = Roots::default();
        Roots {
            proc: self.procfs.clone().unwrap_or(usual.proc),
            sys: self.sysfs.clone().unwrap_or(usual.sys),
            root: self.rootfs.clone().unwrap_or(usual.root),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service in the foreground: what the bus and systemd do
    Serve(serve::Options),
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    log::begin(cli.common.log_level);
    let done = match cli.command {
        Command::Serve(options) => serve::run(&cli.common, options),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sampled: {error}");
            ExitCode::FAILURE
        }
    }
}
