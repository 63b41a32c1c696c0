//! The table of processes, over the bus: one for all clients, read on a thread of its own.

mod batch;
mod changes;
mod columns;
mod end;
mod interface;
mod query;
mod session;
mod take;
mod worker;

pub(crate) use batch::{Batches, Made};
pub(crate) use changes::Changes;
pub(crate) use interface::Processes;
pub(crate) use session::{Subject, Wanted};
pub(crate) use worker::Worker;
