//! The report of a daemon to the caller of its start: whether the service works.

mod pipe;
mod ready;
mod start;

pub(crate) use pipe::{Message, Reader, Writer};
pub(crate) use ready::Readiness;
pub use ready::Ready;
pub use start::Start;
