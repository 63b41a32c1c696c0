//! Daemons that do not get ready, and the error that the caller of `start` gets.
//!
//! ```text
//! $ failing error
//! failing: reading the configuration: line 3: invalid digit found in string
//! ```

use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::process::ExitCode;
use std::time::Duration;

use sampled_daemon::Daemon;

fn main() -> ExitCode {
    let how = std::env::args().nth(1).unwrap_or_default();
    let mut daemon = Daemon::new("failing").ready_timeout(Duration::from_secs(1));
    if let Some(path) = std::env::var_os("MYDAEMON_PIDFILE") {
        daemon = daemon.pidfile(path);
    }
    match daemon.start(|_| fail(&how)) {
        Ok(outcome) => println!("{outcome}"),
        Err(error) => {
            eprintln!("failing: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn fail(how: &str) -> Result<(), Box<dyn Error>> {
    match how {
        "error" => {
            let line = |cause: ParseIntError| Context("line 3", cause.into());
            let port = "7b".parse::<u16>().map_err(line);
            let port = port.map_err(|cause| Context("reading the configuration", cause.into()))?;
            unreachable!("{port}")
        }
        "panic" => panic!("out of ideas"),
        "exit" => std::process::exit(3),
        "abort" => std::process::abort(),
        "hang" => loop {
            std::thread::park();
        },
        "leave" => Ok(()),
        _ => Err(format!("{how:?}: not one of error, panic, exit, abort, hang, leave").into()),
    }
}

/// An error with the failed step as its message.
#[derive(Debug)]
struct Context(&'static str, Box<dyn Error>);

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Context {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.1.as_ref())
    }
}
