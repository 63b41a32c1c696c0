//! The loop takes over what the service tells, and its errors.

use std::time::Duration;

use futures_util::FutureExt;
use sampled_client::{Error, Frame};
use tokio::time::Instant;

use super::Run;
use crate::{
    acquisition::Event,
    application::{State, now},
    sampling::Report,
};

/// How long a frame waits for the table of the same moment, so that the screen is drawn once.
const TOGETHER: Duration = Duration::from_millis(40);

/// The most frames that are taken over before the screen is drawn.
const AT_ONCE: usize = 4096;

impl Run {
    pub(super) fn take_metrics(&mut self, event: Option<Event<Frame>>) {
        match event {
            None => {}
            Some(Event::Started) => self.begin_sampling(),
            Some(Event::Failed(error)) => self.fail(&error),
            Some(Event::Next(frame)) => {
                self.listener.hear();
                self.application.take(&frame);
                // The past comes in many frames.
                for _ in 0..AT_ONCE {
                    match self.metrics.next().now_or_never() {
                        Some(Some(Event::Next(frame))) => self.application.take(&frame),
                        Some(Some(Event::Failed(error))) => self.fail(&error),
                        _ => break,
                    }
                }
                let now = Instant::now();
                self.draw_at = match self.table.running() {
                    Some(_) => self.draw_at.or(now.checked_add(TOGETHER)),
                    None => Some(now),
                };
            }
        }
    }

    pub(super) fn take_table(&mut self, event: Option<Event<()>>) {
        match event {
            None => {}
            Some(Event::Started) => self.begin_sampling(),
            Some(Event::Failed(error)) => self.fail(&error),
            Some(Event::Next(())) => {
                self.listener.hear();
                if let Some((query, session)) = self.table.running() {
                    self.application.table.take(query, session);
                }
                self.draw_at = Some(Instant::now());
            }
        }
    }

    fn begin_sampling(&mut self) {
        self.application.state = State::Sampling;
        self.listener.hear();
    }

    pub(super) fn take_report(&mut self, report: Option<Result<Report, Error>>) {
        let Some(report) = report else {
            return;
        };
        self.draw_at = Some(Instant::now());
        match report {
            Ok(report) => {
                self.application.report = Some(report);
                self.begin_sampling();
            }
            Err(error) => self.fail(&error),
        }
    }

    /// Marks a gap and says why nothing is read. Sessions start again by themselves.
    pub(super) fn fail(&mut self, error: &Error) {
        self.application.recording.interrupt(now());
        if self.application.state != State::Paused {
            let cause = error.to_string();
            self.application.state = State::Restarting { cause };
        }
        let is_broken = matches!(
            error,
            Error::Bus(_) | Error::NoAnswer { .. } | Error::NoBus(_) | Error::Handshake(_)
        );
        if is_broken || self.connection.client().is_none() {
            self.connection.list_again(true);
        }
        self.draw_at = Some(Instant::now());
    }
}
