//! Fixtures that several modules use: a home, a private bus, processes, and peers that break the protocol.

pub(crate) mod bus;
pub(crate) mod credentials_bus;
#[path = "../../../crates/daemon/tests/it/environment.rs"]
pub(crate) mod environment;
pub(crate) mod home;
#[path = "../../../benches/common/hung_mount.rs"]
pub(crate) mod hung_mount;
pub(crate) mod process;
pub(crate) mod raw;
#[path = "../../../crates/daemon/tests/it/skip.rs"]
pub(crate) mod skip;
pub(crate) mod terminal_emulator;
pub(crate) mod unresponsive_bus;
