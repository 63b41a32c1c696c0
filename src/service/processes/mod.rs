//! The table of processes: shared by all clients, and read on threads of the blocking pool.

mod async_table;
mod batch;
mod changes;
pub(crate) mod columns;
pub(crate) mod end;
pub(crate) mod query;
pub(crate) mod snapshot;
mod subject;

pub(crate) use async_table::AsyncTable;
pub(crate) use batch::{Batches, ChangesBySession};
pub(crate) use changes::Changes;
pub(crate) use subject::{TableRequest, TableSubject};
