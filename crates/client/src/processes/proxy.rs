//! The proxy of the interface.

use std::collections::HashMap;

use zbus::{OwnedVariant, Variant, proxy};

use super::table::RowFaults;

/// `a{sv}`.
type VarDict = HashMap<String, OwnedVariant>;

/// A table: timestamp, names of the columns, columns, their faults, and details.
type Table = (u64, Vec<String>, Vec<OwnedVariant>, RowFaults, VarDict);

/// `io.github.sampled.Processes1`.
#[proxy(
    interface = "io.github.sampled.Processes1",
    default_service = "io.github.sampled.Sampler1",
    default_path = "/io/github/sampled/Sampler1"
)]
pub trait Processes1 {
    /// The fields of processes, by name.
    fn fields(&self) -> zbus::Result<HashMap<String, VarDict>>;

    /// Read the table once.
    fn snapshot(
        &self,
        fields: &[&str],
        options: &HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<Table>;

    /// Read sums over groups of processes once.
    fn sums(
        &self,
        by: &str,
        fields: &[&str],
        options: &HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<Table>;

    /// Start a session: its number and columns.
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

    /// A frame: session, timestamp, the pids of new, changed and removed rows, and the values of the new rows, then of
    /// the changed ones, by columns.
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

    /// A session is over: its number, the reason.
    #[zbus(signal)]
    fn ended(&self, session: u32, reason: String) -> zbus::Result<()>;
}
