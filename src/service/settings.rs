//! The settings of the service.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    caller::{Grants, GrantsByApp},
    history::HistorySettings,
    limits::Limits,
};
use crate::sources;

/// The name of the process table in [`Settings::sources_off`].
pub const PROCESS_TABLE: &str = "process-table";

/// The name under which `Sources` lists the configuration while it has an error.
pub const CONFIGURATION: &str = "config.toml";

/// The settings of the service, given at its start and replaced while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The idle time after which the service exits; `None` means never.
    pub idle_timeout: Option<Duration>,
    /// The limits of calls and clients.
    pub limits: Limits,
    /// The limits of the history, and the metrics that are always kept.
    pub history: HistorySettings,
    /// The names of sources that are switched off; [`PROCESS_TABLE`] switches off the interface of processes.
    pub sources_off: Vec<String>,
    /// The grants of programs in sandboxes by app id.
    pub sandbox: BTreeMap<String, Grants>,
    /// The options of the sources, which take effect when the service starts.
    pub sources: sources::SourceOptions,
    /// The file with the settings, which `Reload` has read again; `None` if the program has none.
    pub configuration: Option<ConfigurationFile>,
    /// The error in the configuration, which `Sources` lists as [`CONFIGURATION`]; empty if there is none.
    pub configuration_error: String,
}

/// The file with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationFile {
    /// Its path.
    pub path: PathBuf,
    /// Whether it exists. Otherwise the settings are the defaults.
    pub is_found: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // systemd's default limit is five starts in ten seconds: the timeout is longer.
            idle_timeout: Some(Duration::from_secs(30)),
            limits: Limits::default(),
            history: HistorySettings::default(),
            sources_off: Vec::new(),
            sandbox: BTreeMap::new(),
            sources: sources::SourceOptions::default(),
            configuration: None,
            configuration_error: String::new(),
        }
    }
}

/// The current settings.
pub(crate) struct CurrentSettings(Mutex<Settings>);

impl CurrentSettings {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Mutex::new(settings))
    }

    pub(crate) fn get(&self) -> Settings {
        self.lock().clone()
    }

    /// Replaces the settings.
    pub(crate) fn replace(&self, settings: Settings) {
        *self.lock() = settings;
    }

    /// Sets the error in the configuration. The other settings stay as they are.
    pub(crate) fn set_configuration_error(&self, error: String) {
        self.lock().configuration_error = error;
    }

    /// The current limits.
    pub(crate) fn limits(&self) -> Limits {
        self.lock().limits
    }

    /// Calls `look` with the settings of the history.
    pub(crate) fn with_history<T>(&self, look: impl FnOnce(&HistorySettings) -> T) -> T {
        look(&self.lock().history)
    }

    /// Calls `look` with the grants of programs in sandboxes.
    pub(crate) fn with_granted<T>(&self, look: impl FnOnce(&GrantsByApp) -> T) -> T {
        look(&self.lock().sandbox)
    }

    /// Whether the process table is switched on.
    pub(crate) fn has_process_table(&self) -> bool {
        let settings = self.lock();
        let mut off = settings.sources_off.iter();
        !off.any(|name| name == PROCESS_TABLE)
    }

    fn lock(&self) -> MutexGuard<'_, Settings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
