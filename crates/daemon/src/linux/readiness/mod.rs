//! The report of a daemon to the caller of its start: whether the service works.

mod pipe;
mod ready;
mod start;

pub(crate) use pipe::{Message, Reader, Writer};
pub use ready::Ready;
pub(crate) use ready::{Logs, Readiness};
pub use start::Start;
