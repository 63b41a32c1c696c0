//! The shortest daemon there is: no pidfile, no readiness. To stop one again, see `article.rs` and `mydaemon.rs`.
//!
//! `cargo run --example init_daemon` returns at once and leaves a process behind: end it with `pkill init_daemon`.

fn main() -> Result<(), sampled_daemon::Error> {
    sampled_daemon::detach()?;
    loop {
        std::thread::park(); // The work goes here. This one waits for a signal to end it.
    }
}
