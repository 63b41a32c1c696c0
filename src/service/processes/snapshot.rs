//! One fresh snapshot of the table, rates included.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use crate::{
    process::{self, Pass, Query, Table},
    reading::{Fault, Stamp},
    sample,
};

use super::async_table::AsyncTable;
use crate::service::error::Error;

/// Rows or sums taken from the table.
pub(crate) struct Snapshot<T> {
    pub(crate) table: T,
    /// Whether the timeout left no time for a second pass.
    is_late: bool,
}

impl<T> Snapshot<T> {
    /// The fault as it is sent: a rate that lacks its second pass has `timeout` instead of `first`.
    pub(crate) fn fault(&self, fault: Fault) -> Fault {
        match fault {
            Fault::First if self.is_late => Fault::Timeout,
            fault => fault,
        }
    }
}

enum Step<T> {
    Done(Snapshot<T>),
    /// The first of two passes; the second one follows a window later.
    Baseline(Arc<Pass>),
}

/// Takes rows or sums from the table. A query with a rate takes two passes, a window apart, if there is no
/// earlier pass to compare with.
///
/// # Errors
/// `Timeout`, when the passes are not done in time.
pub(crate) async fn take<T: Send + 'static>(
    table: &AsyncTable,
    options: sample::SampleTiming,
    query: &Query,
    make: impl Fn(&mut Table, Duration, Option<&Pass>) -> Result<T, process::Error>
    + Clone
    + Send
    + 'static,
) -> Result<Snapshot<T>, Error> {
    let window = options.window;
    let now = Stamp::now().monotonic;
    let begin = Instant::now();
    let latest = now.saturating_add(options.timeout);
    let since = now.saturating_sub(options.max_age);
    let first = make.clone();
    let query = query.clone();
    let step = run_until(table, begin, options.timeout, move |table| {
        let pass = table.pass(since)?;
        let moment = pass.stamp.monotonic;
        let before = table.past(&query, moment, window);
        let lacks_baseline = query.needs_baseline() && before.is_none();
        if lacks_baseline && moment.saturating_add(window) < latest {
            return Ok(Step::Baseline(table.baseline(&query, moment)?));
        }
        let rows = first(table, moment, before.as_deref())?;
        Ok(Step::Done(Snapshot {
            table: rows,
            is_late: lacks_baseline,
        }))
    });
    let before = match step.await? {
        Step::Done(snapshot) => return Ok(snapshot),
        Step::Baseline(pass) => pass,
    };
    let ready = before.stamp.monotonic.saturating_add(window);
    let wait = ready.saturating_sub(Stamp::now().monotonic);
    sleep(wait).await;
    let second = move |table: &mut Table| make(table, ready, Some(&before));
    let table = run_until(table, begin, options.timeout, second).await?;
    Ok(Snapshot {
        table,
        is_late: false,
    })
}

async fn run_until<T: Send + 'static>(
    table: &AsyncTable,
    begin: Instant,
    limit: Duration,
    job: impl FnOnce(&mut Table) -> Result<T, process::Error> + Send + 'static,
) -> Result<T, Error> {
    let left = limit.saturating_sub(begin.elapsed());
    match timeout(left, table.run(job)).await {
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
