//! A future that is polled only after it was woken, not each time that its task is polled.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// A future beside others in one task. `FuturesUnordered` does the same, but wakes its task once for each first poll, which costs
/// another poll of the task and a call of epoll_wait(2).
pub(super) struct WhenWoken<'a, F> {
    future: Pin<&'a mut F>,
    state: Arc<State>,
    waker: Waker,
}

struct State {
    is_woken: AtomicBool,
    task: AtomicWaker,
}

impl<'a, F: Future> WhenWoken<'a, F> {
    pub(super) fn new(future: Pin<&'a mut F>) -> Self {
        let state = Arc::new(State {
            // The first poll is for nothing but to register wakers.
            is_woken: AtomicBool::new(true),
            task: AtomicWaker::new(),
        });
        Self {
            future,
            waker: state.clone().into(),
            state,
        }
    }
}

impl<F: Future> Future for WhenWoken<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // Registered first: whoever wakes from here on wakes the task.
        self.state.task.register(context.waker());
        if !self.state.is_woken.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let this = &mut *self;
        this.future
            .as_mut()
            .poll(&mut Context::from_waker(&this.waker))
    }
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::poll_fn, pin::pin, time::Duration};

    use futures_util::FutureExt;
    use tokio::{
        select,
        sync::oneshot,
        task::yield_now,
        time::{sleep, timeout},
    };

    use super::*;

    #[tokio::test]
    async fn a_future_is_polled_when_it_is_woken() {
        let (sender, mut receiver) = oneshot::channel();
        let polls = Cell::new(0);
        let future = pin!(poll_fn(|context| {
            polls.set(polls.get() + 1);
            receiver.poll_unpin(context)
        }));
        let mut future = WhenWoken::new(future);
        for _ in 0..100 {
            select! {
                biased;
                _ = &mut future => panic!("nothing was sent"),
                () = yield_now() => {}
            }
        }
        assert_eq!(polls.get(), 1);
        // Sent by another task while this one waits for nothing else.
        tokio::spawn(async move {
            sleep(Duration::from_millis(1)).await;
            sender.send(7).unwrap();
        });
        let received = timeout(Duration::from_secs(30), &mut future).await;
        assert_eq!(received.unwrap(), Ok(7));
        assert_eq!(polls.get(), 2);
    }

    #[tokio::test]
    async fn a_future_that_wakes_itself_goes_on() {
        let future = pin!(async {
            for _ in 0..10 {
                yield_now().await;
            }
        });
        let done = timeout(Duration::from_secs(30), WhenWoken::new(future)).await;
        done.unwrap();
    }
}
