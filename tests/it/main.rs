//! The integration tests, in one binary.
#[cfg(feature = "daemon")]
mod daemon;
