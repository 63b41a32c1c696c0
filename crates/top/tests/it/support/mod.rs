//! A user with a bus, and a monitor in a terminal.

pub(crate) mod bus;
pub(crate) mod machine;
pub(crate) mod terminal;

use std::time::Duration;

/// How long a test waits for an event that must come. No correct run takes that long, also on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
