//! The tables of all sessions that are due, made together.

use std::{future::pending, sync::Arc, time::Duration};

use crate::{
    process::{Error, Table},
    sample,
};

use super::{
    Changes,
    session::Wanted,
    worker::{Answer, Worker},
};

/// What was made for sessions, by their numbers.
pub(crate) type Made = Vec<(u32, Arc<Changes>)>;

/// The batch that is being made, if one is. There is one at a time: of what falls due in the meantime
/// the next one is made, so that nothing piles up behind a pass that takes its time.
#[derive(Default)]
pub(crate) struct Batches {
    being_made: Option<Answer<Made>>,
}

impl Batches {
    pub(crate) fn is_idle(&self) -> bool {
        self.being_made.is_none()
    }

    /// Has the table make what sessions want.
    pub(crate) fn begin(&mut self, worker: &Worker, wanted: Vec<Wanted>) {
        self.being_made = Some(worker.ask(move |table| make(table, &wanted)));
    }

    /// Waits for what is being made; nothing, if that has failed.
    pub(crate) async fn next(&mut self) -> Made {
        let Some(answer) = &mut self.being_made else {
            return pending().await;
        };
        let made = answer.await;
        self.being_made = None;
        // The error is told with the sources.
        made.ok().and_then(Result::ok).unwrap_or_default()
    }
}

/// Of fifty sessions that want the same and know the same, 49 cost little but their signals.
fn make(table: &mut Table, wanted: &[Wanted]) -> Result<Made, Error> {
    // One pass for all: the one that was taken for other frames of the moment will do.
    let since = wanted.iter().map(|wanted| wanted.since).max();
    let since = since.unwrap_or_default();
    let mut made: Vec<(u32, Arc<Changes>)> = Vec::with_capacity(wanted.len());
    for (place, this) in wanted.iter().enumerate() {
        let same = wanted[..place].iter().position(|other| other.is_same(this));
        let changes = match same {
            Some(place) => made[place].1.clone(),
            None => Arc::new(changes(table, this, since)?),
        };
        made.push((this.session, changes));
    }
    Ok(made)
}

fn changes(table: &mut Table, wanted: &Wanted, since: Duration) -> Result<Changes, Error> {
    let Wanted { query, sent, .. } = wanted;
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

impl Wanted {
    fn is_same(&self, other: &Self) -> bool {
        let is_known = match (&self.sent, &other.sent) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        is_known && self.query == other.query
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

    fn wanted(session: u32, field: Field, since: Duration) -> Wanted {
        Wanted {
            session,
            query: Arc::new(Query {
                fields: vec![Field::Pid, field],
                ..Query::default()
            }),
            sent: None,
            since,
        }
    }

    /// Sessions of metrics and of processes, one after the other, whose queries alternate.
    #[tokio::test]
    async fn who_is_due_at_one_moment_has_one_pass() {
        let (roots, pool) = (Roots::default(), Pool::new());
        let table = SharedTable::new(&roots, &pool);
        let options = sources::SourceOptions::default();
        let store = Store::new(sources::all_on(&pool, &table, &roots, &options));
        let selection = store.resolve(&["os/processes"]).unwrap();
        let worker = Worker::new(table);
        let passes = || async { worker.ask(|table| Ok(table.passes())).await.unwrap() };
        for moment in 1..=5 {
            let now = monotonic();
            store.prefetch_frames(&[&*selection; 3], now).await;
            for _ in 0..3 {
                store.read(&selection, now);
            }
            let wanted = [Field::Rss, Field::Cpu, Field::Rss, Field::Cpu];
            let wanted = (1..).zip(wanted);
            let wanted: Vec<_> = wanted
                .map(|(session, field)| self::wanted(session, field, now))
                .collect();
            let made = worker.ask(move |table| make(table, &wanted)).await;
            let made = made.unwrap().unwrap();
            assert!(Arc::ptr_eq(&made[0].1, &made[2].1));
            assert_eq!(passes().await.unwrap(), moment);
        }
        assert_eq!(worker.facts().passes, 5);
    }
}
