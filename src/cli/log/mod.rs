//! The log: to stderr, in the form of the journal where that is connected to it.

mod lines;
mod stderr;

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt::Display,
    panic, thread,
    time::{Duration, Instant},
};

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

/// Begins to log. No line is waited for: what finds no room is lost, and counted.
pub(crate) fn begin(level: Level) {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(lines::Log)
        .with_ansi(false)
        // All that is logged is written plain, not only this.
        .with_ansi_sanitization(false)
        .with_target(false)
        .without_time();
    let registry = tracing_subscriber::registry().with(LevelFilter::from(level));
    registry.with(lines).init();
}

/// From here on, panics are told like that, too: those of sources are caught, and the service goes on.
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

/// The last words of a service that fails: nobody may be there to read them, so they have a second.
pub(crate) fn last_words(text: impl Display) {
    const PATIENCE: Duration = Duration::from_secs(1);
    let until = Instant::now().checked_add(PATIENCE);
    lines::write(&format!("sampled: {text}\n"), tracing::Level::ERROR, until);
}
