//! The `sampled` program.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: a guard is to stay small.
    cli::guard().unwrap_or_else(cli::main)
}
