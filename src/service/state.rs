//! The parts of the service, and how they are connected.

use std::sync::{Arc, Weak};

use super::{
    access::Access,
    admission::Admission,
    caller::Callers,
    catalog::Catalog,
    client::watch::Watches,
    control::Control,
    error::Error,
    frames::Frames,
    keeping::Keeping,
    past::PastReadings,
    peer::Peer,
    processes::AsyncTable,
    queues::Queues,
    reload_calls::ReloadCalls,
    sampling::Sampling,
    session::SharedSessions,
    settings::{CurrentSettings, PROCESS_TABLE, Settings},
    shutdown::Shutdown,
};
use crate::{
    process::SharedTable,
    source::{DeviceLists, Roots, pool::Pool},
    sources,
    store::Store,
};

/// The parts of the service that outlive a call.
pub(crate) struct ServiceState {
    pub(crate) store: Arc<Store>,
    pub(crate) processes: Arc<AsyncTable>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) callers: Arc<Callers>,
    pub(crate) access: Arc<Access>,
    pub(crate) peer: Peer,
    pub(crate) watches: Arc<Watches>,
    pub(crate) settings: Arc<CurrentSettings>,
    pub(crate) sessions: Arc<SharedSessions>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) sampling: Sampling,
    pub(crate) past: Arc<PastReadings>,
    pub(crate) keeping: Keeping,
    pub(crate) control: Control,
    pub(crate) frames: Frames,
    pub(crate) shutdown: Arc<Shutdown>,
    pub(crate) reloads: ReloadCalls,
}

impl ServiceState {
    /// The parts that read the files below these roots. Opens no file before a call needs it.
    pub(crate) fn new(roots: &Roots, settings: Settings) -> Arc<Self> {
        let pool = Pool::new();
        let table = SharedTable::new(roots, &pool);
        let sources = sources::all_on(&pool, &table, roots, &settings.sources);
        let store = Store::new(sources).with_listings(DeviceLists::new(roots));
        let processes = AsyncTable::new(table);
        Arc::new_cyclic(|state| Self::connect(state.clone(), store, processes, settings))
    }

    /// Connects the parts. The watches call back into `state` when a client has left.
    fn connect(state: Weak<Self>, store: Store, processes: AsyncTable, settings: Settings) -> Self {
        store.switch_off(&settings.sources_off);
        let (store, processes) = (Arc::new(store), Arc::new(processes));
        let admission = Arc::new(Admission::new(settings.limits));
        let callers = Arc::new(Callers::new(processes.pool()));
        let settings = Arc::new(CurrentSettings::new(settings));
        let access = Arc::new(Access::new(callers.clone(), settings.clone()));
        let sessions = Arc::new(SharedSessions::new());
        let queues = Arc::<Queues>::default();
        let shutdown = Arc::new(Shutdown::new());
        let watches = Arc::new(Watches::new(move |client| {
            if let Some(state) = state.upgrade() {
                state.forget(client);
            }
        }));
        let catalog = Arc::new(Catalog::new(
            store.clone(),
            callers.clone(),
            access.clone(),
            settings.clone(),
            sessions.clone(),
            admission.clone(),
        ));
        let past = PastReadings::new(
            store.clone(),
            catalog.clone(),
            sessions.clone(),
            settings.clone(),
        );
        let past = Arc::new(past);
        sessions.lock().history.configure(settings.get().history);
        Self {
            past: past.clone(),
            keeping: Keeping::new(catalog.clone(), sessions.clone(), settings.clone()),
            peer: Peer::default(),
            sampling: Sampling::new(store.clone(), catalog.clone(), settings.clone()),
            control: Control {
                admission: admission.clone(),
                access: access.clone(),
                catalog: catalog.clone(),
                watches: watches.clone(),
                sessions: sessions.clone(),
                past,
                settings: settings.clone(),
                shutdown: shutdown.clone(),
            },
            frames: Frames {
                store: store.clone(),
                admission: admission.clone(),
                processes: processes.clone(),
                sessions: sessions.clone(),
                queues: queues.clone(),
                catalog: catalog.clone(),
                access: access.clone(),
                settings: settings.clone(),
            },
            store,
            processes,
            admission,
            callers,
            access,
            watches,
            settings,
            sessions,
            queues,
            catalog,
            shutdown,
            reloads: ReloadCalls::default(),
        }
    }

    /// The table of processes.
    ///
    /// # Errors
    /// `AccessDenied` if the settings switch it off.
    pub(crate) fn process_table(&self) -> Result<&AsyncTable, Error> {
        if self.settings.has_process_table() {
            return Ok(&self.processes);
        }
        let message = format!("the configuration has {PROCESS_TABLE} switched off (sources.off)");
        Err(Error::access_denied(message))
    }

    /// Applies new settings, and has the user's definitions read again. Returns the names in `sources_off` that no source
    /// has. New limits end no running session; a withdrawn grant does.
    pub(crate) fn apply(&self, settings: Settings) -> Vec<String> {
        let mut unknown = self.store.switch_off(&settings.sources_off);
        unknown.retain(|name| name != PROCESS_TABLE);
        self.admission.set_limits(settings.limits);
        let history = settings.history.clone();
        self.sessions.lock().history.configure(history);
        self.settings.replace(settings);
        self.store.read_definitions_again();
        self.sessions.notify_changed();
        unknown
    }

    /// Ends the sessions of a client that has left the bus, and forgets the client.
    fn forget(&self, client: &str) {
        self.sessions.lock().forget(client);
        self.admission.forget(client);
        self.callers.forget(client);
        self.admission.record_activity();
        self.sessions.notify_changed();
    }
}
