//! `sampled_daemon` from outside: the tests start the programs in `examples/`, watch them in /proc and stop them.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, but not the functions they share"
)]

mod commands;
mod control;
mod detach;
mod echo;
mod environment;
mod failed_starts;
mod foreground;
mod foreign_locks;
mod listen_fds;
mod locks;
mod logs;
mod namespaces;
mod notify;
mod other_tools;
mod pidfile;
mod privileged;
mod restricted_environment;
#[cfg(target_pointer_width = "64")]
mod seccomp;
mod signals;
mod skip;
mod support;
mod systemd;
