//! The processes of a machine: their table, sums over groups of them, and signals that end them.
//!
//! A [`Table`] takes passes over `/proc`. A pass reads `/proc/PID/stat` of every process, once for all queries. The
//! other files that a [`Query`] needs are read only of the processes that it selects. A rate is made of two passes; the
//! caller says which.
//!
//! Everything here blocks: a pass takes a few microseconds for each process.

mod application;
mod attributes;
mod cache;
mod cgroup;
mod clock_ticks;
mod condition;
mod counts;
mod details;
mod end;
mod field;
mod field_reader;
mod files;
mod group;
mod listing;
mod pass;
mod pid_stat;
mod query;
mod query_error;
mod scan;
mod shared_table;
mod sort;
mod stat_reader;
mod table;
mod task_runner;

pub use crate::source::Error;
pub use condition::Condition;
pub(crate) use counts::counts;
pub use end::{EndError, end, is_child};
pub use field::{Field, UnknownField};
pub use group::{Group, Sum, Sums, Total};
pub use pass::Pass;
pub use query::{Order, Query};
pub use query_error::QueryError;
#[cfg(feature = "service")]
pub(crate) use shared_table::Completed;
pub(crate) use shared_table::SharedTable;
pub use table::{Row, Rows, Table};

#[cfg(test)]
mod tests;
