//! Refused calls, and the texts of their errors.

use std::fmt;

use crate::service::client::Name;

/// A refused call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) client: Name,
    pub(super) serial: u32,
    pub(super) reason: RefusalReason,
}

/// The reason of a refusal: the amount that there would be, and the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefusalReason {
    MessageBytes(usize, usize),
    Descriptors,
    /// The client takes no descriptors, and the reply has one.
    NoDescriptors,
    SameSerial,
    Calls(usize, usize),
    CallBytes(usize, usize),
    UnreadBytes(usize, usize),
    TotalCalls(usize, usize),
    TotalCallBytes(usize, usize),
    /// The call was evicted to admit calls of other clients.
    Evicted,
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MessageBytes(there, most) => write!(
                f,
                "the call has {there} bytes: a message has at most {most} (limits.message_bytes)"
            ),
            Self::Descriptors => f.write_str("no method takes a file descriptor"),
            Self::NoDescriptors => f.write_str(
                "the bus passes no file descriptors to this client, which has not negotiated them: use Start",
            ),
            Self::SameSerial => {
                f.write_str("the client has a call with the same serial that is not answered yet")
            }
            Self::Calls(there, most) => write!(
                f,
                "{there} calls of the client are not answered yet: a client has at most {most} at a \
                 time (limits.calls)"
            ),
            Self::CallBytes(there, most) => write!(
                f,
                "the calls of the client that are not answered yet would have {there} bytes: a \
                 client has at most {most} (limits.call_bytes)"
            ),
            Self::UnreadBytes(there, most) => write!(
                f,
                "the client has not read {there} bytes of what it was sent: at most {most} wait \
                 for it (limits.unread_bytes)"
            ),
            Self::TotalCalls(there, most) => write!(
                f,
                "{there} calls of all clients are not answered yet: there are at most {most} at a \
                 time (limits.total.calls)"
            ),
            Self::TotalCallBytes(there, most) => write!(
                f,
                "the calls of all clients that are not answered yet would have {there} bytes: \
                 there are at most {most} (limits.total.call_bytes)"
            ),
            Self::Evicted => f.write_str(
                "calls of other clients were admitted instead: this client had most waiting (limits.total)",
            ),
        }
    }
}
