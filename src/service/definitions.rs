//! What the user defines anew while somebody has a session.

use std::{
    future::pending,
    io,
    os::fd::{AsFd, OwnedFd},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tracing::debug;

use crate::{store::Store, transport::readable_fd::ReadableFd};

/// The descriptor of those who watch the files of definitions, as long as somebody listens.
#[derive(Default)]
pub(crate) struct Definitions {
    news: Option<ReadableFd>,
}

impl Definitions {
    /// Listens, or does not. Where nobody has asked for what the user defines, nothing is watched.
    pub(crate) fn listen(&mut self, wanted: bool, store: &Store) {
        if !wanted {
            self.news = None;
        } else if self.news.is_none() {
            let news = store.definitions_fd().map(ReadableFd::new).transpose();
            self.news = news
                .inspect_err(|error| debug!("definitions cannot be watched: {error}"))
                .unwrap_or_default();
        }
    }

    /// What it has told of is being looked at: it is listened to again when that is over.
    pub(crate) fn heard(&mut self) {
        self.news = None;
    }

    /// Waits until there may be something new. It has to be looked at then.
    pub(crate) async fn next(&self) {
        let Some(news) = &self.news else {
            return pending().await;
        };
        if let Err(error) = news.read(is_there).await {
            debug!("definitions are not watched any more: {error}");
            pending().await
        }
    }
}

/// Whether there is something to read, which somebody else does.
fn is_there(news: &OwnedFd) -> io::Result<()> {
    let mut polled = [PollFd::new(news.as_fd(), PollFlags::POLLIN)];
    match poll(&mut polled, PollTimeout::ZERO)? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    }
}
