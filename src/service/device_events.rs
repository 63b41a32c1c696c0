//! Uevents of devices, received while there is a session and handled in groups.

use std::{collections::BTreeSet, future::pending, time::Duration};

use futures_util::FutureExt;
use tracing::debug;

use crate::reading::Stamp;

use super::uevent::Uevents;

/// The time from the first uevent of a group until the group is handled: one plugged-in device sends a
/// dozen uevents.
const COALESCE: Duration = Duration::from_millis(200);

/// The uevent socket, and the received uevents that are not handled yet.
#[derive(Default)]
pub(crate) struct DeviceEvents {
    uevents: Option<Uevents>,
    pending: Option<Pending>,
}

/// Uevents that are handled together.
struct Pending {
    due: Duration,
    /// Whether a frame since the first of them has been preceded by a probe.
    is_probed: bool,
    /// `None` stands for all subsystems: the kernel has dropped uevents.
    subsystems: Option<BTreeSet<String>>,
}

impl DeviceEvents {
    /// Opens or closes the uevent socket. Where it cannot be opened (some sandboxes deny netlink), calls
    /// still discover devices.
    pub(crate) fn listen(&mut self, wanted: bool) {
        if wanted && self.uevents.is_none() {
            let uevents = Uevents::listen();
            self.uevents = uevents
                .inspect_err(|error| debug!("uevents cannot be received: {error}"))
                .ok();
        }
        if !wanted {
            *self = Self::default();
        }
    }

    /// Waits for the next uevent and stores its subsystem.
    pub(crate) async fn receive(&mut self) {
        let Some(uevents) = &self.uevents else {
            return pending().await;
        };
        let subsystem = match uevents.next().await {
            Ok(subsystem) => subsystem,
            Err(error) => {
                debug!("uevents are no longer received: {error}");
                return pending().await;
            }
        };
        let pending = self.pending.get_or_insert_with(|| Pending {
            due: Stamp::now().monotonic.saturating_add(COALESCE),
            is_probed: false,
            subsystems: Some(BTreeSet::new()),
        });
        match (&mut pending.subsystems, subsystem) {
            (Some(subsystems), Some(subsystem)) => drop(subsystems.insert(subsystem)),
            (subsystems, _) => *subsystems = None,
        }
    }

    /// The moment at which the pending uevents are to be handled.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.pending.as_ref().map(|pending| pending.due)
    }

    /// Receives the uevents that have come already, before a frame: another device may have the name of one that the
    /// frame reads.
    pub(crate) fn receive_all(&mut self) {
        // This ends in a storm of uevents, too: the budget of the task is limited.
        while self.receive().now_or_never().is_some() {}
    }

    /// The subsystems to probe before a frame at this moment; the inner `None` stands for all. When the uevents of a
    /// group are due, they are handled. Of the frames before that, the first is preceded by a probe as well.
    pub(crate) fn take_for_frame(&mut self, now: Duration) -> Option<Option<BTreeSet<String>>> {
        let pending = self.pending.as_mut()?;
        if pending.due <= now {
            return Some(self.pending.take()?.subsystems);
        }
        let is_probed = std::mem::replace(&mut pending.is_probed, true);
        (!is_probed).then(|| pending.subsystems.clone())
    }
}
