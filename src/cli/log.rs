//! The log: to stderr, or to the journal where stderr is connected to it.

use std::{env, fs, io, os::linux::fs::MetadataExt};

use clap::ValueEnum;
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// How important a message must be to be logged.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Level {
    /// Nothing at all
    Off,
    /// What makes the program fail
    Error,
    /// What a user should look at
    Warn,
    /// What it does
    Info,
    /// Why it does it
    Debug,
    /// Everything
    Trace,
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Off => Self::OFF,
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
            Level::Trace => Self::TRACE,
        }
    }
}

/// Begins to log.
pub(crate) fn begin(level: Level) {
    let registry = tracing_subscriber::registry().with(LevelFilter::from(level));
    if is_journal()
        && let Ok(journal) = tracing_journald::layer()
    {
        registry.with(journal).init();
        return;
    }
    let plain = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time();
    registry.with(plain).init();
}

/// Whether stderr goes to the journal: the variable is inherited, so it is the device and inode
/// number in it that say so (systemd.exec(5)).
fn is_journal() -> bool {
    let Ok(stream) = env::var("JOURNAL_STREAM") else {
        return false;
    };
    let stderr = fs::metadata("/proc/self/fd/2");
    stderr.is_ok_and(|stderr| stream == format!("{}:{}", stderr.st_dev(), stderr.st_ino()))
}
