//! The names of the service on the bus, and the types of its messages as a client reads them.

/// The well-known name of the service on the session bus.
pub const NAME: &str = "io.github.sampled.Sampler1";
/// The path of the service's only object.
pub const PATH: &str = "/io/github/sampled/Sampler1";
/// The object's interface.
pub const INTERFACE: &str = "io.github.sampled.Sampler1";
/// The object's other interface: the table of processes.
pub const PROCESSES_INTERFACE: &str = "io.github.sampled.Processes1";
/// The prefix of the names of all errors.
pub const ERROR_PREFIX: &str = "io.github.sampled.Error.";
