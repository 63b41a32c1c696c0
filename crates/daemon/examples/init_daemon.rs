//! The shortest daemon there is: no pidfile, no word about readiness. For anything that is to be stopped again,
//! see `mydaemon.rs`.
//!
//! `cargo run --example init_daemon` returns at once and leaves a process
//! behind: end it with `pkill init_daemon`.

use sampled_daemon::{Error, detach};

fn main() -> Result<(), Error> {
    detach()?;
    // The business of the daemon goes here. This one waits for a signal to end it.
    loop {
        nix::unistd::pause();
    }
}
