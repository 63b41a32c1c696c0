//! The watches of thresholds.

use std::time::Instant;

use gtk::glib::{self, prelude::*, subclass::prelude::*};
use sampled_client::{Client, Error, WatchOptions, zbus};

use super::{
    Service,
    acquisition::{LABEL, list},
    backoff::Backoff,
    state::Unwatched,
};
use crate::threshold::Threshold;

/// The thresholds, which are watched while the window is not paused.
#[derive(Debug, Default)]
pub(super) struct Watches {
    entries: Vec<Entry>,
}

/// A threshold, and the task that watches it.
#[derive(Debug)]
struct Entry {
    threshold: Threshold,
    task: Option<glib::JoinHandle<()>>,
    unwatched: Option<Unwatched>,
}

impl Entry {
    fn stop(&mut self) {
        self.unwatched = None;
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Watches {
    /// Sets the thresholds. Watches of those that stay go on.
    pub(super) fn set(&mut self, thresholds: Vec<Threshold>) {
        let mut former = std::mem::take(&mut self.entries);
        for threshold in thresholds {
            let position = former.iter().position(|known| known.threshold == threshold);
            let known = position.map(|position| former.swap_remove(position));
            self.entries.push(known.unwrap_or(Entry {
                threshold,
                task: None,
                unwatched: None,
            }));
        }
        for mut entry in former {
            entry.stop();
        }
    }

    /// Watches all thresholds.
    pub(super) fn start(&mut self, service: &Service) {
        for entry in &mut self.entries {
            if entry.task.is_none() {
                let future = watch(service.downgrade(), entry.threshold.clone());
                entry.task = Some(glib::spawn_future_local(future));
            }
        }
    }

    /// Watches nothing.
    pub(super) fn stop(&mut self) {
        self.entries.iter_mut().for_each(Entry::stop);
    }

    /// The reason why a threshold is not watched, if that is so.
    pub(super) fn unwatched(&self) -> Option<Unwatched> {
        let mut reasons = self.entries.iter().map(|entry| &entry.unwatched);
        reasons.find_map(Clone::clone)
    }

    fn set_unwatched(&mut self, threshold: &Threshold, unwatched: Option<Unwatched>) {
        let mut entries = self.entries.iter_mut();
        if let Some(entry) = entries.find(|entry| entry.threshold == *threshold) {
            entry.unwatched = unwatched;
        }
    }
}

impl Service {
    /// Changes the watches, and tells it if another reason, or none, is left why one is missing.
    pub(super) fn change_watches(&self, change: impl FnOnce(&mut Watches)) {
        let watches = &self.imp().watches;
        let former = watches.borrow().unwatched();
        change(&mut watches.borrow_mut());
        if watches.borrow().unwatched() != former {
            self.emit_by_name::<()>("state-changed", &[]);
        }
    }
}

/// Watches a threshold until the task is aborted.
async fn watch(service: glib::WeakRef<Service>, threshold: Threshold) {
    let mut backoff = Backoff::default();
    let mut has_crossed = false;
    loop {
        let watched = follow(&service, &threshold, &mut has_crossed, &mut backoff).await;
        let Err(error) = watched else {
            return;
        };
        let Some(strong) = service.upgrade() else {
            return;
        };
        let unwatched = reason(&error);
        let client = strong
            .client()
            .filter(|_| unwatched == Some(Unwatched::EarlierVersion));
        strong.change_watches(|watches| watches.set_unwatched(&threshold, unwatched));
        drop(strong);
        let is_another = match client {
            Some(client) => until_another_service(&client).await.is_ok(),
            None => false,
        };
        if !is_another {
            glib::timeout_future(backoff.fail(Instant::now())).await;
        }
    }
}

/// The reason that the user should know. Others pass, and the state of the service tells of them.
fn reason(error: &Error) -> Option<Unwatched> {
    match error {
        Error::UnknownMethod(_) => Some(Unwatched::EarlierVersion),
        // An error that only a later version knows.
        Error::Bus(zbus::Error::MethodError(..)) => Some(Unwatched::refused(error)),
        Error::NoBus(_)
        | Error::Handshake(_)
        | Error::NoAnswer { .. }
        | Error::NotInstalled(_)
        | Error::Stopping
        | Error::Ended(_)
        | Error::Bus(_) => None,
        _ => Some(Unwatched::refused(error)),
    }
}

/// Waits until the service has left, and one is there again.
async fn until_another_service(client: &Client) -> Result<(), Error> {
    client.bus().until_unowned().await?;
    client.bus().until_owned().await
}

/// One watch, from its start to its end, which is an error; or to that of the window.
async fn follow(
    service: &glib::WeakRef<Service>,
    threshold: &Threshold,
    has_crossed: &mut bool,
    backoff: &mut Backoff,
) -> Result<(), Error> {
    let Some(strong) = service.upgrade() else {
        return Ok(());
    };
    let client = strong.connect_to_bus().await?;
    let options = WatchOptions {
        direction: threshold.direction,
        recovery: true,
        interval: strong.interval(),
        label: LABEL.to_owned(),
        optional: true,
        crossed: has_crossed
            .then(|| threshold.id.clone())
            .into_iter()
            .collect(),
        ..WatchOptions::default()
    };
    let lacks_catalog = strong.catalog().is_empty();
    drop(strong);
    // The notification of a crossing has a name and a unit.
    if lacks_catalog {
        list(service, &client).await;
    }
    let mut watch = client
        .watch(&threshold.id, threshold.value, options)
        .await?;
    backoff.succeed(Instant::now());
    if let Some(service) = service.upgrade() {
        service.change_watches(|watches| watches.set_unwatched(threshold, None));
    }
    loop {
        let crossing = watch.next().await?;
        *has_crossed = crossing.direction == threshold.direction;
        let Some(service) = service.upgrade() else {
            return Ok(());
        };
        let receiver = service.imp().on_crossing.borrow().clone();
        if let Some(receiver) = receiver {
            receiver(threshold, &crossing);
        }
    }
}

#[cfg(test)]
mod tests {
    use sampled_client::Direction;

    use super::*;

    fn threshold(value: f64) -> Threshold {
        Threshold {
            id: "cpu/all/usage".to_owned(),
            direction: Direction::Above,
            value,
        }
    }

    #[test]
    fn a_list_replaces_the_former_one() {
        let mut watches = Watches::default();
        watches.set(vec![threshold(1.0), threshold(2.0)]);
        watches.set(vec![threshold(2.0), threshold(3.0)]);
        let values = watches.entries.iter().map(|entry| entry.threshold.value);
        assert_eq!(values.collect::<Vec<f64>>(), [2.0, 3.0]);
    }

    #[test]
    fn a_reason_goes_with_its_threshold() {
        let mut watches = Watches::default();
        watches.set(vec![threshold(1.0), threshold(2.0)]);
        let refused = Unwatched::refused(&Error::LimitExceeded("too many watches".to_owned()));
        watches.set_unwatched(&threshold(2.0), Some(refused.clone()));
        watches.set_unwatched(&threshold(3.0), Some(Unwatched::EarlierVersion));
        assert_eq!(watches.unwatched(), Some(refused));
        watches.set(vec![threshold(1.0)]);
        assert_eq!(watches.unwatched(), None);
    }
}
