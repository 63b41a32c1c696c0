//! The proxy of the interface.

use std::collections::HashMap;

use zbus::{OwnedVariant, Variant, proxy};

/// `a{sv}`.
type VarDict = HashMap<String, OwnedVariant>;

/// `io.github.sampled.Sampler1`.
#[proxy(
    interface = "io.github.sampled.Sampler1",
    default_service = "io.github.sampled.Sampler1",
    default_path = "/io/github/sampled/Sampler1"
)]
pub trait Sampler1 {
    /// Metadata of metrics, by id.
    fn list(&self, selectors: &[&str]) -> zbus::Result<HashMap<String, VarDict>>;

    /// Read metrics once: timestamp, readings and faults.
    fn sample(
        &self,
        selectors: &[&str],
        options: &HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<(u64, VarDict, HashMap<String, String>)>;

    /// Start a session: its number and columns.
    fn start(
        &self,
        selectors: &[&str],
        interval: u64,
        options: &HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<(u32, Vec<String>)>;

    /// The readings of sessions in the last `span`, in microseconds: columns, and frames of timestamp and values.
    fn history(
        &self,
        selectors: &[&str],
        span: u64,
    ) -> zbus::Result<(Vec<String>, Vec<(u64, Vec<f64>)>)>;

    /// Watch metrics for a crossing of a threshold: the number of the watch.
    fn watch(
        &self,
        selector: &str,
        threshold: f64,
        options: &HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<u32>;

    /// Open a stream: its number, its columns, and the read end of its pipe.
    fn open(
        &self,
        selectors: &[&str],
        interval: u64,
        options: &HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<(u32, Vec<String>, zbus::OwnedFd)>;

    /// End a session, a watch or a stream.
    fn stop(&self, session: u32) -> zbus::Result<()>;

    /// The columns, texts and faults of a session.
    fn describe(
        &self,
        session: u32,
    ) -> zbus::Result<(
        Vec<String>,
        HashMap<String, String>,
        HashMap<String, String>,
    )>;

    /// The sessions of all clients, by number.
    fn sessions(&self) -> zbus::Result<HashMap<u32, VarDict>>;

    /// The sources, their states and costs, by name.
    fn sources(&self) -> zbus::Result<HashMap<String, VarDict>>;

    /// Read the configuration and the definitions again: what was read.
    fn reload(&self) -> zbus::Result<VarDict>;

    /// End the service, after pending calls are answered.
    fn quit(&self) -> zbus::Result<()>;

    /// A frame: session, timestamp, values.
    #[zbus(signal)]
    fn sampled(&self, session: u32, timestamp: u64, values: Vec<f64>) -> zbus::Result<()>;

    /// The columns, texts and faults of a session; without columns those that have changed.
    #[zbus(signal)]
    fn changed(
        &self,
        session: u32,
        columns: Vec<String>,
        texts: HashMap<String, String>,
        faults: HashMap<String, String>,
    ) -> zbus::Result<()>;

    /// A metric has crossed the threshold of a watch.
    #[zbus(signal)]
    fn crossed(
        &self,
        watch: u32,
        timestamp: u64,
        id: String,
        value: f64,
        direction: String,
    ) -> zbus::Result<()>;

    /// A session is over: its number, the reason.
    #[zbus(signal)]
    fn ended(&self, session: u32, reason: String) -> zbus::Result<()>;

    /// The metrics that have appeared, and those that have vanished.
    #[zbus(signal)]
    fn catalog_changed(&self, appeared: Vec<String>, vanished: Vec<String>) -> zbus::Result<()>;

    /// The version of the service.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> zbus::Result<String>;

    /// The idle timeout in microseconds.
    #[zbus(property(emits_changed_signal = "const"))]
    fn idle_timeout(&self) -> zbus::Result<u64>;
}
