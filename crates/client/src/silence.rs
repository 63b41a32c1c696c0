//! The silence of a service that hangs: no frame comes, and it does not answer.

use std::{
    future::pending,
    time::{Duration, Instant},
};

use crate::{
    bus::Bus, cadence::longest_silence, deadline::Unresponsive, error::Error, runtime::sleep,
};

impl Bus {
    /// Waits until no frame of a session of this interval has come since `heard` for too long ([`longest_silence`]), and the
    /// service does not answer a [`ping`](Self::ping). Returns who does not answer. A service that answers is asked ever more
    /// seldom. Cancel safe.
    pub async fn until_unanswered(&self, heard: Instant, interval: Duration) -> Unresponsive {
        let mut silence = longest_silence(interval);
        loop {
            let slept = sleep(silence.saturating_sub(heard.elapsed())).await;
            if slept.is_err() {
                // Without a runtime, nothing else of this bus goes on.
                return pending().await;
            }
            if let Err(Error::NoAnswer { from, .. }) = self.ping().await {
                return from;
            }
            silence = heard.elapsed().saturating_mul(2);
        }
    }
}
