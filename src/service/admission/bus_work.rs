//! Work of admission that needs the bus.

use std::collections::VecDeque;

use super::refusal::Refusal;
use crate::service::client::Name;

/// Work for the task that uses the bus.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct BusWork {
    pub(super) refusals: VecDeque<Refusal>,
    /// The clients whose unread bytes are to be queried, and whether each has answered a ping before.
    pub(super) unread_queries: Vec<(Name, bool)>,
    /// Clients to watch (`true`) or no longer to watch (`false`), in the order of these decisions.
    pub(super) watch: Vec<(Name, bool)>,
    /// Whether free memory is to be returned to the kernel once the traffic is over.
    pub(super) trim_memory: bool,
}

impl BusWork {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
