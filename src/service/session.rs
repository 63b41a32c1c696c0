//! A session: whose it is, how often it is due, and what it is about.
//!
//! Nothing here speaks D-Bus: a tick returns what is to be signalled.

use std::{sync::Arc, time::Duration};

use super::{
    backlog::Backlog,
    caller::Permit,
    metrics::{Frames, Metrics},
    processes::{self, Changes},
    unread::Readers,
    watch::Watch,
};
use crate::{
    reading::Fault,
    store::{Selection, Store},
    wire,
};

/// A client: its unique name on the bus.
pub(crate) type Client = Arc<str>;

/// What a session is told.
#[derive(Debug)]
pub(crate) struct Notice {
    pub(crate) session: u32,
    /// The destination; a session that is detached broadcasts.
    pub(crate) client: Option<Client>,
    /// The interface on which it began.
    pub(crate) interface: &'static str,
    pub(crate) event: Event,
}

#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A frame: its moment, and a value for each column, NaN where there is a fault or a text.
    Sampled(u64, Arc<[f64]>),
    /// Columns, texts and faults, all of them, because one has changed.
    Changed(
        Arc<Selection>,
        Vec<(Arc<str>, Arc<str>)>,
        Vec<(Arc<str>, Fault)>,
    ),
    /// What has changed in a table of processes.
    Processes(Arc<Changes>),
    /// The session is over, and why.
    Ended(&'static str),
}

/// A session.
pub(crate) struct Session {
    pub(crate) owner: Client,
    pub(crate) label: String,
    pub(crate) detached: bool,
    pub(crate) interval: Duration,
    pub(crate) subject: Subject,
    pub(crate) frames: u64,
    pub(crate) dropped: u64,
    /// When the next frame is due; never before the reply to `Start` is on its way.
    pub(super) due: Option<Duration>,
    pub(crate) backlog: Backlog,
    /// Of a detached session: those of its subscribers who read what they are sent, where some do not.
    pub(crate) readers: Option<Arc<[Client]>>,
    /// What its owner, in a sandbox, must be granted for it.
    pub(crate) permit: Option<Permit>,
    /// Of its owner, shared by all sessions of that client; none where it is detached.
    watch: Option<Arc<Watch>>,
}

/// What a session acquires.
pub(crate) enum Subject {
    Metrics(Metrics),
    Processes(processes::Subject),
}

impl Subject {
    /// How many columns it counts for.
    pub(super) fn columns(&self) -> usize {
        match self {
            Self::Metrics(metrics) => metrics.weight(),
            Self::Processes(processes) => processes.query.fields.len(),
        }
    }

    fn interface(&self) -> &'static str {
        match self {
            Self::Metrics(_) => wire::INTERFACE,
            Self::Processes(_) => wire::PROCESSES_INTERFACE,
        }
    }
}

impl Session {
    /// A session that ends with the owner who is watched; one that is not watched outlives him.
    pub(crate) fn new(
        owner: Client,
        label: String,
        interval: Duration,
        subject: Subject,
        watch: Option<Arc<Watch>>,
    ) -> Self {
        Self {
            owner,
            label,
            detached: watch.is_none(),
            interval,
            subject,
            frames: 0,
            dropped: 0,
            due: None,
            backlog: Backlog::default(),
            readers: None,
            permit: None,
            watch,
        }
    }

    /// Whether it would end with an owner who has left already.
    pub(super) fn has_lost_owner(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.has_left())
    }

    /// Adds what the owner, or everybody who reads it, is told.
    pub(super) fn notify(&self, session: u32, event: Event, notices: &mut Vec<Notice>) {
        let notice = |client, event| Notice {
            session,
            client,
            interface: self.subject.interface(),
            event,
        };
        match &self.readers {
            Some(readers) => {
                let readers = readers.iter();
                notices.extend(readers.map(|reader| notice(Some(reader.clone()), event.clone())));
            }
            None if self.detached => notices.push(notice(None, event)),
            None => notices.push(notice(Some(self.owner.clone()), event)),
        }
    }

    /// Whether it is time to ask the bus if the receivers take what they are sent.
    pub(super) fn is_doubtful(&self) -> bool {
        match self.detached {
            true => {
                let is_late = self.readers.is_some() || self.backlog.is_full();
                self.backlog.is_broadcast_check_due(is_late)
            }
            false => self.backlog.is_check_due(),
        }
    }

    /// The bus was asked who reads the broadcasts.
    pub(super) fn learn(&mut self, readers: Readers) {
        // Without an answer nothing more is sent: whoever does not read might be sent it for ever.
        self.backlog.answer_broadcast(readers == Readers::Unknown);
        match readers {
            Readers::All => self.readers = None,
            Readers::Some(readers) => self.readers = Some(readers.into()),
            Readers::Unknown => {}
        }
    }

    /// Leaves out the frame that is due.
    pub(super) fn skip(&mut self, now: Duration) {
        self.due = Some(next_due(now, self.interval, self.frames == 0));
        self.dropped = self.dropped.saturating_add(1);
        self.backlog.count(0);
    }

    /// Takes a frame at `now` and says what the client is to be told of it; of processes it is told
    /// [later](Self::tell). `frames` are those of the sessions before it in the same tick.
    pub(super) fn tick(
        &mut self,
        id: u32,
        store: &Store,
        now: Duration,
        frames: &mut Frames,
        notices: &mut Vec<Notice>,
    ) {
        if self.backlog.is_full() {
            self.skip(now);
            return;
        }
        self.due = Some(next_due(now, self.interval, self.frames == 0));
        match &mut self.subject {
            Subject::Metrics(metrics) => {
                for event in metrics.frame(store, now, frames) {
                    self.notify(id, event, notices);
                }
                self.frames = self.frames.saturating_add(1);
                let bytes = self.subject.columns().saturating_mul(size_of::<f64>());
                self.backlog.count(bytes);
            }
            Subject::Processes(processes) => processes.fall_due(now),
        }
    }

    /// Says what the client is to be told of the processes, now that they are read.
    pub(super) fn tell(&mut self, id: u32, changes: Arc<Changes>, notices: &mut Vec<Notice>) {
        let Subject::Processes(processes) = &mut self.subject else {
            return;
        };
        processes.sent(&changes);
        self.frames = self.frames.saturating_add(1);
        self.backlog.count(changes.size());
        self.notify(id, Event::Processes(changes), notices);
    }
}

/// The next moment after `now` on the grid of the interval, which begins at boot for everybody, so
/// that sessions of one interval wake the service once. What was missed is skipped. The frame after
/// the first one is at least half an interval away from it.
fn next_due(now: Duration, interval: Duration, first: bool) -> Duration {
    let earliest = if first {
        now.saturating_add(interval.checked_div(2).unwrap_or_default())
    } else {
        now
    };
    let interval = interval.as_nanos().max(1);
    // Neither moments nor intervals come near 2^64 ns, so none of this saturates.
    let steps = earliest.as_nanos().div_euclid(interval).saturating_add(1);
    let nanoseconds = steps.saturating_mul(interval);
    // The monotonic clock reaches 2^64 ns after 584 years.
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_on_a_grid() {
        let check = |now, interval, first, expected| {
            let due = next_due(
                Duration::from_millis(now),
                Duration::from_millis(interval),
                first,
            );
            assert_eq!(due, Duration::from_millis(expected));
        };
        check(1000, 500, false, 1500);
        check(1001, 500, false, 1500);
        check(1499, 500, false, 1500);
        // A tick that comes late by more than an interval skips what it missed.
        check(2600, 500, false, 3000);
        // The second frame does not come too soon after the first.
        check(1499, 500, true, 2000);
        check(1100, 500, true, 1500);
    }

    #[test]
    fn equal_intervals_share_every_moment() {
        let interval = Duration::from_millis(500);
        let (mut a, mut b) = (Duration::from_millis(17), Duration::from_millis(401));
        (a, b) = (next_due(a, interval, true), next_due(b, interval, true));
        while a < b {
            a = next_due(a, interval, false);
        }
        assert_eq!(a, b);
    }
}
