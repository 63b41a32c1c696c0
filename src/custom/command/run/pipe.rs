//! The read end of a pipe to which a command writes.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use crate::custom::command::{LIMIT, after};

/// The bytes of standard error that are kept.
const HEAD: usize = 1024;

/// The bytes of one read(2).
const CHUNK: usize = 8 * 1024;

/// The most bytes that are read before other pipes have a turn.
const MOST_AT_ONCE: usize = 64 * 1024;

/// The largest size of a pipe: the default of /proc/sys/fs/pipe-max-size.
const LARGEST: usize = 1024 * 1024;

/// The pause after each reading. A command that writes without pause is read a hundred times a second, and blocks
/// in between. Nothing is lost, and no client reads faster.
const PAUSE: Duration = Duration::from_millis(10);

/// The part of the input that is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Everything, up to the limit.
    Whole,
    /// The last complete line.
    LastLine,
    /// The beginning.
    Head,
}

/// The outcome of a reading.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// The pipe is empty for now.
    Open,
    /// There may be more to read.
    More,
    /// All write ends are closed.
    End,
    /// The input exceeds the limit.
    Flood,
}

/// The read end, and the bytes that are kept.
pub(super) struct Pipe {
    /// `None` once all write ends are closed: poll would report it as ready for ever.
    end: Option<File>,
    keep: Keep,
    /// The bytes that are kept. With `LastLine`, the beginning of an incomplete line.
    bytes: Vec<u8>,
    line: Option<Vec<u8>>,
    /// The end of the pause after the last reading.
    paused_until: Option<Instant>,
}

impl Pipe {
    /// Reads from a non-blocking pipe.
    pub(super) fn new(end: OwnedFd, keep: Keep) -> Self {
        Self {
            end: Some(end.into()),
            keep,
            bytes: Vec::new(),
            line: None,
            paused_until: None,
        }
    }

    /// The descriptor to poll, until all write ends are closed.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.end.as_ref().map(File::as_fd)
    }

    /// The end of the pause, if there is one now.
    pub(super) fn paused_until(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|&until| now < until)
    }

    /// Reads unless the pipe pauses. After the end of the run, reads everything that is left.
    pub(super) fn read_ready(&mut self, now: Instant, is_over: bool) -> Flow {
        if !is_over {
            return match self.paused_until(now) {
                Some(_) => Flow::Open,
                None => self.read(now),
            };
        }
        // A process outside the run may hold the write end and go on writing, so the amount is limited.
        let flows = (0..=LARGEST / MOST_AT_ONCE).map(|_| self.read(now));
        let mut flows = flows.skip_while(|flow| *flow == Flow::More);
        flows.next().unwrap_or(Flow::Open)
    }

    /// Reads what is there, up to `MOST_AT_ONCE`.
    fn read(&mut self, now: Instant) -> Flow {
        self.paused_until = Some(after(now, PAUSE));
        let mut chunk = [0; CHUNK];
        for _ in 0..MOST_AT_ONCE / CHUNK {
            let Some(end) = &mut self.end else {
                return Flow::End;
            };
            match end.read(&mut chunk) {
                Ok(length @ 1..) => {
                    if !self.take(&chunk[..length]) {
                        return Flow::Flood;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Flow::Open,
                // The end of the file. A pipe reports no other errors.
                Ok(0) | Err(_) => self.end = None,
            }
        }
        Flow::More
    }

    /// The last line that was completed since the last call.
    pub(super) fn line(&mut self) -> Option<Vec<u8>> {
        self.line.take()
    }

    /// The bytes that are kept.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Keeps the bytes of a chunk. Returns false beyond the limit.
    fn take(&mut self, chunk: &[u8]) -> bool {
        match self.keep {
            Keep::Whole => self.bytes.extend_from_slice(chunk),
            Keep::Head => {
                let room = HEAD.saturating_sub(self.bytes.len());
                self.bytes
                    .extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            Keep::LastLine => return self.take_lines(chunk),
        }
        self.bytes.len() <= LIMIT
    }

    fn take_lines(&mut self, chunk: &[u8]) -> bool {
        let mut parts = chunk.rsplitn(3, |&byte| byte == b'\n');
        let (rest, line, before) = (parts.next(), parts.next(), parts.next());
        let Some(end) = line else {
            self.bytes.extend_from_slice(chunk);
            return self.bytes.len() <= LIMIT;
        };
        let mut line = std::mem::take(&mut self.bytes);
        if before.is_some() {
            line.clear();
        }
        line.extend_from_slice(end);
        self.bytes.extend_from_slice(rest.unwrap_or_default());
        let fits = line.len() <= LIMIT;
        self.line = Some(line);
        fits
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use nix::{fcntl::OFlag, unistd::pipe2};

    use super::*;

    fn new(keep: Keep) -> (File, Pipe) {
        let (reading, writing) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).unwrap();
        (writing.into(), Pipe::new(reading, keep))
    }

    #[track_caller]
    fn check(parts: &[&str], expected: &[Option<&str>]) {
        let (mut writing, mut pipe) = new(Keep::LastLine);
        let mut lines = Vec::new();
        for part in parts {
            writing.write_all(part.as_bytes()).unwrap();
            assert_eq!(pipe.read(Instant::now()), Flow::Open);
            lines.push(pipe.line().map(|line| String::from_utf8(line).unwrap()));
        }
        let lines: Vec<_> = lines.iter().map(Option::as_deref).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn lines() {
        check(&["a\n"], &[Some("a")]);
        check(&["a\nb\nc"], &[Some("b")]);
        check(&["a", "b\n", "c\n"], &[None, Some("ab"), Some("c")]);
        check(
            &["a\nb", "", "c\nd\ne", "\n"],
            &[Some("a"), None, Some("d"), Some("e")],
        );
        check(&["\n", "x\n\n"], &[Some(""), Some("")]);
    }

    #[test]
    fn limits() {
        let check = |keep, length: usize, text: u8, expected| {
            let (mut writing, mut pipe) = new(keep);
            let mut flow = Flow::Open;
            for chunk in vec![text; length].chunks(4096) {
                writing.write_all(chunk).unwrap();
                flow = pipe.read(Instant::now());
                if flow == Flow::Flood {
                    break;
                }
            }
            assert_eq!(flow, expected);
            pipe.bytes().len()
        };
        assert_eq!(check(Keep::Whole, LIMIT, b'x', Flow::Open), LIMIT);
        check(Keep::Whole, LIMIT + 1, b'x', Flow::Flood);
        assert_eq!(check(Keep::LastLine, LIMIT, b'x', Flow::Open), LIMIT);
        check(Keep::LastLine, LIMIT + 1, b'x', Flow::Flood);
        assert_eq!(check(Keep::LastLine, 100 * LIMIT, b'\n', Flow::Open), 0);
        assert_eq!(check(Keep::Head, 100 * LIMIT, b'x', Flow::Open), HEAD);
        // A newline does not make a line valid that is too long.
        let (mut writing, mut pipe) = new(Keep::LastLine);
        for chunk in vec![b'x'; LIMIT].chunks(4096) {
            writing.write_all(chunk).unwrap();
            assert_eq!(pipe.read(Instant::now()), Flow::Open);
        }
        writing.write_all(b"x\n").unwrap();
        assert_eq!(pipe.read(Instant::now()), Flow::Flood);
    }

    #[test]
    fn ends() {
        let (writing, mut pipe) = new(Keep::Whole);
        drop(writing);
        assert_eq!(pipe.read(Instant::now()), Flow::End);
    }
}
