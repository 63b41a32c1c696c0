//! All sessions: who may begin one, who may end it, and which are due.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::{
    source::{last_probe::LastProbe, panic::caught},
    store::{Selection, Store},
};

use super::{
    Session, Subject,
    event::{Event, Notice},
    metrics::SharedFrames,
    quota,
};
use crate::service::{
    client::Name,
    error::Error,
    limits::Limits,
    processes::{ChangesBySession, TableRequest},
};

/// The frames that a client gets in a second of whom neither the bus nor itself says if it reads them.
const UNCONFIRMED_FRAMES_PER_SECOND: u32 = 20;

/// How often is looked for what a session has selected and is not there, where the kernel does not tell that it is
/// back: in a container that looks at its host, and in a sandbox.
const MISSING_INTERVAL: Duration = Duration::from_secs(2);

/// All sessions, by number.
#[derive(Default)]
pub(crate) struct Sessions {
    running: BTreeMap<u32, Session>,
    last: u32,
    /// What clients of whom nothing is known were sent: the second, and the frames in it.
    unconfirmed: HashMap<Name, (u64, u32)>,
    /// When was looked for what is missing.
    looked: LastProbe,
}

impl Sessions {
    /// Adds a session, which sleeps until it is [`begun`](Self::begin).
    ///
    /// # Errors
    /// `LimitExceeded`, when its owner, or all clients together, have as much as they may have; `InvalidArgs`,
    /// when its owner has left: nothing would end the session any more.
    pub(crate) fn add(&mut self, session: Session, limits: Limits) -> Result<u32, Error> {
        if session.has_lost_owner() {
            return Err(Error::client_has_left(&session.owner));
        }
        quota::check(&session, || self.running.values(), &limits)?;
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

    /// Ends a session at the request of a client.
    ///
    /// # Errors
    /// `NoSuchSession`, and `NotOwner` if it is another client's and not detached.
    pub(crate) fn stop(&mut self, id: u32, client: &str) -> Result<Vec<Notice>, Error> {
        let session = self.running.get(&id);
        let session = session.ok_or_else(|| Error::no_such_session(id))?;
        if !session.detached && *session.owner != *client {
            return Err(Error::not_owner(id));
        }
        let mut notices = Vec::new();
        session.notify(id, Event::Ended("stopped"), &mut notices);
        self.running.remove(&id);
        Ok(notices)
    }

    /// Metrics have come or gone: some sessions mean others now.
    pub(crate) fn reselect(&mut self, store: &Store, limits: Limits) {
        let mut all = 0_usize;
        let mut own = HashMap::<Name, usize>::new();
        for session in self.running.values() {
            let columns = session.subject.columns();
            all = all.saturating_add(columns);
            let own = own.entry(session.owner.clone()).or_default();
            *own = own.saturating_add(columns);
        }
        for session in self.running.values_mut() {
            let before = session.subject.columns();
            let own = own.entry(session.owner.clone()).or_default();
            let room = limits.columns.saturating_sub(*own);
            let room = room.min(limits.total.columns.saturating_sub(all));
            if let Subject::Metrics(metrics) = &mut session.subject {
                metrics.reselect(store, before.saturating_add(room));
            }
            let now = session.subject.columns();
            all = all.saturating_sub(before).saturating_add(now);
            *own = own.saturating_sub(before).saturating_add(now);
        }
    }

    /// Ends all sessions that go with a client which is no longer there.
    pub(crate) fn forget(&mut self, client: &str) {
        self.unconfirmed.remove(client);
        self.running
            .retain(|_, session| session.detached || *session.owner != *client);
    }

    /// Ends all sessions, because the service leaves.
    pub(crate) fn end(&mut self) -> Vec<Notice> {
        self.end_where("stopping", |_| true)
    }

    /// Ends those that are over, and says why.
    pub(crate) fn end_where(
        &mut self,
        reason: &'static str,
        is_over: impl Fn(&Session) -> bool,
    ) -> Vec<Notice> {
        let mut notices = Vec::new();
        self.running.retain(|&id, session| {
            let is_over = is_over(session);
            if is_over {
                session.notify(id, Event::Ended(reason), &mut notices);
            }
            !is_over
        });
        notices
    }

    /// Whether there is such a session, and it is not this client's.
    pub(crate) fn is_of_another_client(&self, id: u32, client: &str) -> bool {
        let session = self.running.get(&id);
        session.is_some_and(|session| *session.owner != *client)
    }

    /// When the next frame of any session is due.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.running
            .values()
            .filter_map(|session| session.due)
            .min()
    }

    /// What will be read for the frames that are due at `now`, each selection once.
    pub(crate) fn due(&self, now: Duration) -> Vec<Arc<Selection>> {
        let mut due: Vec<Arc<Selection>> = Vec::new();
        for session in self.running.values() {
            if session.due.is_some_and(|due| due <= now)
                && let Subject::Metrics(metrics) = &session.subject
                && !due
                    .iter()
                    .any(|known| Arc::ptr_eq(known, &metrics.selection))
            {
                due.push(metrics.selection.clone());
            }
        }
        due
    }

    /// Takes the frames that are due at `now`: one wake-up for all sessions that share the moment,
    /// and one reading of what they share. Returns what is to be signalled, and the sessions of which
    /// the bus is to be asked whether their clients take what they are sent.
    pub(crate) fn tick(&mut self, store: &Store, now: Duration) -> (Vec<Notice>, Vec<u32>) {
        let mut notices = Vec::new();
        let mut to_check = Vec::new();
        let mut frames = SharedFrames::default();
        let mut failed = Vec::new();
        for (&id, session) in &mut self.running {
            if session.due.is_some_and(|due| due <= now) {
                if session.backlog.is_unconfirmed()
                    && !is_within_rate(&mut self.unconfirmed, session, now)
                {
                    session.skip(now);
                    continue;
                }
                // A panic in an expression, say, is the end of those who have asked for it alone.
                let ticked = caught(|| session.tick(id, store, now, &mut frames, &mut notices));
                if ticked.is_err() {
                    session.notify(id, Event::Ended("failed"), &mut notices);
                    failed.push(id);
                }
                if session.needs_check() {
                    to_check.push(id);
                }
            }
        }
        for id in failed {
            self.running.remove(&id);
        }
        (notices, to_check)
    }

    /// What sessions have selected that is not there, when it is time to look for it.
    pub(crate) fn missing(&mut self, now: Duration) -> BTreeSet<Arc<str>> {
        if !self.looked.again(now, MISSING_INTERVAL, || false) {
            return BTreeSet::new();
        }
        let all = self.running.values();
        let missing = all.filter_map(|session| match &session.subject {
            Subject::Metrics(metrics) => Some(&metrics.missing),
            Subject::Processes(_) => None,
        });
        missing.flatten().cloned().collect()
    }

    /// Whether there is a session of processes.
    pub(crate) fn has_processes(&self) -> bool {
        let mut all = self.running.values();
        all.any(|session| matches!(session.subject, Subject::Processes(_)))
    }

    /// The tables that are to be made for the sessions of processes that are due.
    pub(crate) fn take_table_requests(&mut self) -> Vec<TableRequest> {
        let all = self.running.iter_mut();
        all.filter_map(|(&id, session)| match &mut session.subject {
            Subject::Metrics(_) => None,
            Subject::Processes(processes) => processes.take_request(id),
        })
        .collect()
    }

    /// The tables are made: returns what is to be signalled, and the sessions of which the bus is to be
    /// asked whether their clients take what they are sent.
    pub(crate) fn finish_tables(&mut self, made: ChangesBySession) -> (Vec<Notice>, Vec<u32>) {
        let mut notices = Vec::new();
        let mut to_check = Vec::new();
        for (id, changes) in made {
            // It may have ended meanwhile.
            let Some(session) = self.running.get_mut(&id) else {
                continue;
            };
            session.send_changes(id, changes, &mut notices);
            if session.needs_check() {
                to_check.push(id);
            }
        }
        (notices, to_check)
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
    pub(crate) fn count_of_others(&self, client: &str) -> usize {
        let others = self.running.values();
        others
            .filter(|session| session.detached || *session.owner != *client)
            .count()
    }
}

/// Whether a client of whom nothing is known may have one more frame in this second.
fn is_within_rate(
    unconfirmed: &mut HashMap<Name, (u64, u32)>,
    session: &Session,
    now: Duration,
) -> bool {
    let (second, frames) = unconfirmed.entry(session.owner.clone()).or_default();
    if *second != now.as_secs() {
        (*second, *frames) = (now.as_secs(), 0);
    }
    *frames = frames.saturating_add(1);
    *frames <= UNCONFIRMED_FRAMES_PER_SECOND
}

#[cfg(test)]
mod tests;
