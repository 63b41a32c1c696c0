//! `sampled`: readings of a Linux machine over D-Bus.
#[cfg(not(target_os = "linux"))]
compile_error!(
    "sampled reads Linux's /proc and /sys and speaks to Linux's kernel: it builds for Linux only"
);

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "service")]
pub mod duration;
#[cfg(feature = "source")]
pub mod object;
#[cfg(feature = "source")]
pub mod rate;
#[cfg(feature = "source")]
pub mod reading;
#[cfg(feature = "service")]
pub mod sample;
#[cfg(feature = "service")]
pub mod selector;
#[cfg(feature = "service")]
pub mod service;
#[cfg(feature = "source")]
pub mod source;
#[cfg(feature = "service")]
pub mod store;
#[cfg(feature = "client")]
pub mod wire;

#[cfg(feature = "daemon")]
pub mod daemon;
