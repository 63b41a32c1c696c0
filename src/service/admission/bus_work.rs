//! What admission needs the bus for.

use std::collections::VecDeque;

use super::refusal::Refusal;
use crate::service::client::Name;

/// What takes a call to the bus.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct BusWork {
    pub(super) refusals: VecDeque<Refusal>,
    /// The clients of whom the bus is asked how much it holds for them, and whether they have answered a
    /// ping before.
    pub(super) unread_queries: Vec<(Name, bool)>,
    /// The clients that are watched from now on, or are not any more, in the order of these decisions.
    pub(super) watch: Vec<(Name, bool)>,
    /// Whether memory that a peak may have taken is given back when it is over.
    pub(super) trim_memory: bool,
}

impl BusWork {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
