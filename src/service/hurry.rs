//! The end of patience with calls that take long: the service is to be gone soon.

use tokio::sync::watch;

/// Whether what is not answered yet is answered by `Stopping`.
pub(crate) struct Hurry(watch::Sender<bool>);

impl Hurry {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Completes once it has begun.
    pub(crate) async fn begun(&self) {
        // There is no error while the sender is there.
        self.0.subscribe().wait_for(|begun| *begun).await.ok();
    }
}
