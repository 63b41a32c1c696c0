//! The failures of a run, and their messages.

use std::{fmt, io, path::PathBuf, time::Duration};

use nix::{errno::Errno, sys::signal::Signal};

use super::LIMIT;
use crate::source::panic::Panic;

/// The reason why a run has no output, or why no further line comes.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command has exited with this status, and this first line on standard error.
    Status(i32, String),
    /// A signal has killed the command.
    Signal(i32),
    /// The run has exceeded its timeout.
    Late(Duration),
    /// The command has written no line for this time.
    Silent(Duration),
    /// The output exceeds the limit.
    Flood,
    /// A line exceeds the limit.
    LongLine,
    /// execve(2) of this program has failed with this errno.
    NotExecuted(String, i32),
    /// The subreaper was killed, and then the run.
    SubreaperKilled,
    /// The subreaper cannot be started.
    NoSubreaper(PathBuf, io::Error),
    /// The thread of the supervisor cannot be started.
    NoThread(io::Error),
    /// The thread of the supervisor has panicked.
    Panicked(Panic),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status, line) => {
                write!(f, "exited with status {status}")?;
                match line.as_str() {
                    "" => Ok(()),
                    line => write!(f, ": {line}"),
                }
            }
            Self::Signal(number) => match Signal::try_from(*number) {
                Ok(signal) => write!(f, "killed by {signal}"),
                Err(_) => write!(f, "killed by signal {number}"),
            },
            Self::Late(timeout) => write!(f, "timed out after {timeout:?}"),
            Self::Silent(timeout) => write!(f, "wrote no line for {timeout:?}"),
            Self::Flood => write!(f, "more than {} KiB of output", LIMIT / 1024),
            Self::LongLine => write!(f, "a line of more than {} KiB", LIMIT / 1024),
            Self::NotExecuted(program, number) => {
                write!(f, "{program}: {}", Errno::from_raw(*number).desc())
            }
            Self::SubreaperKilled => write!(f, "its guard was killed"),
            Self::NoThread(cause) => write!(f, "no thread to run it: {cause}"),
            Self::Panicked(Panic(what)) => write!(f, "what runs it has panicked: {what}"),
            Self::NoSubreaper(path, cause) => write!(f, "{}: {cause}", path.display()),
        }
    }
}

/// The first line of a text that is not blank, without control characters.
pub(super) fn first_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let printable = |line: &str| -> String {
        let characters = line.chars().filter(|character| !character.is_control());
        characters.collect::<String>().trim().to_owned()
    };
    let mut lines = text.lines().map(printable);
    lines.find(|line| !line.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failure: Failure, expected: &str) {
        assert_eq!(failure.to_string(), expected);
    }

    #[test]
    fn words() {
        let line = || "no route to host".to_owned();
        check(
            Failure::Status(3, line()),
            "exited with status 3: no route to host",
        );
        check(Failure::Status(0, String::new()), "exited with status 0");
        check(Failure::Signal(11), "killed by SIGSEGV");
        check(Failure::Signal(35), "killed by signal 35");
        check(Failure::Late(Duration::from_secs(5)), "timed out after 5s");
        check(Failure::Flood, "more than 64 KiB of output");
        check(
            Failure::NotExecuted("router".to_owned(), 2),
            "router: No such file or directory",
        );
    }

    #[test]
    fn first_lines() {
        assert_eq!(
            first_line(b"\n \x1b[31mno\x07 route\r\nmore"),
            "[31mno route"
        );
        assert_eq!(first_line(b"caf\xe9"), "caf\u{fffd}");
        assert_eq!(first_line(b""), "");
    }
}
