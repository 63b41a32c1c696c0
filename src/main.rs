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
    // Before anything else, so that the subreaper of a command stays small.
    cli::run_subreaper().unwrap_or_else(cli::main)
}
