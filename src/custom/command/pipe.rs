//! The reading end of a pipe that a command writes to.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use super::{LIMIT, after};

/// How much of standard error is kept.
const HEAD: usize = 1024;

/// How much one call reads.
const CHUNK: usize = 8 * 1024;

/// How much is read at once, before anybody else has a turn.
const GULP: usize = 64 * 1024;

/// As much as a pipe can be made to hold: /proc/sys/fs/pipe-max-size, unless root has changed that.
const LARGEST: usize = 1024 * 1024;

/// After a reading the pipe is left alone for as long: one who writes all the time is read a hundred
/// times a second, and waits for that. Nothing is lost, for nobody else wants to know as fast.
const REST: Duration = Duration::from_millis(10);

/// What is kept of what is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Everything, up to the limit.
    Whole,
    /// The last complete line.
    LastLine,
    /// The beginning.
    Head,
}

/// What a reading has found out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// There is nothing more for now.
    Open,
    /// There may be more.
    More,
    /// Everybody has closed the other end.
    End,
    /// It is more than the limit.
    Flood,
}

/// The end that is read, and what was read from it.
pub(super) struct Pipe {
    /// None once everybody has closed the other end: it would be ready for ever.
    end: Option<File>,
    keep: Keep,
    /// What is kept; of lines, the beginning of one that is not complete.
    bytes: Vec<u8>,
    line: Option<Vec<u8>>,
    /// It is not read before.
    rests_until: Option<Instant>,
}

impl Pipe {
    /// Reads from a pipe that does not block.
    pub(super) fn new(end: OwnedFd, keep: Keep) -> Self {
        Self {
            end: Some(end.into()),
            keep,
            bytes: Vec::new(),
            line: None,
            rests_until: None,
        }
    }

    /// What is to be waited for, until the other end is closed.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.end.as_ref().map(File::as_fd)
    }

    /// Until when it is left alone, if it is.
    pub(super) fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.rests_until.filter(|&until| now < until)
    }

    /// Reads unless it rests, or to the end.
    pub(super) fn read_ready(&mut self, now: Instant, is_over: bool) -> Flow {
        if !is_over {
            return match self.rests_until(now) {
                Some(_) => Flow::Open,
                None => self.read(now),
            };
        }
        // What is over writes no more, but it may have given its end away.
        let flows = (0..=LARGEST / GULP).map(|_| self.read(now));
        let mut flows = flows.skip_while(|flow| *flow == Flow::More);
        flows.next().unwrap_or(Flow::Open)
    }

    /// Reads what is there, and no more than a gulp.
    fn read(&mut self, now: Instant) -> Flow {
        self.rests_until = Some(after(now, REST));
        let mut chunk = [0; CHUNK];
        for _ in 0..GULP / CHUNK {
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
                // The end, or nothing that a pipe is known to answer.
                Ok(0) | Err(_) => self.end = None,
            }
        }
        Flow::More
    }

    /// The last line that has become complete since this was asked last.
    pub(super) fn line(&mut self) -> Option<Vec<u8>> {
        self.line.take()
    }

    /// What has been kept.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// False if that is too much.
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
        // A line that is too long is not saved by its end.
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
