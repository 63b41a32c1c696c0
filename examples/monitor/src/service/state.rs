//! The states of the connection.

use std::collections::BTreeSet;

use sampled_client::Error;

use crate::excerpt::excerpt;

/// The state of the connection to the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nobody looks at the window, so nothing is sampled.
    #[default]
    Hidden,
    /// The user has paused it.
    Paused,
    /// It starts a session, and the bus the service if need be.
    Connecting,
    /// A session runs.
    Sampling {
        /// Its number.
        session: u32,
        /// Whether its readings come, or the service answers at least.
        is_answered: bool,
    },
    /// The session has ended by itself. Another one is started.
    Restarting {
        /// Why it has ended, or why no other one has begun.
        cause: String,
        /// How many attempts have failed.
        attempts: u32,
    },
    /// The service answers, and does not sample: one of another version, or one whose limits are reached.
    Refused {
        /// Why, in the words of the service.
        cause: String,
    },
    /// There is no bus, or no service on it.
    Unavailable {
        /// The missing part, and the remedy.
        cause: String,
    },
}

/// The process of the service, and the other clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Whether the service runs; `None` before the bus has said so.
    pub is_running: Option<bool>,
    /// Its process, if it is known here.
    pub pid: Option<u32>,
    /// Its version.
    pub version: String,
    /// Whether it has ended in the last minute while this window sampled, and was started again.
    pub was_restarted: bool,
    /// The labels of the sessions of other programs; the owner in place of an empty label.
    pub others: BTreeSet<String>,
}

/// The reason why a threshold is not watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwatched {
    /// The service is of an earlier version, without watches.
    EarlierVersion,
    /// The service refuses it.
    Refused {
        /// The reason, in the words of the service.
        cause: String,
    },
}

impl Unwatched {
    pub(super) fn refused(error: &Error) -> Self {
        Self::Refused {
            cause: excerpt(&error.to_string()),
        }
    }
}
