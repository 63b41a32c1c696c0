//! Devices that come and go while somebody has a session.

use std::{collections::BTreeSet, future::pending, time::Duration};

use tracing::debug;

use crate::reading::Stamp;

use super::uevent::Uevents;

/// A device that is plugged in makes a dozen uevents: they are looked into together, this long after
/// the first.
const GATHER: Duration = Duration::from_millis(200);

/// What the kernel has said of devices, and not been looked into yet.
#[derive(Default)]
pub(crate) struct Devices {
    uevents: Option<Uevents>,
    news: Option<News>,
}

struct News {
    look_at: Duration,
    /// Any, if the kernel could not say which.
    subsystems: Option<BTreeSet<String>>,
}

impl Devices {
    /// Listens, or does not. What cannot be heard (in a sandbox that knows no netlink) is found when
    /// somebody asks.
    pub(crate) fn listen(&mut self, wanted: bool) {
        if wanted && self.uevents.is_none() {
            let uevents = Uevents::listen();
            self.uevents = uevents
                .inspect_err(|error| debug!("uevents cannot be heard: {error}"))
                .ok();
        }
        if !wanted {
            *self = Self::default();
        }
    }

    /// Waits for the next uevent, and notes it.
    pub(crate) async fn next(&mut self) {
        let Some(uevents) = &self.uevents else {
            return pending().await;
        };
        let subsystem = match uevents.next().await {
            Ok(subsystem) => subsystem,
            Err(error) => {
                debug!("uevents are not heard any more: {error}");
                return pending().await;
            }
        };
        let news = self.news.get_or_insert_with(|| News {
            look_at: Stamp::now().monotonic.saturating_add(GATHER),
            subsystems: Some(BTreeSet::new()),
        });
        match (&mut news.subsystems, subsystem) {
            (Some(subsystems), Some(subsystem)) => drop(subsystems.insert(subsystem)),
            (subsystems, _) => *subsystems = None,
        }
    }

    /// When there is something to look into.
    pub(crate) fn look_at(&self) -> Option<Duration> {
        self.news.as_ref().map(|news| news.look_at)
    }

    /// The subsystems to look into, if it is time.
    pub(crate) fn take(&mut self, now: Duration) -> Option<Option<BTreeSet<String>>> {
        let news = self.news.take_if(|news| news.look_at <= now)?;
        Some(news.subsystems)
    }
}
