//! Access to the service while it runs.

use std::sync::Arc;

use super::{settings::Settings, state::ServiceState};

/// A handle to a running service.
#[derive(Clone)]
pub struct Handle {
    state: Arc<ServiceState>,
}

impl Handle {
    pub(super) fn new(state: Arc<ServiceState>) -> Self {
        Self { state }
    }

    /// Applies new settings. Returns the names in `sources_off` that no source has.
    pub fn apply(&self, settings: Settings) -> Vec<String> {
        self.state.apply(settings)
    }

    /// Has `Sources` show an error in the configuration. The settings stay as they are.
    pub fn report(&self, diagnostic: String) {
        self.state.settings.set_configuration_error(diagnostic);
    }

    /// Waits until a client calls `Reload`. A program with a [configuration](Settings::configuration) then reads it,
    /// [applies](Self::apply) it, and calls [`reloaded`](Self::reloaded).
    pub async fn reload_requested(&self) {
        self.state.reloads.requested().await;
    }

    /// Answers the calls of `Reload` that were [requested](Self::reload_requested) before the configuration was read: with
    /// its error, or an empty text.
    pub fn reloaded(&self, error: &str) {
        self.state.reloads.answer(error);
    }

    /// The number of calls without an answer.
    pub fn unanswered(&self) -> usize {
        self.state.admission.unanswered()
    }
}
