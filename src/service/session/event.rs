//! The events of a session, and the notices that carry them.

use std::sync::Arc;

use super::{threshold::Direction, told::Differences};
use crate::service::{client::Name, processes::Changes};

/// An event for the receivers of a session.
#[derive(Debug)]
pub(crate) struct Notice {
    pub(crate) session: u32,
    /// The destination; `None` broadcasts (detached session).
    pub(crate) client: Option<Name>,
    pub(crate) kind: SessionKind,
    pub(crate) event: Event,
}

/// The interface that a session belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SessionKind {
    Metrics,
    Processes,
}

#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A frame: its timestamp, and a value for each column; NaN stands for a fault or a text.
    Sampled(u64, Arc<[f64]>),
    /// The differences of columns, texts and faults, sent before the frame that shows them.
    Changed(Arc<Differences>),
    /// The changes of a table of processes.
    Processes(Arc<Changes>),
    /// A metric of a watch has crossed its threshold.
    Crossed(Crossing),
    /// The end of the session, and its reason.
    Ended(&'static str),
}

/// A metric of a watch has crossed its threshold, or returned.
#[derive(Clone, Debug)]
pub(crate) struct Crossing {
    /// The time of the reading, in microseconds since the Unix epoch.
    pub(crate) timestamp: u64,
    pub(crate) id: Arc<str>,
    pub(crate) value: f64,
    pub(crate) direction: Direction,
    /// Orders the crossings of a watch. Timestamps do not: the clock may be set back.
    pub(super) number: u64,
}
