//! The service in this process, without a bus: the same calls, limits and sessions.

use std::{
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::task::JoinHandle;

use super::{
    control::Selected,
    error::{self, Error},
    options::{SampleOptions, StartOptions},
    processes::{
        query,
        snapshot::{self, Snapshot},
    },
    queues::Queue,
    sampling::Sampled,
    session::{Event, Metrics, Session, Subject},
    session_loop,
    settings::Settings,
    source_states,
    state::ServiceState,
    streams,
    timer::Timer,
};
use crate::{
    process::{self, Group, Pass, Query, Table},
    sample::SampleTiming,
    source::Roots,
    store::SourceState,
    wire,
};

/// The owner of the sessions of this process. No client on a bus has an empty name.
const THIS_PROCESS: &str = "";

/// The service in this process.
pub(crate) struct InProcess {
    state: Arc<ServiceState>,
    /// The task that takes the frames, once a session has begun.
    frames: Mutex<Option<FrameTask>>,
}

/// The task that takes the frames of all sessions. It is aborted when this is dropped.
struct FrameTask(JoinHandle<()>);

/// A session of this process. It ends when it is dropped.
pub(crate) struct OwnSession {
    id: u32,
    /// The columns at the start.
    pub(crate) columns: Vec<Arc<str>>,
    queue: Arc<Queue>,
    service: Arc<InProcess>,
}

impl InProcess {
    /// Opens no file before a call needs it.
    pub(crate) fn new(roots: &Roots, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            state: ServiceState::new(roots, settings),
            frames: Mutex::default(),
        })
    }

    /// As `List`.
    pub(crate) async fn list(&self, selectors: &[&str]) -> Result<wire::Catalog, Error> {
        self.state.catalog.list(None, None, selectors).await
    }

    /// As `Sample`.
    pub(crate) async fn sample(
        &self,
        selectors: &[&str],
        options: SampleOptions,
    ) -> Result<Sampled, Error> {
        let sampling = &self.state.sampling;
        sampling.sample(None, None, selectors, options).await
    }

    /// As `Sources`.
    pub(crate) async fn sources(&self) -> Vec<SourceState> {
        source_states::list(&self.state, None).await
    }

    /// As `Start`.
    pub(crate) async fn start(
        self: &Arc<Self>,
        selectors: &[&str],
        interval: u64,
        options: StartOptions,
    ) -> Result<OwnSession, Error> {
        let interval = error::interval(interval)?;
        let control = &self.state.control;
        let selected = control.select(None, selectors, options.is_optional);
        let Selected {
            selectors,
            selection,
            ..
        } = selected.await?;
        let columns = selection.columns.iter();
        let columns = columns.map(|column| column.metric.id.clone()).collect();
        let metrics = Metrics::new(&selectors, selection);
        self.begin(columns, metrics, interval, options)
    }

    /// As `Open`. The frames come as those of [`start`](Self::start): there is no pipe.
    pub(crate) async fn open(
        self: &Arc<Self>,
        selectors: &[&str],
        interval: u64,
        options: StartOptions,
    ) -> Result<OwnSession, Error> {
        let interval = error::stream_interval(interval)?;
        let control = &self.state.control;
        let selected = control.select(None, selectors, options.is_optional);
        let (columns, metrics) = streams::fixed(selected.await?.selection)?;
        self.begin(columns, metrics, interval, options)
    }

    /// The rows of a table of processes, as `Snapshot`.
    pub(crate) async fn rows(
        &self,
        query: &Query,
        timing: SampleTiming,
    ) -> Result<Snapshot<process::Rows>, Error> {
        let wanted = query.clone();
        self.snapshot(query, timing, move |table, since, before| {
            table.rows(&wanted, since, before)
        })
        .await
    }

    /// Sums over processes, as `Sums`.
    pub(crate) async fn sums(
        &self,
        by: Group,
        query: &Query,
        timing: SampleTiming,
    ) -> Result<Snapshot<process::Sums>, Error> {
        let wanted = query.clone();
        self.snapshot(query, timing, move |table, since, before| {
            table.sums(by, &wanted, since, before)
        })
        .await
    }

    async fn snapshot<T: Send + 'static>(
        &self,
        query: &Query,
        timing: SampleTiming,
        make: impl Fn(&mut Table, Duration, Option<&Pass>) -> Result<T, process::Error>
        + Clone
        + Send
        + 'static,
    ) -> Result<Snapshot<T>, Error> {
        let limits = self.state.settings.limits();
        for condition in &query.filter {
            query::check_pattern(condition.field(), &condition.pattern(), &limits)?;
        }
        snapshot::take(self.state.process_table()?, timing, query, make).await
    }

    fn begin(
        self: &Arc<Self>,
        columns: Vec<Arc<str>>,
        metrics: Metrics,
        interval: Duration,
        options: StartOptions,
    ) -> Result<OwnSession, Error> {
        self.run()?;
        let subject = Subject::Metrics(metrics);
        let owner = THIS_PROCESS.into();
        let session = Session::new(owner, options.label, interval, subject, None);
        let session = session.of_this_process();
        let limits = self.state.settings.limits();
        let id = self.state.sessions.lock().add(session, limits)?;
        let queue = self.state.queues.open(id);
        self.state.sessions.lock().begin(id);
        self.state.sessions.notify_changed();
        Ok(OwnSession {
            id,
            columns,
            queue,
            service: self.clone(),
        })
    }

    /// Takes frames from now on, if no task does so already.
    fn run(&self) -> Result<(), Error> {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        // The task ends with its runtime.
        if frames.as_ref().is_some_and(|task| !task.0.is_finished()) {
            return Ok(());
        }
        let timer = Timer::new().map_err(|error| {
            let message = format!("this process cannot make a timer: {error} (RLIMIT_NOFILE)");
            Error::limit_exceeded(message)
        })?;
        let state = self.state.clone();
        *frames = Some(FrameTask(tokio::spawn(async move {
            let never = pending::<()>();
            // It ends only if the timer fails.
            session_loop::run(&state, None, &timer, never).await.ok();
            let ended = state.sessions.lock().end_where("failed", |_| true);
            state.queues.add(ended);
        })));
        Ok(())
    }
}

impl Drop for FrameTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl OwnSession {
    /// The next event. Cancel safe.
    pub(crate) async fn next(&self) -> Event {
        self.queue.next().await
    }
}

impl Drop for OwnSession {
    fn drop(&mut self) {
        let state = &self.service.state;
        // It may be over already.
        state.sessions.lock().stop(self.id, THIS_PROCESS).ok();
        state.queues.close(self.id);
        state.sessions.notify_changed();
    }
}
