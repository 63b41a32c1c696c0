//! The program from outside: real processes, real signals, and a private bus for each test.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; the exemption for tests does not reach their helpers"
)]

#[cfg(feature = "cli")]
mod bus;
#[cfg(feature = "cli")]
mod calls;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod config;
#[cfg(feature = "daemon")]
mod daemon;
#[cfg(feature = "cli")]
mod demo;
#[cfg(feature = "cli")]
mod description;
#[cfg(feature = "cli")]
mod devices;
#[cfg(feature = "cli")]
mod hammer;
#[cfg(feature = "cli")]
mod home;
#[cfg(feature = "cli")]
mod install;
#[cfg(feature = "cli")]
mod layers;
#[cfg(feature = "cli")]
mod leaving;
#[cfg(feature = "cli")]
mod lost;
#[cfg(feature = "cli")]
mod metrics;
#[cfg(feature = "cli")]
mod process;
#[cfg(feature = "cli")]
mod processes;
#[cfg(feature = "cli")]
mod ps;
#[cfg(feature = "cli")]
mod sessions;
#[cfg(feature = "cli")]
mod systemd;
#[cfg(feature = "cli")]
mod verbs;
#[cfg(feature = "cli")]
mod watch;
