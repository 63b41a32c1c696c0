//! The processes of a machine: a table of them, sums over those that belong together, and their end.
//!
//! A [`Table`] takes passes over `/proc`: in each, `/proc/PID/stat` of every process is read, once for
//! all who ask, how many processes there are among them. Whatever else a [`Query`] asks for is read of the processes that it is about, and of no
//! other. A rate is made of two passes; the caller says which.
//!
//! Everything here blocks: a pass takes a few microseconds for each process.

mod cgroup;
mod counts;
mod desk;
mod details;
mod end;
mod facts;
mod field;
mod group;
mod lane;
mod listing;
mod pass;
mod pid_stat;
mod query;
mod scan;
mod shared;
mod sort;
mod table;
mod ticks;
mod view;

pub use crate::source::Error;
pub(crate) use counts::counts;
pub use end::{EndError, end, is_child};
pub use field::{Field, UnknownField};
pub use group::{Group, Sum, Sums, Total};
pub use pass::Pass;
pub use query::{Condition, Order, Query, QueryError};
#[cfg(feature = "service")]
pub(crate) use shared::Done;
pub(crate) use shared::SharedTable;
pub use table::{Row, Rows, Table};

#[cfg(test)]
mod tests;
