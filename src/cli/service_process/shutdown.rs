//! How long the service may take to end once a signal has asked for it.

use std::time::Duration;

use nix::unistd::alarm;
use tokio::{
    select,
    sync::watch,
    time::{Instant, sleep_until, timeout, timeout_at},
};

use crate::cli::interruption::Interruption;

/// After a signal, calls may take this long, and then get `Stopping`.
const ANSWERS: Duration = Duration::from_secs(1);

/// After a signal, the bus has this long to take the answers and everything else.
const LEAVE: Duration = Duration::from_secs(2);

/// After so many seconds SIGALRM ends the process, wherever it is once it has heard of the signal: dropping what it
/// has, or removing its pidfile from a file system that hangs.
const ALARM: u32 = 3;

/// A second signal as soon as this is no second wish: timeout(1) signals the process, and then its group.
const SAME: Duration = Duration::from_millis(200);

/// Without a signal nobody is in a hurry. The longest answer takes 10 s.
const LONGEST_ANSWER: Duration = Duration::from_secs(11);

/// The bus has this long in all then, which is less than `TimeoutStopSec=` of the unit.
pub(crate) const UNASKED: Duration = Duration::from_secs(15);

/// Whether a signal has asked the service to end.
pub(crate) struct Farewell {
    asked: watch::Sender<Option<Instant>>,
}

/// Why the service ends before it is done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cut {
    #[error("the bus has not taken everything in the {LEAVE:?} since the signal")]
    Overdue,
    #[error("another signal has come")]
    Again,
}

impl Farewell {
    pub(crate) fn new() -> Self {
        let asked = watch::Sender::new(None);
        Self { asked }
    }

    /// Completes once a signal has asked for the end; when that was.
    pub(crate) async fn asked(&self) -> Instant {
        let mut asked = self.asked.subscribe();
        let asked = asked.wait_for(Option::is_some).await;
        // There is always a moment: the sender is there as long as this is.
        asked
            .ok()
            .and_then(|moment| *moment)
            .unwrap_or_else(Instant::now)
    }

    /// Completes when calls have had their time, in a service that ends.
    pub(crate) async fn hurried(&self) {
        if let Ok(asked) = timeout(LONGEST_ANSWER, self.asked()).await {
            sleep_until(after(asked, ANSWERS)).await;
        }
    }

    /// Serves to the end, or as far as there is time after a signal.
    pub(crate) async fn attend<T>(
        &self,
        interruption: Interruption,
        serving: impl Future<Output = T>,
    ) -> Result<T, Cut> {
        select! {
            served = serving => Ok(served),
            cut = self.cut(interruption) => Err(cut),
        }
    }

    async fn cut(&self, mut interruption: Interruption) -> Cut {
        interruption.wait().await;
        alarm::set(ALARM);
        let now = Instant::now();
        self.asked.send_replace(Some(now));
        let same = after(now, SAME);
        while timeout_at(same, interruption.wait()).await.is_ok() {}
        match timeout_at(after(now, LEAVE), interruption.wait()).await {
            Ok(()) => Cut::Again,
            Err(_) => Cut::Overdue,
        }
    }
}

fn after(moment: Instant, time: Duration) -> Instant {
    moment.checked_add(time).unwrap_or(moment)
}
