//! Daemons that do not get ready, and what the caller of `start` sees.
//!
//! ```text
//! $ failing error
//! failing: reading the configuration: line 3: invalid digit found in string
//! ```

use std::error::Error;
use std::num::ParseIntError;
use std::process::{ExitCode, abort, exit};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, raise};
use sampled_daemon::Daemon;

fn main() -> ExitCode {
    let how = std::env::args().nth(1).unwrap_or_default();
    let mut daemon = Daemon::new("failing").ready_timeout(Duration::from_secs(1));
    if let Some(path) = std::env::var_os("MYDAEMON_PIDFILE") {
        daemon = daemon.pidfile(path);
    }
    daemon.main(["failing", "start"], |_| fail(&how))
}

fn fail(how: &str) -> Result<(), Box<dyn Error>> {
    match how {
        "error" => {
            let port: u16 = "7b".parse().map_err(|cause| BadLine(3, cause))?;
            unreachable!("{port}")
        }
        "panic" => panic!("out of ideas"),
        "exit" => exit(3),
        "abort" => abort(),
        "kill" => Ok(raise(Signal::SIGKILL)?),
        "hang" => loop {
            thread::park();
        },
        "leave" => Ok(()),
        _ => {
            Err(format!("{how:?}: not one of error, panic, exit, abort, kill, hang, leave").into())
        }
    }
}

/// The caller of `start` sees the error and its causes.
#[derive(Debug, thiserror::Error)]
#[error("reading the configuration: line {0}")]
struct BadLine(u32, #[source] ParseIntError);
