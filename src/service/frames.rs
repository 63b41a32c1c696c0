//! Frames: taken when they are due, sent, and dropped for clients that do not read them.

use std::{future::pending, sync::Arc};

use tokio::task::yield_now;
use zbus::Connection;

use super::{
    access::Access,
    admission::Admission,
    catalog::Catalog,
    client::unread::{self, Unread},
    processes::{AsyncTable, Batches, ChangesBySession},
    queues::Queues,
    session::{Notice, Session, SharedSessions},
    settings::CurrentSettings,
    signals,
};
use crate::{reading::monotonic, store::Store};

/// Takes and sends frames.
pub(crate) struct Frames {
    pub(super) store: Arc<Store>,
    pub(super) admission: Arc<Admission>,
    pub(super) processes: Arc<AsyncTable>,
    pub(super) sessions: Arc<SharedSessions>,
    pub(super) queues: Arc<Queues>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) access: Arc<Access>,
    pub(super) settings: Arc<CurrentSettings>,
}

impl Frames {
    /// Takes and sends the frames that are due, and begins the checks of backlogs.
    pub(crate) async fn tick(&self, bus: Option<&Connection>) {
        let now = monotonic();
        let is_search_due = self.sessions.lock().is_search_due(now);
        let mut due = self.sessions.lock().due(now);
        if is_search_due {
            let changes = self.store.rediscover_selected(&due, now).await;
            if !changes.is_empty() {
                self.catalog.announce(bus, changes).await;
                due = self.sessions.lock().due(now);
            }
        }
        let selections: Vec<_> = due.iter().map(|selection| &**selection).collect();
        self.store.prefetch_frames(&selections, now).await;
        let (notices, to_check) = self.sessions.lock().tick(&self.store, now);
        if self.sessions.is_empty() {
            self.admission.record_activity();
            self.sessions.notify_changed();
        }
        for session in to_check {
            self.check_backlog(bus, session);
        }
        if let Some(bus) = bus {
            self.ask_before_past(bus);
        }
        self.send(bus, notices).await;
        if !is_search_due {
            return;
        }
        // The next frame has the metrics that these reads have revealed.
        self.catalog
            .announce(bus, self.store.rediscover_read(&due, now).await)
            .await;
        let missing = self.sessions.lock().missing(now);
        if !missing.is_empty() {
            let missing: Vec<_> = missing.iter().map(|id| &**id).collect();
            self.catalog.look_for(bus, &missing).await;
        }
    }

    /// Waits until the next slice of a past can be sent; for ever if none is being sent.
    pub(crate) async fn past_may_continue(&self) {
        if !self.sessions.lock().is_sending_past() {
            pending::<()>().await;
        }
        // Without the bus, the rest of the past is lost at once.
        self.admission.drained().await.ok();
    }

    /// Sends the next slice of a past.
    pub(crate) async fn continue_past(&self) {
        let notices = self.sessions.lock().next_past_slice();
        signals::send(&self.admission, notices).await;
        // Calls have their turn between two slices.
        yield_now().await;
    }

    /// Asks the bus, in a task of its own, how much the client has not read whose past is to be sent.
    fn ask_before_past(&self, bus: &Connection) {
        let mut sessions = self.sessions.lock();
        let Some((id, owner)) = sessions.past_question() else {
            return;
        };
        let (all, bus) = (self.sessions.clone(), bus.clone());
        let question = tokio::spawn(async move {
            let held = unread::of_client(&bus, &owner).await;
            all.lock().answer_past_question(id, held);
            all.changed.notify_one();
        });
        sessions.begin_past_question(id, question.abort_handle());
    }

    /// Keeps the table of processes open while a session uses it. Begins a batch for the sessions that are
    /// due, unless one is in progress.
    pub(crate) fn begin_tables(&self, batches: &mut Batches) {
        let mut sessions = self.sessions.lock();
        self.processes.hold(sessions.has_processes());
        if batches.is_idle() {
            let requests = sessions.take_table_requests();
            if !requests.is_empty() && self.settings.has_process_table() {
                batches.begin(&self.processes, requests);
            }
        }
    }

    /// Sends the tables of a batch, and begins the checks of backlogs.
    pub(crate) async fn send_tables(&self, bus: Option<&Connection>, changes: ChangesBySession) {
        let (notices, to_check) = self.sessions.lock().finish_tables(changes);
        for session in to_check {
            self.check_backlog(bus, session);
        }
        self.send(bus, notices).await;
    }

    /// Sends notices: as signals, or, where there is no bus, to the sessions of this process.
    async fn send(&self, bus: Option<&Connection>, notices: Vec<Notice>) {
        match bus {
            Some(_) => signals::send(&self.admission, notices).await,
            None => self.queues.add(notices),
        }
    }

    /// Ends all sessions, because the service stops.
    pub(crate) async fn end_all(&self) {
        let notices = self.sessions.lock().end();
        signals::send(&self.admission, notices).await;
    }

    /// Ends the sessions whose permit the settings no longer grant.
    pub(crate) async fn end_unpermitted(&self) {
        let is_over = |session: &Session| !self.access.is_permitted(session.permit.as_ref());
        let notices = self.sessions.lock().end_where("denied", is_over);
        if !notices.is_empty() {
            self.sessions.notify_changed();
            signals::send(&self.admission, notices).await;
        }
    }

    /// Ends the streams whose readers have closed their pipes.
    pub(crate) async fn end_closed_streams(&self) {
        let notices = self.sessions.lock().end_closed_streams();
        if !notices.is_empty() {
            self.admission.record_activity();
            self.sessions.notify_changed();
            signals::send(&self.admission, notices).await;
        }
    }

    /// Asks the bus, in a task of its own, whether the receivers of a session read its frames. Where there is no bus, its
    /// queue tells.
    fn check_backlog(&self, bus: Option<&Connection>, id: u32) {
        let mut sessions = self.sessions.lock();
        let Some(session) = sessions.session(id) else {
            return;
        };
        let Some(bus) = bus else {
            let unread = Unread::Bytes(self.queues.bytes(id));
            // A session of frames has no notices that wait for the result.
            sessions.finish_check(id, unread);
            return;
        };
        let (all, bus, owner) = (self.sessions.clone(), bus.clone(), session.owner.clone());
        let (detached, admission) = (session.detached, self.admission.clone());
        let check = tokio::spawn(async move {
            if detached {
                let readers = unread::readers(&bus).await;
                if let Some(session) = all.lock().session(id) {
                    session.set_readers(readers);
                }
                return;
            }
            let held = unread::of_client(&bus, &owner).await;
            let notices = all.lock().finish_check(id, held);
            signals::send(&admission, notices).await;
        });
        session.backlog.begin_check(check.abort_handle());
    }
}
