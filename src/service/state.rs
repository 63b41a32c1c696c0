//! What the calls share: the store, the sessions, and the wish to leave.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use tokio::{sync::Notify, task::yield_now, time::Instant};
use zbus::{Connection, Type, object_server::ResponseDispatchNotifier};

use crate::{
    reading::Stamp,
    sample::{self, Sample},
    store::{Changes, Resolution, Selection, SourceState, Store, View},
    wire::{Catalog, Faults, Ids, Readings},
};

use super::{
    admission::Admission,
    caller::{Callers, Permit, Tellers},
    client::{
        unread,
        watch::{Watch, Watches},
    },
    error::Error,
    hurry::Hurry,
    limits::Limits,
    options::StartOptions,
    peer::Peer,
    processes::{Batches, Made, Worker},
    selectors,
    session::{Metrics, Session, Sessions, Subject},
    settings::{CONFIGURATION, PROCESS_TABLE, Settings},
    signals,
    turn::Turn,
};

/// What a session takes, about, where it is its owner's only one: most of it is for the watch of the owner.
const SESSION_BYTES: usize = 32 * 1024;

/// A call that has taken longer has waited for something.
const SHORT: Duration = Duration::from_millis(5);

/// A session that is asked for.
pub(crate) struct Wish {
    pub(crate) interval: Duration,
    pub(crate) options: StartOptions,
    pub(crate) subject: Subject,
    pub(crate) permit: Option<Permit>,
}

/// Everything of the service that outlives one call.
pub(crate) struct State {
    pub(crate) store: Store,
    processes: Worker,
    pub(crate) admission: Arc<Admission>,
    pub(super) callers: Arc<Callers>,
    pub(super) tellers: Tellers,
    pub(super) peer: Peer,
    pub(super) watches: Arc<Watches>,
    sessions: Mutex<Sessions>,
    /// The earliest due moment, or whether there is a session at all, may have changed.
    pub(crate) rearranged: Notify,
    pub(super) settings: Mutex<Settings>,
    /// Whether the service is needed may have another answer now.
    pub(crate) reconsider: Notify,
    /// Held by the list of selectors that is being resolved in steps.
    long_lists: tokio::sync::Mutex<()>,
    /// Held by the call that has waited and is being answered.
    waited: Arc<tokio::sync::Mutex<()>>,
    stopping: AtomicBool,
    pub(crate) hurry: Hurry,
    pub(crate) quit: Notify,
}

impl State {
    pub(crate) fn new(store: Store, processes: Worker, settings: Settings) -> Arc<Self> {
        Arc::new_cyclic(|state| Self::with_watches(state.clone(), store, processes, settings))
    }

    fn with_watches(
        state: Weak<Self>,
        store: Store,
        processes: Worker,
        settings: Settings,
    ) -> Self {
        let left = move |client: &str| {
            if let Some(state) = state.upgrade() {
                state.forget(client);
            }
        };
        store.switch_off(&settings.sources_off);
        let admission = Arc::new(Admission::new(settings.limits));
        let callers = Arc::new(Callers::new(processes.pool()));
        Self {
            store,
            processes,
            admission,
            callers,
            tellers: Tellers::default(),
            peer: Peer::default(),
            watches: Arc::new(Watches::new(left)),
            sessions: Mutex::default(),
            rearranged: Notify::new(),
            settings: Mutex::new(settings),
            reconsider: Notify::new(),
            long_lists: tokio::sync::Mutex::default(),
            waited: Arc::default(),
            stopping: AtomicBool::new(false),
            hurry: Hurry::new(),
            quit: Notify::new(),
        }
    }

    pub(crate) async fn list(
        &self,
        bus: &Connection,
        client: Option<&str>,
        selectors: &[&str],
    ) -> Result<Catalog, Error> {
        let selectors = &selectors::distinct(selectors, &self.limits())?;
        let changes = self.store.look_for(selectors).await;
        self.announce(bus, changes).await;
        if let Some(client) = client {
            self.callers.listens(bus, client).await;
        }
        let (selection, _) = self.select(bus, client, selectors, false).await?;
        let columns = selection.columns.iter();
        let entries = columns.map(|column| (column.metric.clone(), column.source.clone()));
        Ok(Catalog(entries.collect()))
    }

    pub(crate) async fn sample(
        &self,
        bus: &Connection,
        client: Option<&str>,
        selectors: &[&str],
        options: sample::Options,
    ) -> Result<(u64, Readings, Turn<Faults>), Error> {
        let selectors = &selectors::distinct(selectors, &self.limits())?;
        // What its user has just defined anew is to be read as it is defined now.
        let changes = self.store.look_at_definitions(false).await;
        self.announce(bus, changes).await;
        let (selection, _) = self.select(bus, client, selectors, false).await?;
        let begin = Instant::now();
        let sample = Sample::take(&self.store, &selection, options).await;
        // Those that have waited for the same window are all ready at once: one after the other is
        // answered, and in between others are.
        let turn = match begin.elapsed() < SHORT {
            true => None,
            false => Some(self.waited.clone().lock_owned().await),
        };
        let mut readings = Vec::with_capacity(selection.columns.len());
        let mut faults = Vec::new();
        for (column, reading) in sample.readings(&selection) {
            let id = column.metric.id.clone();
            match reading {
                Ok(value) => readings.push((id, value)),
                Err(fault) => faults.push((id, fault)),
            }
        }
        self.announce(bus, self.store.look_where_readings_differ())
            .await;
        let faults = Turn::new(Faults(faults), turn);
        Ok((sample.timestamp(), Readings(readings), faults))
    }

    /// Finds out what selectors mean, with turns for others in between. Of the lists that take long, one at
    /// a time has these turns: many would leave none to others.
    async fn resolve(
        &self,
        client: Option<&str>,
        selectors: &[&str],
        view: View,
    ) -> Result<Arc<Selection>, Error> {
        let mut resolution = Resolution::in_view(selectors, view);
        loop {
            if let Some(selection) = self.store.resolve_some(&mut resolution)? {
                return Ok(selection);
            }
            if !resolution.is_awaited() {
                break;
            }
            self.store.prepare_resolution().await;
        }
        let _turn = self.long_lists.lock().await;
        loop {
            if let Some(selection) = self.store.resolve_some(&mut resolution)? {
                return Ok(selection);
            }
            match resolution.is_awaited() {
                true => self.store.prepare_resolution().await,
                false => yield_now().await,
            }
            if client.is_some_and(|client| !self.admission.knows(client)) {
                return Err(Error::failed("the client has left the bus".to_owned()));
            }
        }
    }

    /// The same, and what is not known may have come since somebody has asked.
    pub(super) async fn find(
        &self,
        bus: &Connection,
        client: Option<&str>,
        selectors: &[&str],
        view: View,
    ) -> Result<Arc<Selection>, Error> {
        match self.resolve(client, selectors, view).await {
            Ok(selection) => Ok(selection),
            Err(_) => {
                let changes = self.store.look_closely_for(selectors).await;
                self.announce(bus, changes).await;
                self.resolve(client, selectors, view).await
            }
        }
    }

    /// Adds a session of metrics that waits for [`reply`](Self::reply).
    pub(crate) async fn start(
        &self,
        bus: &Connection,
        caller: &str,
        selectors: &[&str],
        interval: Duration,
        options: StartOptions,
    ) -> Result<(u32, Ids), Error> {
        let selectors = &selectors::distinct(selectors, &self.limits())?;
        let changes = self.store.look_for(selectors).await;
        self.announce(bus, changes).await;
        self.callers.listens(bus, caller).await;
        let (selection, permit) = self.select(bus, Some(caller), selectors, true).await?;
        let ids = selection
            .columns
            .iter()
            .map(|column| column.metric.id.clone());
        let ids = Ids(ids.collect());
        let subject = Subject::Metrics(Metrics::new(selectors, selection));
        let session = Wish {
            interval,
            options,
            subject,
            permit,
        };
        Ok((self.add(bus, caller, session).await?, ids))
    }

    /// Adds a session that waits for [`reply`](Self::reply).
    pub(crate) async fn add(
        &self,
        bus: &Connection,
        caller: &str,
        wish: Wish,
    ) -> Result<u32, Error> {
        let owner: Arc<str> = caller.into();
        let Wish {
            interval,
            options,
            subject,
            permit,
        } = wish;
        let watch = if options.detached {
            self.caller(bus, caller)
                .await
                .check_is_host("a detached session")?;
            None
        } else {
            let watch = self.watch(bus, &owner).await;
            Some(watch.ok_or_else(|| Error::client_has_left(&owner))?)
        };
        // The service may have made up its mind to leave while the bus was asked.
        if self.stopping.load(Ordering::Relaxed) {
            return Err(Error::stopping());
        }
        // So may what was granted have been withdrawn.
        if !self.is_permitted(permit.as_ref()) {
            let what = "what the session needs is not granted any more";
            return Err(Error::access_denied(what.to_owned()));
        }
        let mut session = Session::new(owner, options.label, interval, subject, watch);
        session.permit = permit;
        let limits = self.limits();
        // So much a session takes, about, for as long as it runs.
        self.admission.count(SESSION_BYTES);
        self.lock().add(session, limits)
    }

    /// The reply to `Start`. Once it is on its way, and not before, the frames of the session follow.
    pub(crate) fn reply<T>(
        self: &Arc<Self>,
        session: u32,
        columns: T,
    ) -> Result<(u32, ResponseDispatchNotifier<T>), Error>
    where
        T: Serialize + Type,
    {
        let (columns, replied) = ResponseDispatchNotifier::new(columns);
        let state = self.clone();
        tokio::spawn(async move {
            replied.await;
            state.lock().begin(session);
            state.rearranged.notify_one();
        });
        Ok((session, columns))
    }

    pub(crate) async fn stop(
        &self,
        bus: &Connection,
        caller: &str,
        session: u32,
    ) -> Result<(), Error> {
        if self.lock().is_of_another(session, caller) {
            let caller = self.caller(bus, caller).await;
            caller.check_is_host(&format!(
                "Stop of session {session}, which is another client's"
            ))?;
        }
        let notices = self.lock().stop(session, caller)?;
        self.rearrange();
        signals::send(bus, notices).await;
        Ok(())
    }

    pub(crate) fn sessions<K, V, T: FromIterator<(K, V)>>(
        &self,
        facts: impl Fn(u32, &Session) -> (K, V),
    ) -> T {
        let sessions = self.lock();
        sessions
            .iter()
            .map(|(id, session)| facts(id, session))
            .collect()
    }

    pub(crate) async fn quit(&self, bus: &Connection, caller: &str) -> Result<(), Error> {
        self.caller(bus, caller).await.check_is_host("Quit")?;
        match self.lock().of_others(caller) {
            0 => {
                self.quit.notify_one();
                Ok(())
            }
            others => Err(Error::busy(others)),
        }
    }

    pub(crate) fn has_sessions(&self) -> bool {
        !self.lock().is_empty()
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.lock().next_due()
    }

    /// Tells everybody which metrics have come and gone, and lets sessions have the new ones.
    pub(crate) async fn announce(&self, bus: &Connection, changes: Changes) {
        if changes.is_empty() {
            return;
        }
        let limits = self.limits();
        self.lock().reselect(&self.store, limits);
        let (changes, defined) = changes.divided();
        if !changes.is_empty() {
            signals::announce(bus, None, &changes).await;
        }
        if !defined.is_empty() {
            self.tell_of_defined(bus, defined);
        }
    }

    /// Takes the frames that are due, sends them, and looks after those who do not take theirs.
    pub(crate) async fn tick(self: &Arc<Self>, bus: &Connection) {
        let now = Stamp::now().monotonic;
        let due = self.lock().due(now);
        let due: Vec<_> = due.iter().map(|selection| &**selection).collect();
        self.store.prepare_frames(&due, now).await;
        let (notices, doubtful) = self.lock().tick(&self.store, now);
        if !self.has_sessions() {
            self.rearrange();
        }
        for session in doubtful {
            self.check_backlog(bus, session);
        }
        signals::send(bus, notices).await;
        // What a reading has shown to be new is there from the next frame on.
        self.announce(bus, self.store.look_where_readings_differ())
            .await;
        let missing = self.lock().missing(now);
        if !missing.is_empty() {
            let missing: Vec<_> = missing.iter().map(|id| &**id).collect();
            let changes = self.store.look_for(&missing).await;
            self.announce(bus, changes).await;
        }
    }

    /// Keeps the table of processes while there is a session of it, and has it read for those that are
    /// due, unless it is being read.
    pub(crate) fn want(&self, batches: &mut Batches) {
        let mut sessions = self.lock();
        self.processes.hold(sessions.has_processes());
        if batches.is_idle() {
            let wanted = sessions.wanted();
            if !wanted.is_empty() && self.has_process_table() {
                batches.begin(&self.processes, wanted);
            }
        }
    }

    /// Sends the tables that were made, and looks after those who do not take theirs.
    pub(crate) async fn tell(self: &Arc<Self>, bus: &Connection, made: Made) {
        let (notices, doubtful) = self.lock().tell(made);
        for session in doubtful {
            self.check_backlog(bus, session);
        }
        signals::send(bus, notices).await;
    }

    /// What is read, and what that costs: the sources of the metrics, and the table of processes.
    pub(crate) async fn sources(&self, bus: &Connection, client: &str) -> Vec<SourceState> {
        let changes = self.store.look_at_definitions(true).await;
        self.announce(bus, changes).await;
        let mut sources = self.store.sources();
        let facts = self.processes.facts();
        let state = match (facts.passes, facts.error.is_empty()) {
            _ if !self.has_process_table() => "off",
            (_, false) => "failing",
            (0, true) => "unused",
            (_, true) => "ok",
        };
        sources.push(SourceState {
            name: PROCESS_TABLE.into(),
            state,
            metrics: 0,
            reads: facts.passes,
            cost: facts.cost,
            error: facts.error,
            is_defined: false,
        });
        let mistake = self.settings().configuration_error;
        if !mistake.is_empty() {
            sources.push(SourceState {
                name: CONFIGURATION.into(),
                state: "failing",
                metrics: 0,
                reads: 0,
                cost: Duration::ZERO,
                error: mistake,
                is_defined: true,
            });
        }
        if sources.iter().any(|source| source.is_defined) && !self.shows_defined(bus, client).await
        {
            sources.retain(|source| !source.is_defined);
        }
        sources
    }

    /// Who reads the table of processes.
    ///
    /// # Errors
    /// `AccessDenied`, when it is switched off.
    pub(crate) fn process_table(&self) -> Result<&Worker, Error> {
        if self.has_process_table() {
            return Ok(&self.processes);
        }
        let what = format!("the configuration has {PROCESS_TABLE} switched off (sources.off)");
        Err(Error::access_denied(what))
    }

    fn has_process_table(&self) -> bool {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        !settings
            .sources_off
            .iter()
            .any(|name| name == PROCESS_TABLE)
    }

    /// No session may be added any more; those that run end.
    pub(crate) async fn end(&self, bus: &Connection) {
        let notices = self.lock().end();
        signals::send(bus, notices).await;
    }

    /// From now on `Start` fails with `Stopping`.
    pub(crate) fn close(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// What a call, a client and all clients may ask for.
    pub(crate) fn limits(&self) -> Limits {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        settings.limits
    }

    pub(crate) fn settings(&self) -> Settings {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        settings.clone()
    }

    /// Takes a mistake in the configuration.
    pub(crate) fn report(&self, mistake: String) {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        settings.configuration_error = mistake;
    }

    /// Takes new settings. Sessions that run keep what they have.
    pub(crate) fn settle(&self, settings: Settings) -> Vec<String> {
        let mut unknown = self.store.switch_off(&settings.sources_off);
        unknown.retain(|name| name != PROCESS_TABLE);
        self.admission.settle(settings.limits);
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
        self.rearrange();
        unknown
    }

    /// Sessions have come or gone, or what they may have.
    pub(super) fn rearrange(&self) {
        self.rearranged.notify_one();
        self.reconsider.notify_one();
    }

    async fn watch(&self, bus: &Connection, client: &Arc<str>) -> Option<Arc<Watch>> {
        // A bus that does not answer is a bus that has gone, and the service goes with it.
        self.watches.watch(bus, client).await.ok().flatten()
    }

    /// This client has left the bus.
    fn forget(&self, client: &str) {
        self.lock().forget(client);
        self.admission.forget(client);
        self.callers.forget(client);
        self.admission.touch();
        self.rearrange();
    }

    /// Asks the bus, beside the ticks, whether those who receive a session's frames take them.
    fn check_backlog(self: &Arc<Self>, bus: &Connection, id: u32) {
        let mut sessions = self.lock();
        let Some(session) = sessions.session(id) else {
            return;
        };
        let (state, bus, owner) = (self.clone(), bus.clone(), session.owner.clone());
        let detached = session.detached;
        let check = tokio::spawn(async move {
            if detached {
                let readers = unread::who_reads(&bus).await;
                if let Some(session) = state.lock().session(id) {
                    session.learn(readers);
                }
                return;
            }
            let held = unread::held(&bus, &owner).await;
            if let Some(session) = state.lock().session(id) {
                session.backlog.answer(held);
            }
        });
        session.backlog.asked(check.abort_handle());
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
