//! The readiness pipe, over which the daemon reports the outcome of its start to the launcher.
//!
//! A message is a letter, a text and a NUL. The pipe is created close-on-exec.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::linux::error::{Death, Error};

/// A message on the readiness pipe or on the socket to the intermediate process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The daemon's process id.
    Pid(i32),
    /// Another instance holds the pidfile. The daemon waits for it, and then reports the outcome.
    Waiting,
    /// Another instance is running, with this process id. The daemon ends.
    Already(i32),
    /// A cause of the next `Failed`.
    Cause(String),
    /// A lack of permission is the cause of the next `Failed`.
    Denied,
    /// The daemon has failed, and ends.
    Failed(String),
    /// The service works. The start is a success, even if the daemon dies after this.
    Ready,
    /// From the intermediate process: the daemon ended in this way.
    Ended(Death),
    /// To the intermediate process: kill the daemon.
    Kill,
}

/// The maximum length of a text in bytes. Longer texts are cut.
const MAX_TEXT: usize = 8192;
/// The maximum number of causes. The others are left out.
const MAX_CAUSES: usize = 16;

/// The write end. Errors are ignored: the daemon must not fail because the launcher is gone (Ctrl-C).
#[derive(Debug)]
pub(crate) struct Writer(File);

impl Writer {
    pub(crate) fn new(pipe: OwnedFd) -> Self {
        Self(pipe.into())
    }

    pub(crate) fn write(&self, message: &Message) {
        let _ = (&self.0).write_all(&message.to_bytes());
    }

    /// Writes an error with its causes.
    pub(crate) fn failed(&self, error: &Error) {
        if error.is_denied() {
            self.write(&Message::Denied);
        }
        match error {
            Error::Failed {
                message, causes, ..
            } => {
                for cause in causes.iter().take(MAX_CAUSES) {
                    self.write(&Message::Cause(cause.clone()));
                }
                self.write(&Message::Failed(message.clone()));
            }
            other => self.write(&Message::Failed(other.to_string())),
        }
    }
}

/// The read end.
pub(crate) struct Reader {
    pipe: File,
    /// The bytes of an incomplete message.
    unparsed: Vec<u8>,
    open: bool,
}

impl Reader {
    pub(crate) fn new(pipe: OwnedFd) -> Result<Self, Error> {
        let flags = FcntlArg::F_SETFL(OFlag::O_NONBLOCK);
        fcntl(&pipe, flags).map_err(Error::call("fcntl"))?;
        Ok(Self {
            pipe: pipe.into(),
            unparsed: Vec::new(),
            open: true,
        })
    }

    /// Reads all messages that have arrived, without waiting. Unknown ones are ignored.
    pub(crate) fn read(&mut self) -> Result<Vec<Message>, Error> {
        match self.pipe.read_to_end(&mut self.unparsed) {
            Ok(_) => self.open = false,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(Error::call("read")(error)),
        }
        let mut messages = Vec::new();
        while let Some(end) = self.unparsed.iter().position(|&byte| byte == 0) {
            let message: Vec<u8> = self.unparsed.drain(..=end).collect();
            messages.extend(Message::parse(&String::from_utf8_lossy(&message[..end])));
        }
        Ok(messages)
    }

    /// Whether the write end is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }
}

impl AsFd for Reader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl Message {
    fn to_bytes(&self) -> Vec<u8> {
        let (letter, text) = match self {
            Self::Pid(pid) => ('p', pid.to_string()),
            Self::Waiting => ('w', String::new()),
            Self::Already(pid) => ('a', pid.to_string()),
            Self::Cause(text) => ('c', to_field(text)),
            Self::Denied => ('d', String::new()),
            Self::Failed(text) => ('f', to_field(text)),
            Self::Ready => ('r', String::new()),
            Self::Ended(Death::Exited { status }) => ('e', status.to_string()),
            Self::Ended(Death::Killed { signal }) => ('k', signal.to_string()),
            Self::Ended(Death::Unknown) => ('u', String::new()),
            Self::Kill => ('x', String::new()),
        };
        format!("{letter}{text}\0").into_bytes()
    }

    fn parse(message: &str) -> Option<Self> {
        let (letter, text) = message.split_at_checked(1)?;
        let number = || text.parse().ok();
        Some(match letter {
            "p" => Self::Pid(number()?),
            "w" => Self::Waiting,
            "a" => Self::Already(number()?),
            "c" => Self::Cause(text.to_owned()),
            "d" => Self::Denied,
            "f" => Self::Failed(text.to_owned()),
            "r" => Self::Ready,
            "e" => Self::Ended(Death::Exited { status: number()? }),
            "k" => Self::Ended(Death::Killed { signal: number()? }),
            "u" => Self::Ended(Death::Unknown),
            "x" => Self::Kill,
            _ => return None,
        })
    }
}

fn to_field(text: &str) -> String {
    let end = (0..=MAX_TEXT.min(text.len())).rev();
    let end = end
        .into_iter()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or(0);
    text[..end].replace('\0', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_in_order() {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let (mut reader, writer) = (Reader::new(reader).unwrap(), Writer::new(writer));
        writer.write(&Message::Pid(7));
        writer.failed(&Error::Failed {
            message: "a\0b".to_owned(),
            causes: vec!["because".to_owned()],
            denied: true,
        });
        writer.write(&Message::Ended(Death::Killed { signal: 9 }));
        let expected = [
            Message::Pid(7),
            Message::Denied,
            Message::Cause("because".to_owned()),
            Message::Failed("a b".to_owned()),
            Message::Ended(Death::Killed { signal: 9 }),
        ];
        assert_eq!(reader.read().unwrap(), expected);
        assert!(reader.is_open());
        drop(writer);
        assert_eq!(reader.read().unwrap(), []);
        assert!(!reader.is_open());
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = to_field(&"ä".repeat(MAX_TEXT));
        assert_eq!(text.len(), MAX_TEXT);
        assert_eq!(
            to_field(&format!("x{}", "ä".repeat(MAX_TEXT))).len(),
            MAX_TEXT - 1
        );
    }
}
