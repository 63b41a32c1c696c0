//! How the caller of a start learns whether the service works.

mod pipe;
mod ready;
mod start;

pub(crate) use pipe::{Message, Reader, Writer};
pub(crate) use ready::Readiness;
pub use ready::Ready;
pub use start::Start;
