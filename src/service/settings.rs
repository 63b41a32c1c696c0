//! What the service can be told.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    caller::{Grants, GrantsByApp},
    limits::Limits,
};
use crate::sources;

/// The name of the table of processes among the sources.
pub const PROCESS_TABLE: &str = "process-table";

/// The name of the configuration among the sources, as long as something is wrong with it.
pub const CONFIGURATION: &str = "config.toml";

/// What the service can be told, at its start and while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long it stays when nobody needs it; none is for ever.
    pub idle_timeout: Option<Duration>,
    /// How much one client may ask for.
    pub limits: Limits,
    /// The names of sources that are not to be read; [`PROCESS_TABLE`], for the other interface.
    pub sources_off: Vec<String>,
    /// What programs in sandboxes are granted, by their ids.
    pub sandbox: BTreeMap<String, Grants>,
    /// What the sources are told when the service starts.
    pub sources: sources::SourceOptions,
    /// What is wrong with the configuration that these are from, or should be from; empty if nothing is. `Sources`
    /// shows it as [`CONFIGURATION`].
    pub configuration_error: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // Five activations in ten seconds trip systemd's default limit: the linger is longer.
            idle_timeout: Some(Duration::from_secs(30)),
            limits: Limits::default(),
            sources_off: Vec::new(),
            sandbox: BTreeMap::new(),
            sources: sources::SourceOptions::default(),
            configuration_error: String::new(),
        }
    }
}

/// The settings that hold now.
pub(crate) struct CurrentSettings(Mutex<Settings>);

impl CurrentSettings {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Mutex::new(settings))
    }

    pub(crate) fn get(&self) -> Settings {
        self.lock().clone()
    }

    /// Takes new settings.
    pub(crate) fn replace(&self, settings: Settings) {
        *self.lock() = settings;
    }

    /// Takes a mistake in the configuration. The rest stays as it is.
    pub(crate) fn set_configuration_error(&self, mistake: String) {
        self.lock().configuration_error = mistake;
    }

    /// What a call, a client and all clients may ask for.
    pub(crate) fn limits(&self) -> Limits {
        self.lock().limits
    }

    /// Has something looked up in what programs in sandboxes are granted.
    pub(crate) fn with_granted<T>(&self, look: impl FnOnce(&GrantsByApp) -> T) -> T {
        look(&self.lock().sandbox)
    }

    /// Whether the table of processes is not switched off.
    pub(crate) fn has_process_table(&self) -> bool {
        let settings = self.lock();
        let mut off = settings.sources_off.iter();
        !off.any(|name| name == PROCESS_TABLE)
    }

    fn lock(&self) -> MutexGuard<'_, Settings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
