//! The tick of a session: the frame that falls due, and its notices.

use std::{sync::Arc, time::Duration};

use super::{
    Notice, Session, Stream, Subject,
    event::Event,
    grid::{missed, next_due},
    metrics::SharedFrames,
    stream::{self, Outcome},
};
use crate::{reading::Stamp, service::processes::Changes, store::Store};

impl Session {
    /// Drops the frame that is due.
    pub(super) fn skip(&mut self, now: Duration) {
        self.set_next_due(now);
        self.dropped = self.dropped.saturating_add(1);
        self.backlog.count_dropped();
    }

    /// Falls due at the next moment of its grid, and counts those that have passed since it was due.
    fn set_next_due(&mut self, now: Duration) {
        let missed = self.due.map_or(0, |due| missed(due, now, self.interval));
        self.missed = self.missed.saturating_add(missed);
        self.due = Some(next_due(now, self.interval, self.is_new()));
    }

    /// Takes a frame at `now` and adds its notices. Returns the reason if the session is over. A session of processes only
    /// falls due: its frame is [sent later](Self::send_changes). A watch is [told](Self::tell) afterwards. `frames` are the
    /// frames of the tick so far.
    pub(super) fn tick(
        &mut self,
        id: u32,
        store: &Store,
        now: Stamp,
        frames: &mut SharedFrames,
        notices: &mut Vec<Notice>,
    ) -> Option<&'static str> {
        let moment = now;
        let now = now.monotonic;
        let is_full = self.drops() && self.backlog.is_full();
        if is_full || self.stream.as_mut().is_some_and(Stream::is_full) {
            self.skip(now);
            return None;
        }
        self.set_next_due(now);
        let gap = self
            .last
            .and_then(|last| last.gap_until(moment, self.interval));
        match (&mut self.subject, &mut self.stream) {
            (Subject::Metrics(metrics), Some(stream)) => {
                let gap = gap.map(|timestamp| metrics.gap_record(timestamp));
                let record = metrics.record(store, now, frames);
                for record in gap.iter().chain([&record]) {
                    match stream.write(record) {
                        Outcome::Written => self.frames = self.frames.saturating_add(1),
                        Outcome::Dropped => {
                            self.dropped = self.dropped.saturating_add(1);
                            break;
                        }
                        Outcome::Closed => return Some(stream::CLOSED),
                    }
                    // A gap that is dropped comes before the next record.
                    self.last = Some(moment);
                }
            }
            (Subject::Metrics(metrics), None) => {
                let events = metrics.frame(store, now, gap, frames);
                let bytes = self.subject.columns().saturating_mul(size_of::<f64>());
                for event in events {
                    if matches!(event, Event::Sampled(..)) {
                        self.frames = self.frames.saturating_add(1);
                        self.backlog.count(bytes);
                    }
                    self.notify(id, event, notices);
                }
                self.last = Some(moment);
            }
            (Subject::Processes(processes), _) => processes.fall_due(now),
            (Subject::Crossings(crossings), _) => {
                let replaced = crossings.read(store, now, frames);
                self.dropped = self.dropped.saturating_add(replaced);
                if self.backlog.is_full() {
                    self.backlog.count_dropped();
                }
            }
        }
        None
    }

    /// Adds the notices of the crossings that the owner has not been told yet, unless it does not read.
    pub(in crate::service) fn tell(&mut self, id: u32, notices: &mut Vec<Notice>) {
        if self.backlog.is_full() {
            return;
        }
        let Subject::Crossings(crossings) = &mut self.subject else {
            return;
        };
        if !crossings.has_untold() {
            return;
        }
        let (untold, bytes) = crossings.take_untold();
        self.backlog.count(bytes);
        self.frames = self.frames.saturating_add(untold.len() as u64);
        for crossing in untold {
            self.notify(id, Event::Crossed(crossing), notices);
        }
    }

    /// Adds the notices of a table of processes, after its batch is made.
    pub(super) fn send_changes(
        &mut self,
        id: u32,
        changes: Arc<Changes>,
        notices: &mut Vec<Notice>,
    ) {
        let Subject::Processes(processes) = &mut self.subject else {
            return;
        };
        processes.sent(&changes);
        self.frames = self.frames.saturating_add(1);
        self.backlog.count(changes.size());
        self.notify(id, Event::Processes(changes), notices);
    }
}
