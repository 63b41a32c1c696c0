//! Sessions: owner, interval, subject, and the frames that fall due.
//!
//! Nothing here uses D-Bus: a tick returns notices, which `signals` sends.

mod backlog;
mod crossings;
mod event;
mod grid;
mod metrics;
mod numbers;
mod past;
mod quota;
mod record;
mod sessions;
mod shared;
mod stream;
mod threshold;
mod tick;
mod told;

use std::{sync::Arc, time::Duration};

use super::{
    caller::Permit,
    client::{Name, unread::Readers, watch::Watch},
    history::Past,
    processes,
};
use crate::{
    reading::Stamp,
    store::{Selection, Store},
};

use backlog::Backlog;
pub(crate) use crossings::{Crossings, has_numbers};
pub(crate) use event::{Event, Notice, SessionKind};
pub(crate) use metrics::Metrics;
pub(crate) use past::{MAX_PAST_SIGNALS, SIGNAL_BYTES, past_bytes};
pub(crate) use record::MAX_COLUMNS;
use sessions::Sessions;
pub(crate) use shared::SharedSessions;
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
    /// The moments of its grid at which the service was late for a frame by an interval or more.
    pub(crate) missed: u64,
    /// The moment of the last frame.
    last: Option<Stamp>,
    /// The moment of the next frame; `None` until the reply to `Start` is sent.
    due: Option<Duration>,
    pub(crate) backlog: Backlog,
    /// The subscribers of a detached session that read their messages, if others do not; `None` broadcasts.
    pub(crate) readers: Option<Arc<[Name]>>,
    /// Whether it is the service's own, which has no receivers.
    pub(crate) is_of_service: bool,
    /// The span of the past that is sent with the first frame.
    pub(crate) history: Duration,
    /// Whether its owner was sent the past.
    had_past: bool,
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
            missed: 0,
            last: None,
            due: None,
            backlog: Backlog::default(),
            readers: None,
            is_of_service: false,
            history: Duration::ZERO,
            had_past: false,
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

    /// The same as a session of this process, which is no client on a bus. The history keeps nothing of it.
    pub(crate) fn of_this_process(mut self) -> Self {
        self.subject.keep_every(None);
        Self {
            detached: false,
            ..self
        }
    }

    /// Whether the owner has left already.
    fn has_lost_owner(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.has_left())
    }

    /// Whether its next frame is due at `now`.
    fn is_due(&self, now: Duration) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Whether its past is to be sent with its next frame.
    fn wants_past(&self) -> bool {
        let is_of_metrics = matches!(self.subject, Subject::Metrics(_)) && self.stream.is_none();
        is_of_metrics && !self.history.is_zero()
    }

    /// Takes the past that it wants, made of its selection and its span.
    fn take_past(&mut self, make: impl FnOnce(&Selection, Duration) -> Past) -> Option<Past> {
        let span = std::mem::take(&mut self.history);
        self.had_past = true;
        let metrics = self.subject.metrics()?;
        Some(make(&metrics.selection, span))
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
}
