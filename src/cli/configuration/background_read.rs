//! A read on a thread of its own: HOME may be on a file server that does not answer, and must not block the caller.

use std::{future::pending, io, thread, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

/// A blocking read on a thread, one at a time.
pub(crate) struct BackgroundRead<T> {
    result: Option<oneshot::Receiver<T>>,
    /// The deadline; `None` once the timeout was returned.
    deadline: Option<Instant>,
    /// Whether another read was requested since this one began.
    is_outdated: bool,
}

/// The state of a read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReadOutcome<T> {
    /// The result.
    Read(T),
    /// Another read was requested since this one began: the result may be outdated.
    Outdated,
    /// The timeout is over. The result may still come.
    TimedOut,
    /// The read has panicked: there is no result.
    Failed,
}

impl<T> Default for BackgroundRead<T> {
    fn default() -> Self {
        Self {
            result: None,
            deadline: None,
            is_outdated: false,
        }
    }
}

impl<T: Send + 'static> BackgroundRead<T> {
    /// Begins a read, unless one is running. After `timeout`, [`next`](Self::next) returns [`ReadOutcome::TimedOut`].
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn begin(
        &mut self,
        timeout: Duration,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<()> {
        if self.result.is_some() {
            self.is_outdated = true;
            return Ok(());
        }
        let (send, answer) = oneshot::channel();
        // Not a blocking task of tokio: the runtime waits for those when it ends.
        thread::Builder::new()
            .name("config".to_owned())
            .spawn(move || send.send(read()).ok())?;
        self.result = Some(answer);
        self.deadline = Instant::now().checked_add(timeout);
        self.is_outdated = false;
        Ok(())
    }

    /// Waits for the running read or its timeout; for ever if none is running.
    pub(crate) async fn next(&mut self) -> ReadOutcome<T> {
        let Some(answer) = &mut self.result else {
            return pending().await;
        };
        let answer = match self.deadline {
            Some(deadline) => match timeout_at(deadline, answer).await {
                Ok(answer) => answer,
                Err(_) => {
                    self.deadline = None;
                    return ReadOutcome::TimedOut;
                }
            },
            None => answer.await,
        };
        self.result = None;
        match answer {
            Ok(_) if self.is_outdated => ReadOutcome::Outdated,
            Ok(answer) => ReadOutcome::Read(answer),
            Err(_) => ReadOutcome::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn a_second_request_makes_the_first_result_outdated() {
        block_on(async {
            let (answer, stuck) = mpsc::channel();
            let mut read = BackgroundRead::default();
            read.begin(Duration::ZERO, move || stuck.recv().unwrap_or(0))
                .unwrap();
            assert_eq!(read.next().await, ReadOutcome::TimedOut);
            // Only one read runs at a time: the second request does not begin one.
            read.begin(TIMEOUT, || panic!("it is not begun")).unwrap();
            answer.send(1).unwrap();
            assert_eq!(read.next().await, ReadOutcome::Outdated);
            read.begin(TIMEOUT, || 2).unwrap();
            assert_eq!(read.next().await, ReadOutcome::Read(2));
        });
    }

    #[test]
    fn a_result_after_the_timeout_is_returned() {
        block_on(async {
            let (answer, stuck) = mpsc::channel();
            let mut read = BackgroundRead::default();
            read.begin(Duration::ZERO, move || stuck.recv().unwrap_or(0))
                .unwrap();
            assert_eq!(read.next().await, ReadOutcome::TimedOut);
            answer.send(1).unwrap();
            assert_eq!(read.next().await, ReadOutcome::Read(1));
        });
    }

    #[test]
    fn a_panic_is_a_failed_read() {
        block_on(async {
            let mut read = BackgroundRead::<u32>::default();
            read.begin(TIMEOUT, || panic!("as the test wants")).unwrap();
            assert_eq!(read.next().await, ReadOutcome::Failed);
        });
    }
}
