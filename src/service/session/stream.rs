//! Streams: sessions whose frames go into a pipe, as records.

use std::{
    io::{self, IoSlice},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::task::AbortHandle;

use crate::transport::pipe::{DEFAULT_CAPACITY, PipeWriter, Written};

use super::record;

/// The most bytes of a pipe: the kernel's own limit for an ordinary user (`/proc/sys/fs/pipe-max-size`).
const MAX_CAPACITY: usize = 1 << 20;

/// The most bytes by which the pipes of all streams together exceed their default capacity. The kernel limits the pipes
/// of a user (`/proc/sys/fs/pipe-user-pages-soft`), and other programs of the user need pipes, too.
const MAX_EXTRA: usize = 16 << 20;

/// The unit in which the kernel fills a pipe. A record is in one page.
const PAGE: usize = 4096;

/// The reason of the end if the reader has closed the pipe.
pub(super) const CLOSED: &str = "closed";

/// The write end of a stream's pipe.
pub(crate) struct Stream {
    pipe: Arc<PipeWriter>,
    /// The bytes of the pipe beyond its default capacity.
    extra: usize,
    /// The rest of a record that was written in part. It goes first: the reader counts bytes.
    rest: Vec<u8>,
    /// Whether the last record found no room.
    is_full: bool,
    is_closed: Arc<AtomicBool>,
    _watch: CloseWatch,
}

/// The outcome of writing a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Written,
    /// There is no room for it.
    Dropped,
    /// The reader has closed the pipe.
    Closed,
}

/// The task that waits until the reader closes the pipe. It is aborted when this is dropped.
struct CloseWatch(AbortHandle);

impl Stream {
    /// A stream of so many columns, and the read end of its pipe. `extra` are the bytes of the pipes of other streams beyond
    /// their default capacity. `on_close` is called when the reader has closed the pipe.
    ///
    /// # Errors
    /// When the process has too many open files.
    pub(crate) fn open(
        columns: usize,
        interval: Duration,
        extra: usize,
        on_close: impl FnOnce() + Send + 'static,
    ) -> io::Result<(OwnedFd, Self)> {
        let capacity = capacity(columns, interval, MAX_EXTRA.saturating_sub(extra));
        let (reader, pipe) = PipeWriter::pipe(capacity)?;
        // The reply needs a descriptor more: without it, the caller would get an error that names no limit.
        drop(reader.try_clone()?);
        let extra = pipe.capacity().saturating_sub(DEFAULT_CAPACITY);
        let pipe = Arc::new(pipe);
        let is_closed = Arc::new(AtomicBool::new(false));
        let watch = CloseWatch::begin(pipe.clone(), is_closed.clone(), on_close);
        let stream = Self {
            pipe,
            extra,
            rest: Vec::new(),
            is_full: false,
            is_closed,
            _watch: watch,
        };
        Ok((reader, stream))
    }

    /// The bytes of the pipe beyond its default capacity.
    pub(super) fn extra(&self) -> usize {
        self.extra
    }

    /// Whether the reader is known to have closed the pipe.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Whether a record would find no room. Asks the kernel only after a record that found none.
    pub(super) fn is_full(&mut self) -> bool {
        self.is_full = self.is_full && self.pipe.is_full();
        self.is_full
    }

    /// Writes a record, after the rest of the one before.
    pub(super) fn write(&mut self, record: &[u8]) -> Outcome {
        let slices = [IoSlice::new(&self.rest), IoSlice::new(record)];
        let begin = usize::from(self.rest.is_empty());
        let outcome = match self.pipe.write(slices.get(begin..).unwrap_or_default()) {
            Written::Bytes(written) => self.count(written, record),
            Written::Full => Outcome::Dropped,
            Written::Closed => Outcome::Closed,
        };
        self.is_full = outcome == Outcome::Dropped;
        outcome
    }

    /// Notes that so many bytes of the rest and of `record` were written.
    fn count(&mut self, written: usize, record: &[u8]) -> Outcome {
        let of_rest = written.min(self.rest.len());
        self.rest.drain(..of_rest);
        match written.saturating_sub(of_rest) {
            // A record that has not begun is left out as a whole.
            0 => Outcome::Dropped,
            written => {
                self.rest
                    .extend_from_slice(record.get(written..).unwrap_or_default());
                Outcome::Written
            }
        }
    }
}

/// The capacity of the pipe: the records of a second, as far as the limits allow.
fn capacity(columns: usize, interval: Duration, room: usize) -> usize {
    let length = record::length(columns);
    let records = Duration::from_secs(1)
        .as_nanos()
        .div_ceil(interval.as_nanos().max(1));
    let records = usize::try_from(records).unwrap_or(usize::MAX);
    let in_page = PAGE.checked_div(length).unwrap_or(1).max(1);
    let bytes = records.div_ceil(in_page).saturating_mul(PAGE);
    let wanted = bytes.min(MAX_CAPACITY).next_power_of_two();
    match wanted.saturating_sub(DEFAULT_CAPACITY) {
        extra if extra <= room => wanted.max(DEFAULT_CAPACITY),
        _ => DEFAULT_CAPACITY,
    }
}

impl CloseWatch {
    fn begin(
        pipe: Arc<PipeWriter>,
        is_closed: Arc<AtomicBool>,
        on_close: impl FnOnce() + Send + 'static,
    ) -> Self {
        let watch = tokio::spawn(async move {
            // If the pipe cannot be watched, a write shows that it is closed.
            if pipe.closed().await.is_ok() {
                is_closed.store(true, Ordering::Release);
                on_close();
            }
        });
        Self(watch.abort_handle())
    }
}

impl Drop for CloseWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes in the pipe.
    fn read(reader: &OwnedFd) -> Vec<u8> {
        let mut bytes = vec![0; 1 << 16];
        let count = nix::unistd::read(reader, &mut bytes).unwrap();
        bytes.truncate(count);
        bytes
    }

    #[tokio::test]
    async fn the_rest_of_a_record_goes_first() {
        let (reader, mut stream) = Stream::open(511, Duration::from_secs(1), 0, || ()).unwrap();
        // The reader makes the pipe as small as it can be.
        nix::fcntl::fcntl(&reader, nix::fcntl::FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
        stream.rest = vec![1; 3000];
        assert_eq!(stream.write(&[2; 4096]), Outcome::Written);
        assert_eq!(stream.rest.len(), 3000);
        assert_eq!(stream.write(&[3; 4096]), Outcome::Dropped);
        assert!(stream.is_full());
        let mut bytes = read(&reader);
        assert!(!stream.is_full());
        assert_eq!(stream.write(&[4; 1000]), Outcome::Written);
        bytes.extend(read(&reader));
        let expected = [vec![1; 3000], vec![2; 4096], vec![4; 1000]].concat();
        assert!(bytes == expected, "{}", bytes.len());
        // A record that has not begun is left out as a whole.
        stream.rest = vec![5; 4096];
        assert_eq!(stream.write(&[6; 4096]), Outcome::Dropped);
        assert_eq!(read(&reader), [5; 4096]);
        assert!(stream.rest.is_empty());
        drop(reader);
        assert_eq!(stream.write(&[7; 8]), Outcome::Closed);
    }

    #[tokio::test]
    async fn a_closed_pipe_is_noticed_without_a_write() {
        let (sender, closed) = tokio::sync::oneshot::channel();
        let on_close = move || sender.send(()).unwrap();
        let (reader, stream) = Stream::open(1, Duration::from_secs(1), 0, on_close).unwrap();
        tokio::task::yield_now().await;
        assert!(!stream.is_closed());
        drop(reader);
        let closed = tokio::time::timeout(Duration::from_secs(30), closed).await;
        closed.expect("in time").expect("closed");
        assert!(stream.is_closed());
    }

    #[test]
    fn a_pipe_has_room_for_a_second() {
        let check = |columns, milliseconds, room, expected: usize| {
            let interval = Duration::from_millis(milliseconds);
            let bytes = capacity(columns, interval, room);
            assert_eq!(bytes / 1024, expected, "{columns} {interval:?} {room}");
        };
        check(50, 1, MAX_EXTRA, 512);
        check(1, 1, MAX_EXTRA, 64);
        check(50, 1000, MAX_EXTRA, 64);
        check(511, 1, MAX_EXTRA, 1024);
        check(511, 24 * 60 * 60 * 1000, MAX_EXTRA, 64);
        check(50, 1, 448 * 1024, 512);
        check(50, 1, 448 * 1024 - 1, 64);
        check(50, 1, 0, 64);
    }
}
