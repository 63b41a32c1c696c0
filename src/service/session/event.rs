//! What a session is told.

use std::sync::Arc;

use crate::{
    reading::Fault,
    service::{client::Name, processes::Changes},
    store::Selection,
};

/// What a session is told.
#[derive(Debug)]
pub(crate) struct Notice {
    pub(crate) session: u32,
    /// The destination; a session that is detached broadcasts.
    pub(crate) client: Option<Name>,
    pub(crate) kind: SessionKind,
    pub(crate) event: Event,
}

/// What a session is of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SessionKind {
    Metrics,
    Processes,
}

#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A frame: its moment, and a value for each column, NaN where there is a fault or a text.
    Sampled(u64, Arc<[f64]>),
    /// Columns, texts and faults, all of them, because one has changed.
    Changed(
        Arc<Selection>,
        Vec<(Arc<str>, Arc<str>)>,
        Vec<(Arc<str>, Fault)>,
    ),
    /// What has changed in a table of processes.
    Processes(Arc<Changes>),
    /// The session is over, and why.
    Ended(&'static str),
}
