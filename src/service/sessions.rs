//! All sessions: who may begin one, who may end it, and which are due.

use std::{collections::BTreeMap, time::Duration};

use crate::store::Store;

use super::{
    error::Error,
    processes::{Made, Wanted},
    session::{Event, Notice, Session, Subject},
};

/// How much one client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sessions at a time.
    pub sessions: usize,
    /// Columns of all its sessions together.
    pub columns: usize,
}

/// All sessions, by number.
#[derive(Default)]
pub(crate) struct Sessions {
    running: BTreeMap<u32, Session>,
    last: u32,
}

impl Sessions {
    /// Adds a session, which sleeps until it is [`begun`](Self::begin).
    ///
    /// # Errors
    /// `LimitExceeded`, when its owner has as much as a client may have.
    pub(crate) fn add(&mut self, session: Session, limits: Limits) -> Result<u32, Error> {
        let own = || {
            self.running
                .values()
                .filter(|other| other.owner == session.owner)
        };
        if own().count() >= limits.sessions {
            return Err(Error::limit_exceeded(format!(
                "a client has at most {} sessions",
                limits.sessions
            )));
        }
        let columns: usize = own().map(|other| other.subject.columns()).sum();
        if columns + session.subject.columns() > limits.columns {
            return Err(Error::limit_exceeded(format!(
                "{} columns are asked for beside {columns} of other sessions: \
                 a client has at most {}",
                session.subject.columns(),
                limits.columns
            )));
        }
        loop {
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && !self.running.contains_key(&self.last) {
                break;
            }
        }
        self.running.insert(self.last, session);
        Ok(self.last)
    }

    /// Lets a session have its first frame at once.
    pub(crate) fn begin(&mut self, id: u32) {
        if let Some(session) = self.running.get_mut(&id) {
            session.due = Some(Duration::ZERO);
        }
    }

    /// Ends a session at the wish of a client.
    ///
    /// # Errors
    /// `NoSuchSession`, and `NotOwner` if it is another client's and not detached.
    pub(crate) fn stop(&mut self, id: u32, client: &str) -> Result<Notice, Error> {
        let session = self.running.get(&id);
        let session = session.ok_or_else(|| Error::no_such_session(id))?;
        if !session.detached && *session.owner != *client {
            return Err(Error::not_owner(id));
        }
        let notice = session.notice(id, Event::Ended("stopped"));
        self.running.remove(&id);
        Ok(notice)
    }

    /// Metrics have come or gone: some sessions mean others now.
    pub(crate) fn reselect(&mut self, store: &Store, limit: usize) {
        for session in self.running.values_mut() {
            match &mut session.subject {
                Subject::Metrics(metrics) => metrics.reselect(store, limit),
                Subject::Processes(_) => {}
            }
        }
    }

    /// Ends all sessions that go with a client which is no longer there.
    pub(crate) fn forget(&mut self, client: &str) {
        self.running
            .retain(|_, session| session.detached || *session.owner != *client);
    }

    /// Ends all sessions, because the service leaves.
    pub(crate) fn end(&mut self) -> Vec<Notice> {
        let running = std::mem::take(&mut self.running);
        let notices = running.iter();
        notices
            .map(|(&id, session)| session.notice(id, Event::Ended("stopping")))
            .collect()
    }

    /// When the next frame of any session is due.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.running
            .values()
            .filter_map(|session| session.due)
            .min()
    }

    /// Takes the frames that are due at `now`: one wake-up for all sessions that share the moment,
    /// and one reading of what they share. Returns what is to be signalled, and the sessions of which
    /// the bus is to be asked whether their clients take what they are sent.
    pub(crate) fn tick(&mut self, store: &Store, now: Duration) -> (Vec<Notice>, Vec<u32>) {
        let mut notices = Vec::new();
        let mut doubtful = Vec::new();
        let mut made = None;
        for (&id, session) in &mut self.running {
            if session.due.is_some_and(|due| due <= now) {
                session.tick(id, store, now, &mut made, &mut notices);
                if session.is_doubtful() {
                    doubtful.push(id);
                }
            }
        }
        (notices, doubtful)
    }

    /// Whether there is a session of processes.
    pub(crate) fn has_processes(&self) -> bool {
        let mut all = self.running.values();
        all.any(|session| matches!(session.subject, Subject::Processes(_)))
    }

    /// The tables that are to be made for the sessions of processes that are due.
    pub(crate) fn wanted(&mut self) -> Vec<Wanted> {
        let all = self.running.iter_mut();
        all.filter_map(|(&id, session)| match &mut session.subject {
            Subject::Metrics(_) => None,
            Subject::Processes(processes) => processes.take_wanted(id),
        })
        .collect()
    }

    /// The tables are made: returns what is to be signalled, and the sessions of which the bus is to be
    /// asked whether their clients take what they are sent.
    pub(crate) fn tell(&mut self, made: Made) -> (Vec<Notice>, Vec<u32>) {
        let mut notices = Vec::new();
        let mut doubtful = Vec::new();
        for (id, changes) in made {
            // It may have ended meanwhile.
            let Some(session) = self.running.get_mut(&id) else {
                continue;
            };
            notices.extend(session.tell(id, changes));
            if session.is_doubtful() {
                doubtful.push(id);
            }
        }
        (notices, doubtful)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Session)> {
        self.running.iter().map(|(&id, session)| (id, session))
    }

    pub(crate) fn session(&mut self, id: u32) -> Option<&mut Session> {
        self.running.get_mut(&id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// How many sessions others than this client have; a detached one is everybody's.
    pub(crate) fn of_others(&self, client: &str) -> usize {
        let others = self.running.values();
        others
            .filter(|session| session.detached || *session.owner != *client)
            .count()
    }
}
