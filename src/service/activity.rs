//! Whether anybody needs the service: the calls in flight, and when the last one ended.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// The calls that are being answered.
pub(crate) struct Activity {
    calls: Mutex<Calls>,
    none_left: Notify,
}

struct Calls {
    in_flight: usize,
    last_end: Instant,
}

/// A call in flight, until it is dropped.
pub(crate) struct Call<'a>(&'a Activity);

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            calls: Mutex::new(Calls {
                in_flight: 0,
                last_end: Instant::now(),
            }),
            none_left: Notify::new(),
        }
    }

    pub(crate) fn begin(&self) -> Call<'_> {
        self.lock().in_flight += 1;
        Call(self)
    }

    /// Counts as the end of a call: the time to leave is counted from here.
    pub(crate) fn touch(&self) {
        self.lock().last_end = Instant::now();
    }

    /// When the service will have been idle for `timeout`, if no call comes in.
    pub(crate) fn idle_at(&self, timeout: Duration) -> Instant {
        let calls = self.lock();
        if calls.in_flight == 0 {
            calls.last_end + timeout
        } else {
            Instant::now() + timeout
        }
    }

    /// Waits until no call is in flight.
    pub(crate) async fn quiet(&self) {
        while self.lock().in_flight > 0 {
            self.none_left.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut calls = self.0.lock();
        calls.in_flight -= 1;
        calls.last_end = Instant::now();
        if calls.in_flight == 0 {
            self.0.none_left.notify_one();
        }
    }
}
