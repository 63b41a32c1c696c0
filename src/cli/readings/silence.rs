//! A service that hangs: no frame comes, and it does not answer.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use sampled::client::{Bus, Error, Unresponsive, longest_silence};

/// The time in which a service that runs answers a ping, also on a busy machine.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// Completes once no frame of this interval has come since `heard`, for too long, and nobody answers a ping. Returns the
/// length of the silence, and who does not answer.
pub(super) async fn until_unanswered(
    bus: &Bus,
    heard: Instant,
    interval: Duration,
) -> (Duration, Unresponsive) {
    let mut wait = longest_silence(interval);
    loop {
        match heard.checked_add(wait) {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
        if let Err(Error::NoAnswer { from, .. }) = bus.ping(PING_TIMEOUT).await {
            return (heard.elapsed(), from);
        }
        // It answers, and is slow: it is asked ever more seldom.
        wait = heard.elapsed().saturating_mul(2);
    }
}
