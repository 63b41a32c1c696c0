//! A guard before a source that may be slow: what has proved so is read on the slow lane.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    reading::{Metric, Raw},
    source::{Error, Source, lane, panic::attempt},
};

/// The lane that all guarded sources share.
pub(super) type Lane = lane::Lane<Answer>;

/// What a source has said on the lane.
#[derive(Clone)]
pub(super) enum Answer {
    Metrics(Result<Vec<Metric>, Arc<Error>>),
    /// The columns, and how long it took to read them.
    Columns(Duration, Result<Vec<Raw>, Arc<Error>>),
}

/// A source that may be guarded.
pub(super) trait Guarded: Source + 'static {
    /// What is known of its metrics before anything is read that may be slow.
    fn metrics(&self) -> Vec<Metric>;

    /// What it reads first, for messages.
    fn path(&self) -> PathBuf;
}

/// A source that is read here while it is quick, and on the lane once it has not been.
pub(super) struct Guard<S> {
    lane: Arc<Lane>,
    source: Arc<Mutex<S>>,
    name: Box<str>,
    scope: &'static [&'static str],
    subsystems: &'static [&'static str],
    path: PathBuf,
    metrics: Vec<Metric>,
    /// Its jobs on the lane, where it is read there.
    jobs: Option<Jobs>,
}

struct Jobs {
    discover: usize,
    read: usize,
    /// How long the last reading took that was heard of.
    cost: Option<Duration>,
}

/// A reading that takes longer is slow.
pub(super) const SLOW: Duration = Duration::from_millis(5);

/// What is slow is answered with the last reading if that is as young, and nobody waits: the ticks of
/// a session find what the one before them has asked for.
const FRESH: Duration = Duration::from_secs(10);

/// How long is waited for a reading, at most: the first one, or if the last is older than that. What
/// has not answered by then is not waited for again until it has.
const PATIENCE: Duration = Duration::from_millis(100);

impl<S: Guarded> Guard<S> {
    /// A guard before a source, which is never read but on the lane if it may hang.
    pub(super) fn boxed(lane: &Arc<Lane>, source: S, may_hang: bool) -> Box<dyn Source> {
        let mut guard = Self {
            lane: lane.clone(),
            name: source.name().into(),
            scope: source.scope(),
            subsystems: source.subsystems(),
            path: source.path(),
            metrics: source.metrics(),
            source: Arc::new(Mutex::new(source)),
            jobs: None,
        };
        if may_hang {
            guard.move_to_lane();
        }
        Box::new(guard)
    }

    fn move_to_lane(&mut self) {
        let source = self.source.clone();
        let discover = self
            .lane
            .add(move || Answer::Metrics(attempt(|| lock(&source).discover()).map_err(Arc::new)));
        let source = self.source.clone();
        let read = self.lane.add(move || {
            let start = Instant::now();
            let mut columns = Vec::new();
            let outcome = attempt(|| lock(&source).read(&mut columns)).map_err(Arc::new);
            Answer::Columns(start.elapsed(), outcome.map(|()| columns))
        });
        self.jobs = Some(Jobs {
            discover,
            read,
            cost: None,
        });
    }
}

impl<S: Guarded> Source for Guard<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn scope(&self) -> &'static [&'static str] {
        self.scope
    }

    fn may_have(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        self.metrics.iter().any(|metric| is_meant(&metric.id))
    }

    fn subsystems(&self) -> &'static [&'static str] {
        self.subsystems
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let Some(jobs) = &self.jobs else {
            return lock(&self.source).discover();
        };
        match self.lane.take(jobs.discover, Duration::ZERO, PATIENCE) {
            Ok(Answer::Metrics(found)) => found.map_err(|error| error.again()),
            // It hangs, or is on its way: without label and limits for now.
            _ => Ok(self.metrics.clone()),
        }
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let Some(jobs) = &mut self.jobs else {
            let start = Instant::now();
            let outcome = lock(&self.source).read(columns);
            if start.elapsed() > SLOW {
                self.move_to_lane();
            }
            return outcome;
        };
        let (age, patience) = match jobs.cost {
            None => (Duration::ZERO, PATIENCE),
            // Quick so far: as fresh as any other reading.
            Some(cost) if cost <= SLOW => (Duration::ZERO, SLOW.saturating_mul(2)),
            Some(cost) => (FRESH, PATIENCE.min(cost.saturating_mul(2))),
        };
        match self.lane.take(jobs.read, age, patience) {
            Ok(Answer::Columns(cost, outcome)) => {
                jobs.cost = Some(cost);
                columns.extend(outcome.map_err(|error| error.again())?);
                Ok(())
            }
            _ => Err(Error::io(&self.path, io::ErrorKind::TimedOut.into())),
        }
    }
}

fn lock<S>(source: &Mutex<S>) -> std::sync::MutexGuard<'_, S> {
    source.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
