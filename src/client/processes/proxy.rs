//! The calls of the interface, as they are on the bus.

use std::collections::HashMap;

use zbus::{OwnedVariant, Variant, proxy};

use super::table::RowFaults;

type Facts = HashMap<String, OwnedVariant>;

/// A table: its moment, the names of its columns, the columns, their faults, and details.
type Table = (u64, Vec<String>, Vec<OwnedVariant>, RowFaults, Facts);

/// `io.github.sampled.Processes1`.
#[proxy(
    interface = "io.github.sampled.Processes1",
    default_service = "io.github.sampled.Sampler1",
    default_path = "/io/github/sampled/Sampler1"
)]
pub trait Processes1 {
    /// What can be asked of a process, by name.
    fn fields(&self) -> zbus::Result<HashMap<String, Facts>>;

    /// The table, now.
    fn snapshot(
        &self,
        fields: &[&str],
        options: &HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<Table>;

    /// Sums over the processes that belong together, now.
    fn sums(
        &self,
        by: &str,
        fields: &[&str],
        options: &HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<Table>;

    /// Begin to acquire: the session and its columns.
    fn start(
        &self,
        fields: &[&str],
        interval: u64,
        options: &HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<(u32, Vec<String>)>;

    /// End a session.
    fn stop(&self, session: u32) -> zbus::Result<()>;

    /// Send a signal to a process.
    fn end(&self, pid: u32, start_time: u64, signal: i32) -> zbus::Result<()>;

    /// A frame: session, timestamp, the pids of rows that came, changed and went, and the values of
    /// those that came, then of those that changed, by columns.
    #[zbus(signal)]
    fn changed(
        &self,
        session: u32,
        timestamp: u64,
        came: Vec<u32>,
        changed: Vec<u32>,
        gone: Vec<u32>,
        values: Vec<OwnedVariant>,
        faults: RowFaults,
    ) -> zbus::Result<()>;

    /// A session is over, and why.
    #[zbus(signal)]
    fn ended(&self, session: u32, reason: String) -> zbus::Result<()>;
}
