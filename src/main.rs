//! The `sampled` program.
fn main() {}
