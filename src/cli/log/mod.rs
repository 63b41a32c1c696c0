//! The log, written to standard error; with the journal's prefixes if it is connected to the journal.

mod lines;
mod stderr;
mod subscriber;

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt::Display,
    panic, thread,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use tracing::{level_filters::LevelFilter, subscriber::set_global_default};

use subscriber::LineSubscriber;

/// The least important level that is logged.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Level {
    /// No messages
    Off,
    /// Errors that make the program fail
    Error,
    /// Warnings for the user
    Warn,
    /// Normal operation
    Info,
    /// Details of decisions
    Debug,
    /// All messages
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

/// Begins to log. Writing never waits: a line that finds no room is dropped and counted.
pub(crate) fn begin(level: Level) {
    // It fails if the log has begun already.
    set_global_default(LineSubscriber(level.into())).ok();
}

/// Logs panics in the same way from here on. The service catches panics of sources and goes on.
pub(crate) fn report_panics() {
    panic::set_hook(Box::new(|info| {
        let thread = thread::current();
        let thread = thread.name().unwrap_or("?");
        let mut text = format!("ERROR thread '{thread}' {info}\n");
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            text += &trace.to_string();
        }
        lines::write(&text, tracing::Level::ERROR, None);
    }));
}

/// Logs the error that ends the service. Waits up to a second for room.
pub(crate) fn report_failure(text: impl Display) {
    const WRITE_TIMEOUT: Duration = Duration::from_secs(1);
    let until = Instant::now().checked_add(WRITE_TIMEOUT);
    lines::write(&format!("sampled: {text}\n"), tracing::Level::ERROR, until);
}
