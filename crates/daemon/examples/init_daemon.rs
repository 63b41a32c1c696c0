//! The shortest daemon: no pidfile, no readiness, no `stop`; for these see `article.rs` and `mydaemon.rs`.
//!
//! `cargo run --example init_daemon` returns at once and leaves a process running: end it with `pkill init_daemon`.

fn main() -> Result<(), sampled_daemon::Error> {
    sampled_daemon::detach()?;
    loop {
        std::thread::park(); // The work goes here. This example waits for a signal that ends it.
    }
}
