//! Batches: the tables of all sessions that are due, made in one job.

use std::{future::pending, sync::Arc, time::Duration};

use crate::{
    process::{Error, Table},
    sample,
};

use super::{
    Changes,
    async_table::{AsyncTable, TableJob},
    subject::TableRequest,
};

/// The changes of each session's table, by session number.
pub(crate) type ChangesBySession = Vec<(u32, Arc<Changes>)>;

/// The batch in progress. There is one at a time: sessions that fall due meanwhile are in the next one, so
/// that nothing piles up behind a slow pass.
#[derive(Default)]
pub(crate) struct Batches {
    job: Option<TableJob<ChangesBySession>>,
}

impl Batches {
    pub(crate) fn is_idle(&self) -> bool {
        self.job.is_none()
    }

    /// Starts a batch for these requests.
    pub(crate) fn begin(&mut self, table: &AsyncTable, requests: Vec<TableRequest>) {
        self.job = Some(table.run(move |table| run_batch(table, &requests)));
    }

    /// Waits for the batch in progress, and for ever if there is none. A failed batch has no changes.
    pub(crate) async fn next(&mut self) -> ChangesBySession {
        let Some(job) = &mut self.job else {
            return pending().await;
        };
        let changes = job.await;
        self.job = None;
        // `Sources` shows the error.
        changes.ok().and_then(Result::ok).unwrap_or_default()
    }
}

/// Computes the changes of each session. Sessions with the same query and the same table sent last share one
/// result: of fifty such sessions, 49 cost little more than their signals.
fn run_batch(table: &mut Table, requests: &[TableRequest]) -> Result<ChangesBySession, Error> {
    // One pass for all requests; a pass taken for other frames of this moment is young enough.
    let since = requests.iter().map(|request| request.since).max();
    let since = since.unwrap_or_default();
    let mut all: Vec<(u32, Arc<Changes>)> = Vec::with_capacity(requests.len());
    for (index, request) in requests.iter().enumerate() {
        let same = requests[..index]
            .iter()
            .position(|other| other.is_same(request));
        let changes = match same {
            Some(index) => all[index].1.clone(),
            None => Arc::new(changes(table, request, since)?),
        };
        all.push((request.session, changes));
    }
    Ok(all)
}

fn changes(table: &mut Table, request: &TableRequest, since: Duration) -> Result<Changes, Error> {
    let TableRequest { query, sent, .. } = request;
    let before = match sent {
        Some(sent) => Some(sent.pass.clone()),
        None => table.past(query, since, sample::SampleTiming::default().window),
    };
    let rows = table.rows(query, since, before.as_deref())?;
    Ok(Changes::between(
        &query.fields,
        sent.as_deref(),
        rows.into(),
    ))
}

impl TableRequest {
    fn is_same(&self, other: &Self) -> bool {
        let has_same_baseline = match (&self.sent, &other.sent) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        has_same_baseline && self.query == other.query
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        process::{Field, Query, SharedTable},
        reading::monotonic,
        source::{Roots, pool::Pool},
        sources,
        store::Store,
    };

    fn request(session: u32, field: Field, since: Duration) -> TableRequest {
        TableRequest {
            session,
            query: Arc::new(Query {
                fields: vec![Field::Pid, field],
                ..Query::default()
            }),
            sent: None,
            since,
        }
    }

    /// Sessions of metrics, then sessions of processes with alternating queries.
    #[tokio::test]
    async fn sessions_due_at_one_moment_share_a_pass() {
        let (roots, pool) = (Roots::default(), Pool::new());
        let table = SharedTable::new(&roots, &pool);
        let options = sources::SourceOptions::default();
        let store = Store::new(sources::all_on(&pool, &table, &roots, &options));
        let selection = store.resolve(&["os/processes"]).unwrap();
        let table = AsyncTable::new(table);
        let passes = || async { table.run(|table| Ok(table.passes())).await.unwrap() };
        for moment in 1..=5 {
            let now = monotonic();
            store.prefetch_frames(&[&*selection; 3], now).await;
            for _ in 0..3 {
                store.read(&selection, now);
            }
            let requests = [Field::Rss, Field::Cpu, Field::Rss, Field::Cpu];
            let requests = (1..).zip(requests);
            let requests: Vec<_> = requests
                .map(|(session, field)| request(session, field, now))
                .collect();
            let changes = table.run(move |table| run_batch(table, &requests)).await;
            let changes = changes.unwrap().unwrap();
            assert!(Arc::ptr_eq(&changes[0].1, &changes[2].1));
            assert_eq!(passes().await.unwrap(), moment);
        }
        assert_eq!(table.stats().passes, 5);
    }
}
