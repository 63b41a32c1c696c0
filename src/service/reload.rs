//! `Reload`: has the configuration and the definitions read again, and tells the caller what was read.

use zbus::Connection;

use super::{error::Error, settings::ConfigurationFile, state::ServiceState};
use crate::{
    reading::Fault,
    source::{DefinitionsDirectory, DefinitionsSummary},
};

/// The reply to `Reload`.
pub(crate) struct Reloaded {
    /// `None` without a configuration.
    pub(crate) configuration: Option<ConfigurationFile>,
    /// The error, with which the settings stay as they were; empty if there is none.
    pub(crate) configuration_error: String,
    /// `None` without custom metrics, or if they are switched off.
    pub(crate) definitions: Option<DefinitionsDirectory>,
}

/// Reads the configuration and the definitions again, in this order.
///
/// # Errors
/// `AccessDenied` for a client in a sandbox.
pub(crate) async fn reload(
    state: &ServiceState,
    bus: &Connection,
    caller: &str,
) -> Result<Reloaded, Error> {
    let access = state.access.caller(bus, caller).await;
    access.check_is_host("Reload")?;
    let configuration_error = match state.settings.get().configuration {
        Some(_) => state.reloads.read_configuration().await,
        None => String::new(),
    };
    let definitions = state.store.read_all_definitions().await;
    let changes = state.store.rediscover_definitions(false).await;
    state.catalog.announce(Some(bus), changes).await;
    Ok(Reloaded {
        configuration: state.settings.get().configuration,
        configuration_error,
        definitions,
    })
}

/// The result of reading the definitions; an error if nothing was read.
pub(crate) fn summary(directory: DefinitionsDirectory) -> DefinitionsSummary {
    let why = match directory.read {
        Ok(summary) => return summary,
        Err(Fault::Timeout) => "it is not read yet, for its file system does not answer",
        Err(_) => "it was not read: the log of the service has the details",
    };
    DefinitionsSummary {
        errors: vec![format!("{}: {why}", directory.path.display())],
        ..DefinitionsSummary::default()
    }
}
