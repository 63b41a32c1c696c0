//! The deadlines of the service's end, after a signal and without one.

use std::time::Duration;

use nix::unistd::alarm;
use tokio::{
    select,
    sync::watch,
    time::{Instant, sleep_until, timeout, timeout_at},
};

use crate::cli::signals::TerminationSignals;

/// After a signal, pending calls have this long; then they get the error `Stopping`.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// After a signal, the bus has this long to take all messages.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// So many seconds after a signal, SIGALRM ends the process even if it hangs, such as in removing its pidfile from a
/// file system that does not answer.
const ALARM_SECONDS: u32 = 3;

/// A second signal within this time counts as the same one: timeout(1) signals the process, and then its group.
const SAME_SIGNAL: Duration = Duration::from_millis(200);

/// Without a signal, pending calls have this long. The longest answer takes 10 s.
const LONGEST_ANSWER: Duration = Duration::from_secs(11);

/// Without a signal, the bus has this long in all, which is less than `TimeoutStopSec=` of the unit.
pub(crate) const NO_SIGNAL_TIMEOUT: Duration = Duration::from_secs(15);

/// The request by a signal that the service end.
pub(crate) struct Shutdown {
    requested: watch::Sender<Option<Instant>>,
}

/// Why the service ends before it has sent everything.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Aborted {
    #[error("the bus has not taken everything in the {LEAVE_TIMEOUT:?} since the signal")]
    DeadlinePassed,
    #[error("another signal has come")]
    SecondSignal,
}

impl Shutdown {
    pub(crate) fn new() -> Self {
        let requested = watch::Sender::new(None);
        Self { requested }
    }

    /// Waits for a signal, and returns when it arrived.
    pub(crate) async fn requested(&self) -> Instant {
        let mut requested = self.requested.subscribe();
        let requested = requested.wait_for(Option::is_some).await;
        // The fallback is never used: the sender lives as long as `self`.
        requested
            .ok()
            .and_then(|moment| *moment)
            .unwrap_or_else(Instant::now)
    }

    /// Completes when the time for pending calls is over.
    pub(crate) async fn answers_due(&self) {
        if let Ok(requested) = timeout(LONGEST_ANSWER, self.requested()).await {
            sleep_until(after(requested, ANSWER_TIMEOUT)).await;
        }
    }

    /// Runs the service to its end, or to the deadline after a signal.
    pub(crate) async fn run<T>(
        &self,
        signals: TerminationSignals,
        serving: impl Future<Output = T>,
    ) -> Result<T, Aborted> {
        select! {
            served = serving => Ok(served),
            aborted = self.aborted(signals) => Err(aborted),
        }
    }

    async fn aborted(&self, mut signals: TerminationSignals) -> Aborted {
        signals.wait().await;
        alarm::set(ALARM_SECONDS);
        let now = Instant::now();
        self.requested.send_replace(Some(now));
        let same_signal = after(now, SAME_SIGNAL);
        while timeout_at(same_signal, signals.wait()).await.is_ok() {}
        match timeout_at(after(now, LEAVE_TIMEOUT), signals.wait()).await {
            Ok(()) => Aborted::SecondSignal,
            Err(_) => Aborted::DeadlinePassed,
        }
    }
}

fn after(moment: Instant, time: Duration) -> Instant {
    moment.checked_add(time).unwrap_or(moment)
}
