//! All sessions: beginning and ending them, and the frames that are due.

mod due;
mod pasts;
mod streams;
mod tables;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::{
    reading::Stamp,
    source::{Roots, last_probe::LastProbe, panic::caught},
    store::Store,
};

use super::{
    Session,
    event::{Event, Notice},
    metrics::SharedFrames,
    numbers::Numbers,
    past::PastTurn,
    quota,
};
use crate::service::{
    client::{Name, unread::Unread},
    error::Error,
    history::History,
    limits::Limits,
};

/// The maximum rate for a client if neither the bus nor the client can tell whether it reads its frames.
const UNCONFIRMED_FRAMES_PER_SECOND: u32 = 20;

/// The interval of searches for selected metrics that do not exist now. The kernel sends no uevent for them in a
/// container with the host's /proc and /sys, and in a sandbox.
const MISSING_INTERVAL: Duration = Duration::from_secs(5);

/// All sessions, by number.
#[derive(Default)]
pub(crate) struct Sessions {
    by_id: BTreeMap<u32, Session>,
    numbers: Numbers,
    /// The current second, and the frames sent in it, of each client that is unconfirmed.
    unconfirmed: HashMap<Name, (u64, u32)>,
    /// The time of the last search for missing metrics.
    looked: LastProbe,
    /// The time of the last search for devices beside frames.
    searched: LastProbe,
    /// The readings of all sessions.
    pub(crate) history: History,
    /// The session whose past is being sent.
    past: PastTurn,
    /// Whether the bus tells how many bytes it holds for a client: then the first check of a session can wait.
    is_told_bytes: bool,
}

impl Sessions {
    /// Lets the numbers and the history continue after those of earlier services, and in later ones.
    pub(crate) fn continue_earlier(&mut self, roots: &Roots) {
        self.numbers = Numbers::from_file();
        self.history.keep_across_services(roots);
    }

    /// Adds a session. Its first frame is due after [`begin`](Self::begin).
    ///
    /// # Errors
    /// `LimitExceeded` if the owner, or all clients together, would exceed a limit; `InvalidArgs` if the owner has
    /// left: nothing would end the session.
    pub(crate) fn add(&mut self, mut session: Session, limits: Limits) -> Result<u32, Error> {
        if session.has_lost_owner() {
            return Err(Error::client_has_left(&session.owner));
        }
        quota::check(&session, || self.by_id.values(), &limits)?;
        if self.is_told_bytes {
            session.backlog.assume_read();
        }
        let id = self.numbers.next(|id| !self.by_id.contains_key(&id));
        self.by_id.insert(id, session);
        Ok(id)
    }

    /// Makes the first frame of a session due at once.
    pub(crate) fn begin(&mut self, id: u32) {
        if let Some(session) = self.by_id.get_mut(&id) {
            session.due = Some(Duration::ZERO);
        }
    }

    /// Ends a session for a client.
    ///
    /// # Errors
    /// `NoSuchSession`; `NotOwner` if it is another client's and not detached.
    pub(crate) fn stop(&mut self, id: u32, client: &str) -> Result<Vec<Notice>, Error> {
        let session = self.by_id.get(&id);
        let session = session.ok_or_else(|| Error::no_such_session(id))?;
        if !session.detached && *session.owner != *client {
            return Err(Error::not_owner(id));
        }
        let mut notices = Vec::new();
        session.notify(id, Event::Ended("stopped"), &mut notices);
        self.by_id.remove(&id);
        Ok(notices)
    }

    /// Resolves the selectors of all sessions again, within the limits on columns.
    pub(crate) fn reselect(&mut self, store: &Store, limits: Limits) {
        let mut all = 0_usize;
        let mut own = HashMap::<Name, usize>::new();
        for session in self.by_id.values() {
            let columns = session.subject.columns();
            all = all.saturating_add(columns);
            let own = own.entry(session.owner.clone()).or_default();
            *own = own.saturating_add(columns);
        }
        for session in self.by_id.values_mut() {
            let before = session.subject.columns();
            let own = own.entry(session.owner.clone()).or_default();
            let room = limits.columns.saturating_sub(*own);
            let room = room.min(limits.total.columns.saturating_sub(all));
            let limit = before.saturating_add(room);
            session.subject.reselect(store, limit);
            let now = session.subject.columns();
            all = all.saturating_sub(before).saturating_add(now);
            *own = own.saturating_sub(before).saturating_add(now);
        }
    }

    /// Removes the sessions of a client that has left the bus.
    pub(crate) fn forget(&mut self, client: &str) {
        self.unconfirmed.remove(client);
        self.by_id
            .retain(|_, session| session.detached || *session.owner != *client);
    }

    /// Ends all sessions, because the service stops. No session begins after this.
    pub(crate) fn end(&mut self) -> Vec<Notice> {
        self.numbers.finish();
        self.end_where("stopping", |_| true)
    }

    /// Ends the sessions that are over, for a reason.
    pub(crate) fn end_where(
        &mut self,
        reason: &'static str,
        is_over: impl Fn(&Session) -> bool,
    ) -> Vec<Notice> {
        let mut notices = Vec::new();
        self.by_id.retain(|&id, session| {
            let is_over = is_over(session);
            if is_over {
                session.notify(id, Event::Ended(reason), &mut notices);
            }
            !is_over
        });
        notices
    }

    /// Whether the session exists and belongs to another client.
    pub(crate) fn is_of_another_client(&self, id: u32, client: &str) -> bool {
        let session = self.by_id.get(&id);
        session.is_some_and(|session| *session.owner != *client)
    }

    /// Takes the frames that are due at `now`: sessions that are due at one moment share a wake-up and the
    /// reads of common sources. Returns the notices, and the sessions with a check of the backlog due.
    pub(crate) fn tick(&mut self, store: &Store, now: Duration) -> (Vec<Notice>, Vec<u32>) {
        let mut notices = Vec::new();
        let mut to_check = Vec::new();
        let mut frames = SharedFrames::default();
        let mut ended = Vec::new();
        self.history.take_over(store);
        self.give_past_turn(now);
        let stamp = Stamp::now().at(now);
        for (&id, session) in &mut self.by_id {
            if session.is_due(now) && self.past.allows_frame(id, session.wants_past()) {
                if session.drops()
                    && session.backlog.is_unconfirmed()
                    && !is_within_rate(&mut self.unconfirmed, session, now)
                {
                    session.skip(now);
                    continue;
                }
                // A panic, in an expression for instance, ends only the sessions that use it.
                let (past, history) = (&mut self.past, &self.history);
                let ticked = caught(|| {
                    if !session.wants_past() {
                        return session.tick(id, store, stamp, &mut frames, &mut notices);
                    }
                    let mut first = Vec::new();
                    let ended = session.tick(id, store, stamp, &mut frames, &mut first);
                    notices.extend(pasts::begin(past, id, session, history, stamp, first));
                    ended
                });
                if let Some(reason) = ticked.unwrap_or(Some("failed")) {
                    session.notify(id, Event::Ended(reason), &mut notices);
                    ended.push(id);
                    continue;
                }
                if session.has_untold()
                    && (!session.backlog.is_unconfirmed()
                        || is_within_rate(&mut self.unconfirmed, session, now))
                {
                    session.tell(id, &mut notices);
                }
                if session.needs_check() {
                    to_check.push(id);
                }
            }
        }
        for id in ended {
            self.by_id.remove(&id);
        }
        for frame in frames.kept() {
            self.history.record(stamp, &frame);
        }
        (notices, to_check)
    }

    /// The selected ids that do not exist now, if a search for them is due.
    pub(crate) fn missing(&mut self, now: Duration) -> BTreeSet<Arc<str>> {
        if !self.looked.again(now, MISSING_INTERVAL, || false) {
            return BTreeSet::new();
        }
        let all = self.by_id.values();
        let missing = all.filter_map(|session| Some(&session.subject.metrics()?.missing));
        missing.flatten().cloned().collect()
    }

    /// Stores the result of a check of a session's owner. Returns the notices that have waited for it.
    pub(crate) fn finish_check(&mut self, id: u32, held: Unread) -> Vec<Notice> {
        self.is_told_bytes |= matches!(held, Unread::Bytes(_));
        let mut notices = Vec::new();
        if let Some(session) = self.by_id.get_mut(&id) {
            session.backlog.finish_check(held);
            if !session.backlog.is_unconfirmed() {
                session.tell(id, &mut notices);
            }
        }
        notices
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Session)> {
        self.by_id.iter().map(|(&id, session)| (id, session))
    }

    pub(crate) fn session(&mut self, id: u32) -> Option<&mut Session> {
        self.by_id.get_mut(&id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The number of sessions that are not this client's; a detached session counts as another's.
    pub(crate) fn count_of_others(&self, client: &str) -> usize {
        let others = self.by_id.values();
        others
            .filter(|session| session.detached || *session.owner != *client)
            .filter(|session| !session.is_of_service)
            .count()
    }
}

/// Counts a frame for an unconfirmed client. Returns whether the client may have it in this second.
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
