use std::fmt;

use nix::sys::signal::Signal;

/// The way in which a daemon ended before it was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Death {
    /// It called exit(3) or _exit(2).
    #[non_exhaustive]
    Exited {
        /// Its exit status.
        status: i32,
    },
    /// A signal ended it.
    #[non_exhaustive]
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// Unknown, because the parent that waited for it is gone, too.
    Unknown,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exited { status } => write!(f, "exited with status {status}"),
            Self::Killed { signal } => match Signal::try_from(signal) {
                Ok(name) => write!(f, "was killed by {name}"),
                Err(_) => write!(f, "was killed by signal {signal}"),
            },
            Self::Unknown => f.write_str("left no exit status"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_printed_by_name() {
        let check = |how: Death, expected| assert_eq!(how.to_string(), expected);
        check(Death::Killed { signal: 9 }, "was killed by SIGKILL");
        check(Death::Killed { signal: 34 }, "was killed by signal 34");
        check(Death::Exited { status: 3 }, "exited with status 3");
    }
}
