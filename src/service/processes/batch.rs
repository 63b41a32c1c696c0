//! The tables of all sessions that are due, made together.

use std::{future::pending, sync::Arc, time::Duration};

use crate::{
    process::{Error, Table},
    reading::Stamp,
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
        let now = Stamp::now().monotonic;
        self.being_made = Some(worker.ask(move |table| make(table, &wanted, now)));
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
fn make(table: &mut Table, wanted: &[Wanted], now: Duration) -> Result<Made, Error> {
    let mut made: Vec<(u32, Arc<Changes>)> = Vec::with_capacity(wanted.len());
    for (place, this) in wanted.iter().enumerate() {
        let same = wanted[..place].iter().position(|other| other.is_same(this));
        let changes = match same {
            Some(place) => made[place].1.clone(),
            None => Arc::new(changes(table, this, now)?),
        };
        made.push((this.session, changes));
    }
    Ok(made)
}

fn changes(table: &mut Table, wanted: &Wanted, now: Duration) -> Result<Changes, Error> {
    let Wanted { query, sent, .. } = wanted;
    let before = match sent {
        Some(sent) => Some(sent.pass.clone()),
        None => table.past(query, now, sample::Options::default().window),
    };
    let rows = table.rows(query, now, before.as_deref())?;
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
