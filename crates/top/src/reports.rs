//! The reports of the service on itself, one after the other while a page shows them.

use std::{future::pending, time::Duration};

use sampled_client::{Client, Error};
use tokio::time::{Instant, sleep_until};

use crate::{
    sampling::{Owners, Report, report},
    task::Task,
};

/// The shortest time between two reports.
pub(crate) const SHORTEST_WAIT: Duration = Duration::from_secs(2);

/// The report that is asked for, or the wait for the next one.
pub(crate) struct Reports {
    task: Task<(Report, Owners)>,
    due: Instant,
    owners: Owners,
}

impl Reports {
    /// The first report is due at once.
    pub(crate) fn new() -> Self {
        Self {
            task: Task::none(),
            due: Instant::now(),
            owners: Owners::default(),
        }
    }

    /// Asks for a report if one is due.
    pub(crate) fn demand(&mut self, client: &Client) {
        if self.due <= Instant::now() && !self.task.is_running() {
            let (client, owners) = (client.clone(), std::mem::take(&mut self.owners));
            self.task
                .start(async move { report(&client, owners).await });
        }
    }

    /// Waits for the report that is asked for; `None` if the next one is due, which never comes unless reports are
    /// `needed`. Cancel safe.
    pub(crate) async fn next(
        &mut self,
        needed: bool,
        interval: Duration,
    ) -> Option<Result<Report, Error>> {
        if !self.task.is_running() {
            match needed {
                true => sleep_until(self.due).await,
                false => pending().await,
            }
            return None;
        }
        let result = self.task.next().await;
        let now = Instant::now();
        self.due = now.checked_add(interval.max(SHORTEST_WAIT)).unwrap_or(now);
        Some(result.map(|(report, owners)| {
            self.owners = owners;
            report
        }))
    }
}
