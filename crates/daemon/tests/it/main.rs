//! `sampled_daemon`, from outside: the programs in `examples/` are started, watched through /proc and stopped.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, but not the functions they share"
)]

mod control;
mod detach;
mod foreground;
mod init;
mod locks;
mod notify;
mod pidfile;
mod sandbox;
mod support;
mod systemd;
