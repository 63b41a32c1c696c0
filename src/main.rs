//! The `sampled` program.

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        reason = "a test that overflows fails, as it should"
    )
)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: a guard is to stay small.
    cli::guard().unwrap_or_else(cli::main)
}
