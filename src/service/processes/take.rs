//! One fresh look at the table, rates included.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use crate::{
    process::{self, Pass, Query, Table},
    reading::{Fault, Stamp},
    sample,
};

use super::worker::Worker;
use crate::service::error::Error;

/// What was taken from the table.
pub(crate) struct Taken<T> {
    pub(crate) table: T,
    /// Whether there was no time for the second of two passes.
    is_late: bool,
}

impl<T> Taken<T> {
    /// A fault as it is to be told.
    pub(crate) fn fault(&self, fault: Fault) -> Fault {
        match fault {
            Fault::First if self.is_late => Fault::Timeout,
            fault => fault,
        }
    }
}

enum Step<T> {
    Taken(Taken<T>),
    /// There is only one pass yet: the second one is to come a window later.
    Baseline(Arc<Pass>),
}

/// Takes something from the table for a query: rows, or sums. What needs a rate and has no earlier pass
/// to compare with takes two, a window apart.
///
/// # Errors
/// `Timeout`, when the table does not answer in time.
pub(crate) async fn take<T: Send + 'static>(
    worker: &Worker,
    options: sample::SampleTiming,
    query: &Query,
    make: impl Fn(&mut Table, Duration, Option<&Pass>) -> Result<T, process::Error>
    + Clone
    + Send
    + 'static,
) -> Result<Taken<T>, Error> {
    let window = options.window;
    let now = Stamp::now().monotonic;
    let begin = Instant::now();
    let latest = now.saturating_add(options.timeout);
    let since = now.saturating_sub(options.max_age);
    let first = make.clone();
    let query = query.clone();
    let step = ask(worker, begin, options.timeout, move |table| {
        let pass = table.rows(&Query::default(), since, None)?.pass;
        let moment = pass.stamp.monotonic;
        let before = table.past(&query, moment, window);
        let is_missing = query.needs_baseline() && before.is_none();
        if is_missing && moment.saturating_add(window) < latest {
            return Ok(Step::Baseline(table.baseline(&query, moment)?));
        }
        let taken = first(table, moment, before.as_deref())?;
        Ok(Step::Taken(Taken {
            table: taken,
            is_late: is_missing,
        }))
    });
    let before = match step.await? {
        Step::Taken(taken) => return Ok(taken),
        Step::Baseline(pass) => pass,
    };
    let ready = before.stamp.monotonic.saturating_add(window);
    let wait = ready.saturating_sub(Stamp::now().monotonic);
    sleep(wait).await;
    let second = move |table: &mut Table| make(table, ready, Some(&before));
    let table = ask(worker, begin, options.timeout, second).await?;
    Ok(Taken {
        table,
        is_late: false,
    })
}

async fn ask<T: Send + 'static>(
    worker: &Worker,
    begin: Instant,
    limit: Duration,
    work: impl FnOnce(&mut Table) -> Result<T, process::Error> + Send + 'static,
) -> Result<T, Error> {
    let left = limit.saturating_sub(begin.elapsed());
    match timeout(left, worker.ask(work)).await {
        Ok(Ok(answer)) => answer.map_err(|error| Error::failed(error.to_string())),
        Ok(Err(_)) => Err(Error::failed(
            "the table of processes has failed".to_owned(),
        )),
        Err(_) => Err(Error::timeout(format!(
            "the processes could not be read in {} ms",
            limit.as_millis()
        ))),
    }
}
