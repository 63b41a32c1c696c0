//! Readings of a Linux machine over D-Bus, shared by all who ask; and a correct Unix daemon.
//!
//! In reading order, from the bottom up:
//!
//! - [`daemon`] is the package sampled-daemon: detach, pidfile, readiness, start, stop, status, for any program.
//! - [`reading`], [`rate`] and [`metric`]: values and faults, how a reading follows from two snapshots, and what is
//!   known of it before.
//! - `history`: the last readings of one thing, which the store and the table of processes keep for rates.
//! - [`object`] and [`pattern`]: names in ids, and which ids a pattern means.
//! - [`expression`]: arithmetic over metrics. [`source`]: how a source reads, `kernel`: the kernel's interfaces,
//!   [`process`]: the table of processes, [`custom`]: the sources that a user defines; [`sources`]: all of them.
//! - [`selector`], [`store`] and [`sample`]: which metrics are meant, how readings are shared, and one
//!   fresh reading now.
//! - [`wire`]: the shapes on the bus. [`client`]: for programs that use the service. [`service`]: the
//!   service itself. [`Local`]: the readings of the service and the types of the client, without a bus.
//! - [`duration`], [`config`] and [`install`]: what a person writes, and where the files go.
//!
//! The features `daemon`, `source`, `client`, `service` and `cli` (the default) take as much of it as a
//! program needs; `nvml` (the default too) adds NVIDIA's GPUs, and `custom` the metrics that a user
//! defines.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        reason = "a test that overflows fails, as it should"
    )
)]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "sampled reads Linux's /proc and /sys and speaks to Linux's kernel: it builds for Linux only"
);

#[cfg(feature = "source")]
mod allocator;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "custom")]
pub mod custom;
#[cfg(feature = "custom")]
mod diagnostic;
#[cfg(feature = "custom")]
pub mod duration;
#[cfg(feature = "source")]
pub mod expression;
#[cfg(feature = "source")]
mod history;
#[cfg(feature = "service")]
pub mod install;
#[cfg(feature = "source")]
mod kernel;
#[cfg(feature = "service")]
pub mod local;
#[cfg(feature = "source")]
pub mod metric;
#[cfg(feature = "source")]
pub mod object;
#[cfg(feature = "source")]
pub mod pattern;
#[cfg(feature = "source")]
pub mod process;
#[cfg(feature = "source")]
pub mod rate;
#[cfg(feature = "source")]
pub mod reading;
#[cfg(feature = "source")]
mod regular_file;
#[cfg(feature = "service")]
pub mod sample;
#[cfg(feature = "service")]
pub mod selector;
#[cfg(feature = "service")]
pub mod service;
#[cfg(feature = "source")]
pub mod source;
#[cfg(feature = "source")]
pub mod sources;
#[cfg(feature = "service")]
pub mod store;
#[cfg(feature = "client")]
mod transport;
#[cfg(feature = "client")]
pub mod wire;

#[cfg(feature = "daemon")]
pub use sampled_daemon as daemon;

#[cfg(feature = "service")]
pub use local::Local;
