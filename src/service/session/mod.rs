//! A session: whose it is, how often it is due, and what it is about.
//!
//! Nothing here speaks D-Bus: a tick returns what is to be signalled.

mod backlog;
mod event;
mod grid;
mod metrics;
mod quota;
mod sessions;
mod shared;

use std::{sync::Arc, time::Duration};

use super::{
    caller::Permit,
    client::{Name, unread::Readers, watch::Watch},
    processes::{self, Changes},
};
use crate::store::Store;

use backlog::Backlog;
pub(crate) use event::{Event, Notice, SessionKind};
use grid::next_due;
pub(crate) use metrics::Metrics;
use metrics::SharedFrames;
use sessions::Sessions;
pub(crate) use shared::SharedSessions;

/// A session.
pub(crate) struct Session {
    pub(crate) owner: Name,
    pub(crate) label: String,
    pub(crate) detached: bool,
    pub(crate) interval: Duration,
    pub(crate) subject: Subject,
    pub(crate) frames: u64,
    pub(crate) dropped: u64,
    /// When the next frame is due; never before the reply to `Start` is on its way.
    due: Option<Duration>,
    pub(crate) backlog: Backlog,
    /// Of a detached session: those of its subscribers who read what they are sent, where some do not.
    pub(crate) readers: Option<Arc<[Name]>>,
    /// What its owner, in a sandbox, must be granted for it.
    pub(crate) permit: Option<Permit>,
    /// Of its owner, shared by all sessions of that client; none where it is detached.
    watch: Option<Arc<Watch>>,
}

/// What a session acquires.
pub(crate) enum Subject {
    Metrics(Metrics),
    Processes(processes::TableSubject),
}

impl Subject {
    /// How many columns it counts for.
    fn columns(&self) -> usize {
        match self {
            Self::Metrics(metrics) => metrics.weight(),
            Self::Processes(processes) => processes.query.fields.len(),
        }
    }

    fn kind(&self) -> SessionKind {
        match self {
            Self::Metrics(_) => SessionKind::Metrics,
            Self::Processes(_) => SessionKind::Processes,
        }
    }
}

impl Session {
    /// A session that ends with the owner who is watched; one that is not watched outlives him.
    pub(crate) fn new(
        owner: Name,
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
    fn has_lost_owner(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.has_left())
    }

    /// Adds what the owner, or everybody who reads it, is told.
    fn notify(&self, session: u32, event: Event, notices: &mut Vec<Notice>) {
        let notice = |client, event| Notice {
            session,
            client,
            kind: self.subject.kind(),
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
    fn needs_check(&self) -> bool {
        match self.detached {
            true => {
                let is_late = self.readers.is_some() || self.backlog.is_full();
                self.backlog.is_broadcast_check_due(is_late)
            }
            false => self.backlog.is_check_due(),
        }
    }

    /// The bus was asked who reads the broadcasts.
    pub(super) fn set_readers(&mut self, readers: Readers) {
        // Without an answer nothing more is sent: whoever does not read might be sent it for ever.
        self.backlog
            .finish_broadcast_check(readers == Readers::Unknown);
        match readers {
            Readers::All => self.readers = None,
            Readers::Some(readers) => self.readers = Some(readers.into()),
            Readers::Unknown => {}
        }
    }

    /// Leaves out the frame that is due.
    fn skip(&mut self, now: Duration) {
        self.due = Some(next_due(now, self.interval, self.frames == 0));
        self.dropped = self.dropped.saturating_add(1);
        self.backlog.count(0);
    }

    /// Takes a frame at `now` and says what the client is to be told of it; of processes it is told
    /// [later](Self::send_changes). `frames` are those of the sessions before it in the same tick.
    fn tick(
        &mut self,
        id: u32,
        store: &Store,
        now: Duration,
        frames: &mut SharedFrames,
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
