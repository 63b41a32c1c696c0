//! Something read on a thread of its own: HOME may be on a server that does not answer, and nobody waits for
//! that.

use std::{future::pending, io, thread, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

/// A reading of something, one at a time.
pub(crate) struct BackgroundRead<T> {
    answer: Option<oneshot::Receiver<T>>,
    /// When it is late; none once that was told.
    deadline: Option<Instant>,
    /// Whether somebody has asked again since it began.
    is_old: bool,
}

/// How a reading has gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome<T> {
    /// What was read.
    Read(T),
    /// Somebody has asked again since it began: what was read may not be what there is now.
    Old,
    /// There is no answer yet. It may still come.
    Late,
    /// There will be no answer.
    Lost,
}

impl<T> Default for BackgroundRead<T> {
    fn default() -> Self {
        Self {
            answer: None,
            deadline: None,
            is_old: false,
        }
    }
}

impl<T: Send + 'static> BackgroundRead<T> {
    /// Begins to read, unless a reading is out. What takes longer than `patience` is [late](Outcome::Late).
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(crate) fn begin(
        &mut self,
        patience: Duration,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<()> {
        if self.answer.is_some() {
            self.is_old = true;
            return Ok(());
        }
        let (send, answer) = oneshot::channel();
        // A thread and no task of the runtime, which would wait for it at its end.
        thread::Builder::new()
            .name("config".to_owned())
            .spawn(move || send.send(read()).ok())?;
        self.answer = Some(answer);
        self.deadline = Instant::now().checked_add(patience);
        self.is_old = false;
        Ok(())
    }

    /// Waits until there is something to say of the reading that is out.
    pub(crate) async fn next(&mut self) -> Outcome<T> {
        let Some(answer) = &mut self.answer else {
            return pending().await;
        };
        let answer = match self.deadline {
            Some(deadline) => match timeout_at(deadline, answer).await {
                Ok(answer) => answer,
                Err(_) => {
                    self.deadline = None;
                    return Outcome::Late;
                }
            },
            None => answer.await,
        };
        self.answer = None;
        match answer {
            Ok(_) if self.is_old => Outcome::Old,
            Ok(answer) => Outcome::Read(answer),
            Err(_) => Outcome::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn what_hangs_is_left_behind() {
        block_on(async {
            let (answer, stuck) = mpsc::channel();
            let mut read = BackgroundRead::default();
            read.begin(Duration::ZERO, move || stuck.recv().unwrap_or(0))
                .unwrap();
            assert_eq!(read.next().await, Outcome::Late);
            // There is one at a time, and what comes of it is not what was asked for last.
            read.begin(PATIENCE, || panic!("it is not begun")).unwrap();
            answer.send(1).unwrap();
            assert_eq!(read.next().await, Outcome::Old);
            read.begin(PATIENCE, || 2).unwrap();
            assert_eq!(read.next().await, Outcome::Read(2));
        });
    }

    #[test]
    fn what_is_late_still_comes() {
        block_on(async {
            let (answer, stuck) = mpsc::channel();
            let mut read = BackgroundRead::default();
            read.begin(Duration::ZERO, move || stuck.recv().unwrap_or(0))
                .unwrap();
            assert_eq!(read.next().await, Outcome::Late);
            answer.send(1).unwrap();
            assert_eq!(read.next().await, Outcome::Read(1));
        });
    }

    #[test]
    fn nothing_comes_of_a_panic() {
        block_on(async {
            let mut read = BackgroundRead::<u32>::default();
            read.begin(PATIENCE, || panic!("as the test wants"))
                .unwrap();
            assert_eq!(read.next().await, Outcome::Lost);
        });
    }
}
