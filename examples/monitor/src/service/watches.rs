//! The watches of thresholds.

use std::time::Instant;

use gtk::glib::{self, prelude::*, subclass::prelude::*};
use sampled_client::{Error, WatchOptions};

use super::{
    Service,
    acquisition::{LABEL, list},
    backoff::Backoff,
};
use crate::threshold::Threshold;

/// The thresholds, and the task that watches each while the window is not paused.
#[derive(Debug, Default)]
pub(super) struct Watches {
    entries: Vec<(Threshold, Option<glib::JoinHandle<()>>)>,
}

impl Watches {
    /// Sets the thresholds. Watches of those that stay go on.
    pub(super) fn set(&mut self, thresholds: Vec<Threshold>) {
        let mut former = std::mem::take(&mut self.entries);
        for threshold in thresholds {
            let position = former.iter().position(|(known, _)| *known == threshold);
            let task = position.and_then(|position| former.swap_remove(position).1);
            self.entries.push((threshold, task));
        }
        for (_, task) in former {
            if let Some(task) = task {
                task.abort();
            }
        }
    }

    /// Watches all thresholds.
    pub(super) fn start(&mut self, service: &Service) {
        for (threshold, task) in &mut self.entries {
            if task.is_none() {
                let future = watch(service.downgrade(), threshold.clone());
                *task = Some(glib::spawn_future_local(future));
            }
        }
    }

    /// Watches nothing.
    pub(super) fn stop(&mut self) {
        for (_, task) in &mut self.entries {
            if let Some(task) = task.take() {
                task.abort();
            }
        }
    }
}

/// Watches a threshold until the task is aborted.
async fn watch(service: glib::WeakRef<Service>, threshold: Threshold) {
    let mut backoff = Backoff::default();
    let mut has_crossed = false;
    loop {
        if follow(&service, &threshold, &mut has_crossed, &mut backoff)
            .await
            .is_ok()
        {
            return;
        }
        glib::timeout_future(backoff.fail(Instant::now())).await;
    }
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

    #[test]
    fn a_list_replaces_the_former_one() {
        let mut watches = Watches::default();
        let threshold = |value| Threshold {
            id: "cpu/all/usage".to_owned(),
            direction: Direction::Above,
            value,
        };
        watches.set(vec![threshold(1.0), threshold(2.0)]);
        watches.set(vec![threshold(2.0), threshold(3.0)]);
        let values: Vec<f64> = watches
            .entries
            .iter()
            .map(|(known, _)| known.value)
            .collect();
        assert_eq!(values, [2.0, 3.0]);
    }
}
