//! Clients: watches their unique names, and queries the bytes that they have not read.

pub(crate) mod unread;
pub(crate) mod watch;

use std::sync::Arc;

/// The unique name of a client.
pub(crate) type Name = Arc<str>;
