//! Sessions: owner, interval, subject, and the frames that fall due.
//!
//! Nothing here uses D-Bus: a tick returns notices, which `signals` sends.

mod backlog;
mod crossings;
mod event;
mod grid;
mod metrics;
mod numbers;
mod quota;
mod record;
mod sessions;
mod shared;
mod stream;
mod threshold;
mod told;

use std::{sync::Arc, time::Duration};

use super::{
    caller::Permit,
    client::{Name, unread::Readers, watch::Watch},
    history::{History, Past},
    processes::{self, Changes},
};
use crate::{reading::Stamp, store::Store};

use backlog::Backlog;
pub(crate) use crossings::{Crossings, has_numbers};
pub(crate) use event::{Event, Notice, SessionKind};
use grid::next_due;
pub(crate) use metrics::Metrics;
use metrics::SharedFrames;
pub(crate) use record::MAX_COLUMNS;
use sessions::Sessions;
pub(crate) use shared::SharedSessions;
use stream::Outcome;
pub(crate) use stream::Stream;
pub(crate) use threshold::{Direction, Threshold};
pub(crate) use told::Differences;

/// A session.
pub(crate) struct Session {
    pub(crate) owner: Name,
    pub(crate) label: String,
    pub(crate) detached: bool,
    pub(crate) interval: Duration,
    pub(crate) subject: Subject,
    pub(crate) frames: u64,
    pub(crate) dropped: u64,
    /// The moment of the next frame; `None` until the reply to `Start` is sent.
    due: Option<Duration>,
    pub(crate) backlog: Backlog,
    /// The subscribers of a detached session that read their messages, if others do not; `None` broadcasts.
    pub(crate) readers: Option<Arc<[Name]>>,
    /// Whether it is the service's own, which has no receivers.
    pub(crate) is_of_service: bool,
    /// The span of the past that is sent with the first frame.
    pub(crate) history: Duration,
    /// The grants that an owner in a sandbox needs for the session.
    pub(crate) permit: Option<Permit>,
    /// The watch of the owner, shared by all its sessions; `None` for a detached session.
    watch: Option<Arc<Watch>>,
    /// The pipe of a stream; `None` sends frames as signals.
    pub(crate) stream: Option<Stream>,
}

/// The subject of a session.
pub(crate) enum Subject {
    Metrics(Metrics),
    Processes(processes::TableSubject),
    Crossings(Crossings),
}

impl Subject {
    /// The number of columns that counts against the limits.
    fn columns(&self) -> usize {
        match self {
            Self::Metrics(metrics) => metrics.weight(),
            Self::Processes(processes) => processes.query.fields.len(),
            Self::Crossings(crossings) => crossings.metrics.weight(),
        }
    }

    fn kind(&self) -> SessionKind {
        match self {
            Self::Metrics(_) | Self::Crossings(_) => SessionKind::Metrics,
            Self::Processes(_) => SessionKind::Processes,
        }
    }

    /// The metrics that are read in a tick.
    fn metrics(&self) -> Option<&Metrics> {
        match self {
            Self::Metrics(metrics) => Some(metrics),
            Self::Processes(_) => None,
            Self::Crossings(crossings) => Some(&crossings.metrics),
        }
    }

    /// Lets the history keep its readings as those of an interval, or not at all.
    pub(crate) fn keep_every(&mut self, interval: Option<Duration>) {
        match self {
            Self::Metrics(metrics) => metrics.kept_every = interval,
            Self::Processes(_) => {}
            Self::Crossings(crossings) => crossings.metrics.kept_every = interval,
        }
    }

    /// Resolves the selectors again, within a limit on columns.
    fn reselect(&mut self, store: &Store, limit: usize) {
        match self {
            Self::Metrics(metrics) => metrics.reselect(store, limit),
            Self::Processes(_) => {}
            Self::Crossings(crossings) => crossings.reselect(store, limit),
        }
    }
}

impl Session {
    /// A session that ends when `watch` reports that the owner has left; without a watch it is detached.
    pub(crate) fn new(
        owner: Name,
        label: String,
        interval: Duration,
        mut subject: Subject,
        watch: Option<Arc<Watch>>,
    ) -> Self {
        subject.keep_every(Some(interval));
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
            is_of_service: false,
            history: Duration::ZERO,
            permit: None,
            watch,
            stream: None,
        }
    }

    /// The same as a session of the service itself: it sends nothing, and only the service ends it.
    pub(crate) fn of_service(self) -> Self {
        Self {
            detached: false,
            is_of_service: true,
            ..self
        }
    }

    /// Whether the owner has left already.
    fn has_lost_owner(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.has_left())
    }

    /// Adds a notice of `event` for each receiver: the owner, the readers, or everybody (broadcast).
    fn notify(&self, session: u32, event: Event, notices: &mut Vec<Notice>) {
        let notice = |client, event| Notice {
            session,
            client,
            kind: self.subject.kind(),
            event,
        };
        match &self.readers {
            _ if self.is_of_service => {}
            Some(readers) => {
                let readers = readers.iter();
                notices.extend(readers.map(|reader| notice(Some(reader.clone()), event.clone())));
            }
            None if self.detached => notices.push(notice(None, event)),
            None => notices.push(notice(Some(self.owner.clone()), event)),
        }
    }

    /// Whether a check of the backlog is due.
    fn needs_check(&self) -> bool {
        if self.stream.is_some() {
            return false;
        }
        match self.detached {
            _ if self.is_of_service => false,
            true => {
                let is_late = self.readers.is_some() || self.backlog.is_full();
                self.backlog.is_broadcast_check_due(is_late)
            }
            false if !self.drops() && (self.backlog.is_full() || self.has_untold()) => {
                self.backlog.is_repeated_check_due(self.interval)
            }
            false => self.backlog.is_check_due(),
        }
    }

    /// Whether there is a crossing that its owner has not been told yet.
    fn has_untold(&self) -> bool {
        matches!(&self.subject, Subject::Crossings(crossings) if crossings.has_untold())
    }

    /// Whether it is to take its first frame.
    fn is_new(&self) -> bool {
        match &self.subject {
            Subject::Crossings(crossings) => !crossings.has_read(),
            Subject::Metrics(_) | Subject::Processes(_) => self.frames == 0,
        }
    }

    /// Whether what falls due is dropped while the owner does not read. A watch goes on: what it has to tell does not
    /// grow, and a hold is measured.
    fn drops(&self) -> bool {
        !matches!(self.subject, Subject::Crossings(_))
    }

    /// Stores the result of a check of all receivers of broadcasts.
    pub(super) fn set_readers(&mut self, readers: Readers) {
        // Without a result no frame is sent: the queue of a receiver that does not read might grow for ever.
        self.backlog
            .finish_broadcast_check(readers == Readers::Unknown);
        let readers: Option<Arc<[Name]>> = match readers {
            Readers::All => None,
            Readers::Some(readers) => Some(readers.into()),
            Readers::Unknown => return,
        };
        // A receiver that reads again has missed differences.
        if self.readers.is_some()
            && self.readers != readers
            && let Subject::Metrics(metrics) = &mut self.subject
        {
            metrics.tell_all();
        }
        self.readers = readers;
    }

    /// Drops the frame that is due.
    fn skip(&mut self, now: Duration) {
        self.due = Some(next_due(now, self.interval, self.is_new()));
        self.dropped = self.dropped.saturating_add(1);
        self.backlog.count(0);
    }

    /// Takes a frame at `now` and adds its notices. Returns the reason if the session is over. A session of processes only
    /// falls due: its frame is [sent later](Self::send_changes). A watch is [told](Self::tell) afterwards. `frames` are the
    /// frames of the tick so far.
    fn tick(
        &mut self,
        id: u32,
        store: &Store,
        history: &History,
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
        self.due = Some(next_due(now, self.interval, self.is_new()));
        match (&mut self.subject, &mut self.stream) {
            (Subject::Metrics(metrics), Some(stream)) => {
                match stream.write(&metrics.record(store, now, frames)) {
                    Outcome::Written => self.frames = self.frames.saturating_add(1),
                    Outcome::Dropped => self.dropped = self.dropped.saturating_add(1),
                    Outcome::Closed => return Some(stream::CLOSED),
                }
            }
            (Subject::Metrics(metrics), None) => {
                let events = metrics.frame(store, now, frames);
                for event in events {
                    if matches!(event, Event::Sampled(..)) && !self.history.is_zero() {
                        self.send_past(id, history, moment, notices);
                    }
                    self.notify(id, event, notices);
                }
                self.frames = self.frames.saturating_add(1);
                let bytes = self.subject.columns().saturating_mul(size_of::<f64>());
                self.backlog.count(bytes);
            }
            (Subject::Processes(processes), _) => processes.fall_due(now),
            (Subject::Crossings(crossings), _) => {
                let replaced = crossings.read(store, now, frames);
                self.dropped = self.dropped.saturating_add(replaced);
                if self.backlog.is_full() {
                    self.backlog.count(0);
                }
            }
        }
        None
    }

    /// Adds the notices of the crossings that the owner has not been told yet, unless it does not read.
    pub(super) fn tell(&mut self, id: u32, notices: &mut Vec<Notice>) {
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

    /// Adds the notices of the past, between `Changed` and the first frame. They go to the owner alone, and do not count as
    /// frames.
    fn send_past(&mut self, id: u32, history: &History, now: Stamp, notices: &mut Vec<Notice>) {
        let span = std::mem::take(&mut self.history);
        let Subject::Metrics(metrics) = &self.subject else {
            return;
        };
        let past = history.past(&metrics.selection, span, SIGNAL_BYTES, now);
        self.backlog.allow(past_bytes(&past));
        notices.extend(past.rows().map(|(timestamp, values)| Notice {
            session: id,
            client: Some(self.owner.clone()),
            kind: self.subject.kind(),
            event: Event::Sampled(timestamp, values.into()),
        }));
    }

    /// Adds the notices of a table of processes, after its batch is made.
    fn send_changes(&mut self, id: u32, changes: Arc<Changes>, notices: &mut Vec<Notice>) {
        let Subject::Processes(processes) = &mut self.subject else {
            return;
        };
        processes.sent(&changes);
        self.frames = self.frames.saturating_add(1);
        self.backlog.count(changes.size());
        self.notify(id, Event::Processes(changes), notices);
    }
}

/// About the bytes of the signal `Sampled` beside its values.
pub(crate) const SIGNAL_BYTES: usize = 256;

/// About the bytes of the signals of the past.
pub(crate) fn past_bytes(past: &Past) -> usize {
    let mut rows = past.rows();
    let width = rows.next().map_or(0, |(_, values)| values.len());
    let row = width.saturating_mul(size_of::<f64>());
    row.saturating_add(SIGNAL_BYTES).saturating_mul(past.len())
}
