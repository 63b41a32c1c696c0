//! The table of processes: one for all clients, read on threads of the blocking pool.

mod batch;
mod changes;
pub(crate) mod columns;
pub(crate) mod end;
pub(crate) mod query;
mod session;
pub(crate) mod take;
mod worker;

pub(crate) use batch::{Batches, Made};
pub(crate) use changes::Changes;
pub(crate) use session::{Subject, Wanted};
pub(crate) use worker::Worker;
