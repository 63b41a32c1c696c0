//! Listens for frames, and asks the service whether it answers while none comes.

use std::{future::pending, time::Duration};

use sampled_client::{Client, Error, Unresponsive, longest_silence};
use tokio::{
    select,
    time::{Instant, sleep_until},
};

use crate::{
    silence::{Answer, Silence},
    task::Task,
};

/// Listens for frames, and asks the service whether it answers when none comes.
pub(crate) struct Listener {
    /// The moment of the last frame.
    heard: Instant,
    /// The moment of the next ping.
    ping_at: Option<Instant>,
    ping: Task<()>,
    /// What has come of the pings since the last frame.
    answer: Option<Answer>,
}

impl Listener {
    /// Begins to listen.
    pub(crate) fn new() -> Self {
        Self {
            heard: Instant::now(),
            ping_at: None,
            ping: Task::none(),
            answer: None,
        }
    }

    /// Notes a frame or a report, or that none is expected.
    pub(crate) fn hear(&mut self) {
        *self = Self::new();
    }

    /// Asks the service if a frame of this interval is overdue.
    pub(crate) fn demand(&mut self, client: &Client, interval: Duration) {
        let silence = longest_silence(interval);
        let at = self.ping_at.or_else(|| self.heard.checked_add(silence));
        self.ping_at = at;
        let now = Instant::now();
        if at.is_some_and(|at| at <= now) && !self.ping.is_running() {
            // Ever more seldom: a service that is stopped for days finds few pings.
            self.ping_at = now.checked_add(now.saturating_duration_since(self.heard));
            let bus = client.bus().clone();
            self.ping.start(async move { bus.ping().await });
        }
    }

    /// Waits for the answer to a ping, for the moment of the next one, or for the next second of a silence. Cancel safe.
    pub(crate) async fn next(&mut self) {
        let at = match (self.ping.is_running(), self.answer) {
            (_, Some(_)) => self.next_second(),
            (false, None) => self.ping_at,
            (true, None) => None,
        };
        let time = async {
            match at {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        select! {
            pinged = self.ping.next() => {
                self.answer = Some(match pinged {
                    Err(Error::NoAnswer { from: Unresponsive::Bus(_), .. }) => Answer::NoneOfBus,
                    Err(Error::NoAnswer { .. }) => Answer::NoneOfService,
                    // Another error is one of the sessions, too.
                    _ => Answer::Given,
                });
            }
            () = time => {}
        }
    }

    /// The silence, once the service was asked.
    pub(crate) fn silence(&self) -> Option<Silence> {
        Some(Silence {
            seconds: self.heard.elapsed().as_secs(),
            answer: self.answer?,
        })
    }

    fn next_second(&self) -> Option<Instant> {
        let seconds = self.heard.elapsed().as_secs().saturating_add(1);
        self.heard.checked_add(Duration::from_secs(seconds))
    }
}
