//! `sampled_daemon` from outside: the tests start the programs in `examples/`, watch them in /proc and stop them.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, but not the functions they share"
)]

mod control;
mod detach;
mod environment;
#[cfg(target_pointer_width = "64")]
mod filter;
mod foreground;
mod init;
mod locks;
mod namespaces;
mod notify;
mod peers;
mod pidfile;
mod sandbox;
mod strangers;
mod support;
mod systemd;
