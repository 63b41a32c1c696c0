//! `Sources`: the states of the sources and their costs.

use std::time::Duration;

use zbus::Connection;

use super::{
    caller::Grant,
    settings::{CONFIGURATION, PROCESS_TABLE},
    state::ServiceState,
};
use crate::store::SourceState;

/// The states of the sources, of the table of processes, and of a configuration with an error. A client on the bus sees
/// those that it may know of.
pub(crate) async fn list(
    state: &ServiceState,
    client: Option<(&Connection, &str)>,
) -> Vec<SourceState> {
    let changes = state.store.rediscover_definitions(true).await;
    let bus = client.map(|(bus, _)| bus);
    state.catalog.announce(bus, changes).await;
    let mut sources = state.store.sources();
    let stats = state.processes.stats();
    let table = match (stats.passes, stats.error.is_empty()) {
        _ if !state.settings.has_process_table() => "off",
        (_, false) => "failing",
        (0, true) => "unused",
        (_, true) => "ok",
    };
    sources.push(SourceState {
        name: PROCESS_TABLE.into(),
        state: table,
        metrics: 0,
        reads: stats.passes,
        cost: stats.cost,
        error: stats.error,
        is_custom: false,
        path: None,
    });
    let diagnostic = state.settings.get().configuration_error;
    if !diagnostic.is_empty() {
        sources.push(SourceState {
            name: CONFIGURATION.into(),
            state: "failing",
            metrics: 0,
            reads: 0,
            cost: Duration::ZERO,
            error: diagnostic,
            is_custom: true,
            path: None,
        });
    }
    if let Some((bus, client)) = client
        && sources.iter().any(|source| source.is_custom)
        && !state.access.caller(bus, client).await.may(Grant::Custom)
    {
        sources.retain(|source| !source.is_custom);
    }
    sources
}
