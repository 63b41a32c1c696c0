//! When a command gives up.

use std::time::{Duration, Instant};

use clap::Args;

use sampled::{
    client::{self, Bus},
    duration,
};

/// How long a command waits for answers.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Patience {
    /// Fail where the bus or the service has not answered by then [default: 25s for each answer]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,
}

impl Patience {
    /// The session bus, on which nothing is waited for any longer.
    pub(crate) async fn session(self) -> Result<Bus, client::Error> {
        match self.timeout {
            Some(timeout) => Bus::within(None, timeout).await,
            None => Bus::session().await,
        }
    }
}

/// The end of all that a command waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    begin: Instant,
    timeout: Duration,
}

impl Deadline {
    /// The bus has at least this long for its answers, whatever the rest has taken.
    const LEAST: Duration = Duration::from_secs(1);

    pub(crate) fn within(timeout: Duration) -> Self {
        let begin = Instant::now();
        Self { begin, timeout }
    }

    /// All of the time.
    pub(crate) fn timeout(self) -> Duration {
        self.timeout
    }

    /// What is left of the time.
    pub(crate) fn left(self) -> Duration {
        self.timeout.saturating_sub(self.begin.elapsed())
    }

    /// The session bus, on which nothing is waited for any longer.
    pub(crate) async fn session(self) -> Result<Bus, client::Error> {
        let least = Self::LEAST.min(self.timeout);
        Bus::within(None, self.left().max(least)).await
    }
}
