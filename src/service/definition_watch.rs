//! Changes of the files of definitions while there is a session.

use std::{
    future::pending,
    io,
    os::fd::{AsFd, OwnedFd},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tracing::debug;

use crate::{store::Store, transport::readable_fd::ReadableFd};

/// The descriptor that becomes readable when a file of definitions may have changed.
#[derive(Default)]
pub(crate) struct DefinitionWatch {
    descriptor: Option<ReadableFd>,
}

impl DefinitionWatch {
    /// Opens or closes the watch. The store watches no files before a client has asked for custom metrics.
    pub(crate) fn listen(&mut self, wanted: bool, store: &Store) {
        if !wanted {
            self.descriptor = None;
        } else if self.descriptor.is_none() {
            let descriptor = store.definitions_fd().map(ReadableFd::new).transpose();
            self.descriptor = descriptor
                .inspect_err(|error| debug!("definitions cannot be watched: {error}"))
                .unwrap_or_default();
        }
    }

    /// Drops the descriptor after a change was handled: [`listen`](Self::listen) registers it again.
    pub(crate) fn rearm(&mut self) {
        self.descriptor = None;
    }

    /// Waits until a definition may have changed. The caller has to look at the definitions then.
    pub(crate) async fn changed(&self) {
        let Some(descriptor) = &self.descriptor else {
            return pending().await;
        };
        if let Err(error) = descriptor.read(check_readable).await {
            debug!("definitions are no longer watched: {error}");
            pending().await
        }
    }
}

/// Polls the descriptor without reading from it: the store reads.
fn check_readable(descriptor: &OwnedFd) -> io::Result<()> {
    let mut polled = [PollFd::new(descriptor.as_fd(), PollFlags::POLLIN)];
    match poll(&mut polled, PollTimeout::ZERO)? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    }
}
