//! The program from outside: real processes, real signals, and a private bus for each test.

#[cfg(feature = "cli")]
mod bus;
#[cfg(feature = "cli")]
mod calls;
#[cfg(feature = "daemon")]
mod daemon;
#[cfg(feature = "cli")]
mod home;
#[cfg(feature = "cli")]
mod process;
