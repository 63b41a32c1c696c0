//! A call to the service that runs beside the loop.

use std::future::pending;

use sampled_client::Error;
use tokio::task::{JoinHandle, spawn_local};

/// At most one call at a time. It is aborted when this is dropped.
pub(crate) struct Task<T>(Option<JoinHandle<Result<T, Error>>>);

impl<T: 'static> Task<T> {
    /// No call.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a call. One that is running goes on, and nobody hears of its result.
    pub(crate) fn start(&mut self, call: impl Future<Output = Result<T, Error>> + 'static) {
        self.0 = Some(spawn_local(call));
    }

    /// Waits for the result of the call, if there is one. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<T, Error> {
        let Some(running) = &mut self.0 else {
            return pending().await;
        };
        let result = running.await;
        self.0 = None;
        result.unwrap_or_else(|error| Err(Error::Failed(error.to_string())))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Some(running) = &self.0 {
            running.abort();
        }
    }
}
