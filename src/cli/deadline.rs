//! The deadline of a command.

use std::time::{Duration, Instant};

use clap::Args;

use sampled::{
    client::{self, Bus},
    duration,
};

/// The option `--timeout` of the clients.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct TimeoutOption {
    /// Fail if the bus or the service does not reply in time [default: 25s for each reply]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,
}

impl TimeoutOption {
    /// Connects to the session bus; the timeout, if it is given, bounds everything on that connection.
    pub(crate) async fn session(self) -> Result<Bus, client::Error> {
        match self.timeout {
            Some(timeout) => Bus::within(None, timeout).await,
            None => Bus::session().await,
        }
    }
}

/// The deadline of everything that a command waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    begin: Instant,
    timeout: Duration,
}

impl Deadline {
    /// The bus has at least this long for its answers, even if the command has used up its time.
    const LEAST: Duration = Duration::from_secs(1);

    pub(crate) fn within(timeout: Duration) -> Self {
        let begin = Instant::now();
        Self { begin, timeout }
    }

    /// The whole timeout.
    pub(crate) fn timeout(self) -> Duration {
        self.timeout
    }

    /// The time left.
    pub(crate) fn left(self) -> Duration {
        self.timeout.saturating_sub(self.begin.elapsed())
    }

    /// Connects to the session bus; everything on that connection ends at the deadline.
    pub(crate) async fn session(self) -> Result<Bus, client::Error> {
        let least = Self::LEAST.min(self.timeout);
        Bus::within(None, self.left().max(least)).await
    }
}
