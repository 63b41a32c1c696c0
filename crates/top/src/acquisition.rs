//! The sessions with the service: for the metrics of a page, and for its table. One that ends is started again.

use std::{future::pending, time::Duration};

use sampled_client::{Client, Error, Frame, Processes, Session, Start, TableSession};
use tokio::{
    task::{JoinHandle, spawn_local},
    time::{Instant, sleep_until},
};

use crate::{application::Demand, model::series::CAPACITY, processes::Query};

/// The label of the sessions, which other programs show.
const LABEL: &str = "sampled top";

/// The shortest time between two attempts to start a session.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
/// The longest one.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A session, or the way to one.
pub(crate) struct Slot<D, S> {
    /// The demand of the session.
    demand: Option<D>,
    stage: Stage<S>,
    /// The time until the next attempt after a failure.
    wait: Duration,
    /// Whether the next session follows one that has ended: what it has shown stays.
    is_successor: bool,
}

enum Stage<S> {
    Idle,
    Waiting(Instant),
    Starting(JoinHandle<Result<S, Error>>),
    Running(S),
}

/// An event of a session.
pub(crate) enum Event<T> {
    Started,
    Next(T),
    Failed(Error),
}

/// A kind of sessions.
pub(crate) trait Kind: Sized + 'static {
    /// The demand of a session of this kind.
    type Demand: Clone + PartialEq + 'static;
    /// An item of its stream.
    type Item;

    /// Starts one.
    fn start(
        client: Client,
        demand: Self::Demand,
        interval: Duration,
        is_successor: bool,
    ) -> impl Future<Output = Result<Self, Error>> + 'static;

    /// Waits for the next thing that it tells. Cancel safe.
    fn next(&mut self) -> impl Future<Output = Result<Self::Item, Error>>;
}

impl Kind for Session {
    type Demand = Demand;
    type Item = Frame;

    async fn start(
        client: Client,
        demand: Demand,
        interval: Duration,
        is_successor: bool,
    ) -> Result<Self, Error> {
        let selectors: Vec<&str> = demand.selectors.iter().map(String::as_str).collect();
        let moments = u32::try_from(CAPACITY).unwrap_or(u32::MAX);
        let start = Start {
            label: LABEL.to_owned(),
            optional: true,
            // The frames of a successor follow those that are shown already.
            history: match is_successor {
                true => Duration::ZERO,
                false => interval.saturating_mul(moments),
            },
            ..Start::every(interval)
        };
        client.start(&selectors, start).await
    }

    async fn next(&mut self) -> Result<Frame, Error> {
        Session::next(self).await
    }
}

impl Kind for TableSession {
    type Demand = Query;
    type Item = ();

    async fn start(
        client: Client,
        query: Query,
        interval: Duration,
        _: bool,
    ) -> Result<Self, Error> {
        let processes = Processes::on(client.bus().clone()).await?;
        let start = Start {
            label: LABEL.to_owned(),
            ..Start::every(interval)
        };
        processes.start(&query.fields, &query.options, start).await
    }

    async fn next(&mut self) -> Result<(), Error> {
        TableSession::next(self).await.map(drop)
    }
}

impl<S: Kind> Slot<S::Demand, S> {
    /// No session.
    pub(crate) fn new() -> Self {
        Self {
            demand: None,
            stage: Stage::Idle,
            wait: SHORTEST_WAIT,
            is_successor: false,
        }
    }

    /// Has a session for this demand, or none. A session for another one ends.
    pub(crate) fn demand(
        &mut self,
        client: Option<&Client>,
        demand: Option<S::Demand>,
        interval: Duration,
    ) {
        if demand != self.demand {
            self.end();
            self.demand = demand;
            self.is_successor = false;
        }
        let is_due = match &self.stage {
            Stage::Idle => true,
            Stage::Waiting(until) => *until <= Instant::now(),
            Stage::Starting(_) | Stage::Running(_) => false,
        };
        if let (true, Some(client), Some(demand)) = (is_due, client, &self.demand) {
            let starting = S::start(client.clone(), demand.clone(), interval, self.is_successor);
            self.stage = Stage::Starting(spawn_local(starting));
        }
    }

    /// The demand of the session, and the session once it runs.
    pub(crate) fn running(&self) -> Option<(&S::Demand, &S)> {
        match &self.stage {
            Stage::Running(session) => Some((self.demand.as_ref()?, session)),
            _ => None,
        }
    }

    /// Waits until something becomes of the session; `None` if it is time for another attempt. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Event<S::Item>> {
        let failed = match &mut self.stage {
            Stage::Idle => pending().await,
            Stage::Waiting(until) => {
                sleep_until(*until).await;
                return None;
            }
            Stage::Starting(starting) => match starting.await {
                Ok(Ok(session)) => {
                    self.stage = Stage::Running(session);
                    return Some(Event::Started);
                }
                Ok(Err(error)) => error,
                Err(error) => Error::Failed(error.to_string()),
            },
            Stage::Running(session) => match session.next().await {
                Ok(item) => {
                    self.wait = SHORTEST_WAIT;
                    self.is_successor = true;
                    return Some(Event::Next(item));
                }
                Err(error) => error,
            },
        };
        let now = Instant::now();
        self.stage = Stage::Waiting(now.checked_add(self.wait).unwrap_or(now));
        self.wait = self.wait.saturating_mul(2).min(LONGEST_WAIT);
        Some(Event::Failed(failed))
    }

    /// Ends the session; the demand remains.
    fn end(&mut self) {
        if let Stage::Starting(starting) = &self.stage {
            starting.abort();
        }
        self.stage = Stage::Idle;
        self.wait = SHORTEST_WAIT;
    }
}

impl<D, S> Drop for Slot<D, S> {
    fn drop(&mut self) {
        if let Stage::Starting(starting) = &self.stage {
            starting.abort();
        }
    }
}
