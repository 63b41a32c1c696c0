//! `sampled_daemon`, from outside: the programs in `examples/` are started, watched through /proc and stopped.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, but not the functions they share"
)]

mod control;
mod detach;
mod init;
mod notify;
mod pidfile;
mod support;
