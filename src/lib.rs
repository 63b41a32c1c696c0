//! Readings of a Linux machine over D-Bus, shared between clients; and a correct Unix daemon.
//!
//! In reading order, from the bottom up:
//!
//! - [`daemon`] is the package sampled-daemon: detach, pidfile, readiness, start, stop, status, for any program.
//! - [`reading`], [`rate`] and [`metric`]: values and faults, the formulas that make readings of one or two snapshots,
//!   and metadata.
//! - `history`: the last snapshots that the store and the table of processes keep as baselines.
//! - [`object`] and [`pattern`]: names in ids, and matching ids with patterns.
//! - [`expression`]: arithmetic over metrics. [`source`]: the mechanism of sources, `kernel`: the kernel's interfaces,
//!   [`process`]: the table of processes, [`custom`]: custom metrics; [`sources`]: all sources.
//! - [`selector`], [`store`] and [`sample`]: selecting metrics, sharing readings, and one fresh reading.
//! - [`client`] is the package sampled-client, for programs that use the service. [`wire`]: the types on the bus.
//!   [`service`]: the service itself. [`systemd`]: the units of the user's systemd. [`Local`]: the readings of the service
//!   and the types of the client, without a bus.
//! - [`duration`], [`config`] and [`install`]: durations as a person writes them, the configuration, and the files that
//!   `sampled install` writes.
//!
//! The features `daemon`, `source`, `client`, `service` and `cli` (the default) select the parts that a program
//! needs; `nvml` (also a default) adds NVIDIA's GPUs, and `own` adds custom metrics.
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
#[cfg(feature = "service")]
pub mod systemd;
#[cfg(feature = "service")]
mod transport;
#[cfg(feature = "client")]
pub mod wire;

#[cfg(feature = "client")]
pub use sampled_client as client;
#[cfg(feature = "daemon")]
pub use sampled_daemon as daemon;

#[cfg(feature = "service")]
pub use local::Local;
