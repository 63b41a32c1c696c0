//! How the caller of a start learns whether the service works.

mod pipe;
mod ready;
mod start;

pub(crate) use pipe::{Reader, Record, Writer};
pub(crate) use ready::Outcome;
pub use ready::Ready;
pub use start::Start;
