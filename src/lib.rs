//! `sampled`: readings of a Linux machine over D-Bus.
#[cfg(not(target_os = "linux"))]
compile_error!(
    "sampled reads Linux's /proc and /sys and speaks to Linux's kernel: it builds for Linux only"
);

#[cfg(feature = "daemon")]
pub mod daemon;
