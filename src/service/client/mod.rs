//! Clients on the bus: who is there, and who reads what it is sent.

pub(crate) mod unread;
pub(crate) mod watch;

use std::sync::Arc;

/// A client: its unique name on the bus.
pub(crate) type Name = Arc<str>;
