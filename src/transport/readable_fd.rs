//! File descriptors that become readable and for which tokio has no type: timerfds, sockets.

use std::{
    io,
    os::fd::OwnedFd,
    task::{Context, Poll, Waker},
};

use tokio::io::{Interest, unix::AsyncFd};

/// A file descriptor that is registered with the runtime. Wakes no task unless one waits for it.
#[derive(Debug)]
pub(crate) struct ReadableFd(AsyncFd<OwnedFd>);

/// Registers a non-blocking descriptor with the runtime.
pub(super) fn register(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    #[allow(
        unsafe_code,
        reason = "tokio has no safe way to register such descriptors"
    )]
    // SAFETY: an `OwnedFd` stays open and keeps its number until it is dropped, and the `AsyncFd`
    // that owns it drops it.
    let registered = unsafe { AsyncFd::register_with_interest(descriptor, interest) };
    Ok(registered?)
}

impl ReadableFd {
    /// Registers a non-blocking descriptor.
    pub(crate) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        register(descriptor, Interest::READABLE).map(Self)
    }

    pub(crate) fn descriptor(&self) -> &OwnedFd {
        self.0.get_ref()
    }

    /// Waits until the descriptor may be readable.
    pub(crate) async fn wait(&self) -> io::Result<()> {
        self.0.readable().await.map(drop)
    }

    /// Waits until the descriptor has become readable and `is_time`. Nothing is read, so this is for descriptors that become
    /// readable anew whether or not they are read: timers.
    pub(crate) async fn wait_until(&self, is_time: impl Fn() -> bool) -> io::Result<()> {
        loop {
            self.0.readable().await?.clear_ready();
            if is_time() {
                return Ok(());
            }
        }
    }

    /// Reads without waiting; `None` if there is no data, or the budget of the task is used up, so that a caller without
    /// data waits in a `select!`, which yields then. `read` returns with its result whether it has read all
    /// data.
    pub(crate) fn try_read<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> io::Result<(T, bool)>,
    ) -> io::Result<Option<T>> {
        loop {
            // Registers no waker: tasks that wait call `wait`.
            let mut context = Context::from_waker(Waker::noop());
            let mut ready = match self.0.poll_read_ready(&mut context) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => return Ok(None),
            };
            match ready.try_io(|descriptor| read(descriptor.get_ref())) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(error),
                Ok(Ok((done, is_all))) => {
                    if is_all {
                        ready.clear_ready();
                    }
                    return Ok(Some(done));
                }
                // Another reader was faster since the descriptor became readable.
                Err(_would_block) => return Ok(None),
            }
        }
    }

    /// Waits until there is data, and reads it. Yields when the budget of the task is used up, as tokio's own types do.
    pub(crate) async fn read<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> io::Result<T>,
    ) -> io::Result<T> {
        let read = |descriptor: &OwnedFd| uninterrupted(|| read(descriptor));
        self.0.async_io(Interest::READABLE, read).await
    }
}

/// Repeats a read that a signal has interrupted.
fn uninterrupted<T>(mut read: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::net::UnixStream, sync::mpsc, thread, time::Duration};

    use futures_util::FutureExt;
    use tokio::{runtime::Builder, task::yield_now};

    use super::*;

    /// Reads more bytes, one by one, than the budget of a task allows. Returns how many were read without a yield.
    async fn flood() -> usize {
        let (mut there, here) = UnixStream::pair().unwrap();
        there.write_all(&[0; 1000]).unwrap();
        here.set_nonblocking(true).unwrap();
        let here = ReadableFd::new(here.into()).unwrap();
        let read = || here.read(|socket| Ok(nix::unistd::read(socket, &mut [0])?));
        assert_eq!(read().await.unwrap(), 1);
        yield_now().await;
        let mut count = 0;
        while read().now_or_never().is_some() {
            count += 1;
        }
        count
    }

    #[test]
    fn a_flood_uses_up_the_budget_of_the_task() {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_io().build().unwrap();
            sender.send(runtime.block_on(flood())).unwrap();
        });
        let count = receiver.recv_timeout(Duration::from_secs(30)).unwrap();
        assert!((1..999).contains(&count), "{count}");
    }
}
