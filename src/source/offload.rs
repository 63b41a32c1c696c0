//! Offload: a source is read on the calling thread while it is quick, and on the blocking pool once it was slow.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    metric::Metric,
    reading::{Fault, Raw},
    source::{
        About, Answered, Deferred, Error, Source,
        panic::attempt,
        pool::{Job, Pool, SLOW},
    },
};

/// A source that can be read on the blocking pool.
pub(crate) trait Offloadable: Source + 'static {
    /// Its metrics as far as they are known without a read that may be slow.
    fn metrics(&self) -> Vec<Metric>;

    /// The first file that it reads, for messages.
    fn path(&self) -> PathBuf;
}

/// The sources of one device, which are read one after the other: they share a serial queue of the pool. When one of
/// them was slow, all of them are read on the pool.
#[derive(Clone)]
pub(crate) struct SourceQueue {
    pool: Pool,
    queue: Arc<str>,
    is_slow: Arc<AtomicBool>,
    /// The timeout for the first answer of each source, if it is not the pool's.
    timeout: Option<Duration>,
}

/// A source, and whether it is read on the pool.
pub(crate) struct Offload<S> {
    queue: SourceQueue,
    source: Arc<Mutex<S>>,
    name: Box<str>,
    scope: &'static [&'static str],
    subsystems: &'static [&'static str],
    path: PathBuf,
    /// The metrics of the last discovery, or before it those of [`Offloadable::metrics`].
    metrics: Vec<Metric>,
    /// The moment of the discovery whose answer `metrics` is.
    discovered: Option<Duration>,
    /// Its jobs, if it is read on the pool.
    jobs: Option<Jobs>,
}

struct Jobs {
    discovery: Job<Result<Vec<Metric>, Arc<Error>>>,
    reading: Job<Result<Vec<Raw>, Arc<Error>>>,
}

impl SourceQueue {
    /// The queue of a device. If its sources may block, they are read on the pool from the start.
    pub(crate) fn new(pool: &Pool, device: impl Into<Arc<str>>, may_block: bool) -> Self {
        Self {
            pool: pool.clone(),
            queue: device.into(),
            is_slow: Arc::new(AtomicBool::new(may_block)),
            timeout: None,
        }
    }

    /// Sets the timeout for the first answer of each source.
    #[cfg(feature = "custom")]
    pub(crate) fn with_timeout(self, timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..self
        }
    }

    fn job<T: Clone + Send + 'static>(
        &self,
        work: impl Fn() -> T + Send + Sync + 'static,
    ) -> Job<T> {
        match self.timeout {
            Some(timeout) => Job::with_timeout(&self.pool, &self.queue, timeout, work),
            None => Job::new(&self.pool, &self.queue, work),
        }
    }
}

impl<S: Offloadable> Offload<S> {
    /// A source of the queue, for a list of sources.
    pub(crate) fn boxed(queue: &SourceQueue, source: S) -> Box<dyn Source> {
        Box::new(Self::new(queue, source))
    }

    /// A source of the queue.
    pub(crate) fn new(queue: &SourceQueue, source: S) -> Self {
        let about = source.about();
        Self {
            queue: queue.clone(),
            name: about.name.into(),
            scope: about.scope,
            subsystems: about.subsystems,
            path: source.path(),
            metrics: source.metrics(),
            discovered: None,
            source: Arc::new(Mutex::new(source)),
            jobs: None,
        }
    }

    /// Its jobs, if it is read on the pool.
    fn jobs(&mut self) -> Option<&Jobs> {
        if self.jobs.is_none() && self.queue.is_slow.load(Ordering::Relaxed) {
            let source = self.source.clone();
            let discover = move || attempt(|| lock(&source).discover()).map_err(Arc::new);
            let source = self.source.clone();
            let read = move || {
                let mut columns = Vec::new();
                let outcome = attempt(|| lock(&source).read(&mut columns));
                outcome.map(|()| columns).map_err(Arc::new)
            };
            self.jobs = Some(Jobs {
                discovery: self.queue.job(discover),
                reading: self.queue.job(read),
            });
        }
        self.jobs.as_ref()
    }
}

impl<S: Offloadable> Source for Offload<S> {
    fn about(&self) -> About<'_> {
        About::new(&self.name, self.scope).of_devices(self.subsystems)
    }

    fn may_have(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        self.metrics.iter().any(|metric| is_meant(&metric.id))
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let Some(jobs) = self.jobs() else {
            self.metrics = lock(&self.source).discover()?;
            return Ok(self.metrics.clone());
        };
        let discovered = jobs.discovery.answered();
        if discovered.is_none() {
            // The discovery hangs or is pending: the metrics have no label and no limits for now.
            jobs.discovery.ask(Duration::ZERO);
            return Ok(self.metrics.clone());
        }
        let answer = jobs.discovery.answer();
        self.discovered = discovered;
        if let Ok(found) = answer {
            self.metrics = found.map_err(|error| error.again())?;
        }
        Ok(self.metrics.clone())
    }

    fn changed(&self) -> bool {
        let jobs = self.jobs.as_ref();
        jobs.is_some_and(|jobs| jobs.discovery.answered() != self.discovered)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let was_here = self.jobs.is_none();
        let Some(jobs) = self.jobs() else {
            let start = Instant::now();
            let outcome = lock(&self.source).read(columns);
            if start.elapsed() > SLOW {
                self.queue.is_slow.store(true, Ordering::Relaxed);
            }
            return outcome;
        };
        match jobs.reading.answer() {
            Ok(outcome) => {
                columns.extend(outcome.map_err(|error| error.again())?);
                Ok(())
            }
            // Another source of the queue has just been slow. The first read of this one on the pool begins here, so
            // that it is not late yet.
            Err(_) if was_here => {
                jobs.reading.ask(Duration::ZERO);
                let widths = self.metrics.iter().map(|metric| metric.formula.width());
                columns.resize(widths.max().unwrap_or(0), Raw::Fault(Fault::Timeout));
                Ok(())
            }
            Err(_) => Err(Error::io(&self.path, io::ErrorKind::TimedOut.into())),
        }
    }

    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        Some(self)
    }
}

impl<S: Offloadable> Deferred for Offload<S> {
    fn when_answered(&mut self, tell: Answered) {
        self.queue.pool.when_answered(tell);
    }

    fn begin_discovery(&mut self, since: Duration) {
        if let Some(jobs) = self.jobs() {
            jobs.discovery.ask(since);
        }
    }

    fn begin(&mut self, since: Duration) {
        if let Some(jobs) = self.jobs() {
            jobs.reading.ask(since);
        }
    }

    fn awaited_until(&self) -> Option<Instant> {
        let jobs = self.jobs.as_ref()?;
        let both = [jobs.discovery.awaited_until(), jobs.reading.awaited_until()];
        both.into_iter().flatten().min()
    }

    #[cfg(test)]
    fn is_pending(&self) -> bool {
        let is_pending = |jobs: &Jobs| jobs.discovery.is_pending() || jobs.reading.is_pending();
        self.jobs.as_ref().is_some_and(is_pending)
    }
}

fn lock<S>(source: &Mutex<S>) -> std::sync::MutexGuard<'_, S> {
    source.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
