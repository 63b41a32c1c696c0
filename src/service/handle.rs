//! Reaching the service while it runs.

use std::sync::Arc;

use super::{settings::Settings, state::State};

/// A way to reach a service that runs.
#[derive(Clone)]
pub struct Handle {
    state: Arc<State>,
}

impl Handle {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self { state }
    }

    /// Takes new settings. Returns those names of sources to be off that no source has.
    pub fn settle(&self, settings: Settings) -> Vec<String> {
        self.state.settle(settings)
    }

    /// Takes a mistake in the configuration. The settings stay as they are.
    pub fn report(&self, mistake: String) {
        self.state.settings.set_configuration_error(mistake);
    }

    /// How many calls are not answered yet.
    pub fn unanswered(&self) -> usize {
        self.state.admission.unanswered()
    }
}
