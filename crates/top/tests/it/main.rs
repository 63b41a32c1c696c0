//! `sampled-top` in pseudoterminals, with a service on a private bus. `cargo build` builds the service before.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that fails says so"
)]

mod failures;
mod jobs;
mod layout;
mod machines;
mod manual;
mod other_version;
mod output;
mod pages;
mod processes;
mod service;
mod support;
mod time;
