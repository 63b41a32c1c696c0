//! The service: one object on the session bus, from the claim of its name to the last answer.
//!
//! It runs on one thread. It wakes when a call comes in and when a frame is due, and once more to
//! leave: nothing wakes while nobody has a session.

mod access;
mod admission;
mod caller;
mod catalog;
mod client;
mod control;
mod definition_watch;
mod device_events;
mod error;
mod frames;
mod guarded;
mod handle;
mod interface;
mod limits;
mod name;
mod option_value;
mod options;
mod peer;
mod processes;
mod sampling;
mod selectors;
mod session;
mod settings;
mod shutdown;
mod signals;
mod source_states;
mod start;
mod state;
mod timer;
mod uevent;

use std::{
    future::pending,
    io,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream::FuturesUnordered};
use tokio::{
    select,
    time::{Instant, sleep_until},
};
use tracing::{debug, info};
use zbus::Connection;

use crate::reading::Stamp;

use admission::BusTask;
pub use caller::Grants;
pub(crate) use caller::{Grant, is_app_id};
use definition_watch::DefinitionWatch;
use device_events::DeviceEvents;
pub use handle::Handle;
pub use limits::{Limits, Totals};
use processes::Batches;
pub use settings::{CONFIGURATION, PROCESS_TABLE, Settings};
pub use start::Error;
use state::ServiceState;
use timer::Timer;

/// Why the service has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nobody needed it.
    Idle,
    /// A client called `Quit`.
    Quit,
    /// The future that [`Service::run`] was handed has completed: a signal has come, for instance.
    Asked,
    /// The bus has gone.
    BusGone,
}

/// The service, with its name on the bus.
pub struct Service {
    bus: Connection,
    state: Arc<ServiceState>,
    timer: Timer,
    /// Ends with the service.
    _bus_task: BusTask,
}

impl Service {
    /// A way to reach the service while it runs.
    pub fn handle(&self) -> Handle {
        Handle::new(self.state.clone())
    }

    /// Runs until nobody needs the service, it is told to leave, or the bus has gone. To lose no
    /// call on the way out, [`release`](Self::release) and [`drain`](Self::drain) it then.
    ///
    /// # Errors
    /// When the kernel's timer fails.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<End, Error> {
        let ends = async {
            select! {
                () = shutdown => End::Asked,
                () = self.state.shutdown.quit.notified() => End::Quit,
                () = self.idle() => End::Idle,
                () = self.bus.closed() => End::BusGone,
            }
        };
        // Looked at when one of them has something to say, and not for each frame.
        let ends = FuturesUnordered::from_iter([ends]);
        let end = self.run_sessions(pin!(ends)).await.map_err(Error::Timer)?;
        info!("leaving: {end:?}");
        Ok(end)
    }

    /// Ends all sessions and gives the name up. From here on the bus sends calls to a successor: what
    /// a successor needs, such as a pidfile, is to be given up now.
    pub async fn release(&self) {
        self.state.shutdown.refuse_sessions();
        self.state.frames.end_all(&self.bus).await;
        if let Err(error) = name::release(&self.bus).await {
            debug!("the name went with the bus: {error}");
        }
    }

    /// Answers every call that the bus has delivered. Nothing is lost if the process exits then. What is not
    /// answered when `deadline` completes gets the error `Stopping`: the caller is to call again, and a
    /// successor answers.
    pub async fn drain(&self, deadline: impl Future<Output = ()>) {
        let deadline = async {
            deadline.await;
            self.state.shutdown.pass_deadline();
            pending::<()>().await;
        };
        select! {
            drained = name::drain(&self.bus, &self.state.admission) => if let Err(error) = drained {
                debug!("the calls went with the bus: {error}");
            },
            () = deadline => {}
        }
    }

    /// Takes frames as they fall due, and listens for devices while somebody has a session, until it
    /// is `over`. That is looked at between frames only: a frame that is broken off while it is
    /// written would leave the bus unable to read what comes after it, the last answers among it.
    async fn run_sessions(&self, mut ends: Pin<&mut impl Stream<Item = End>>) -> io::Result<End> {
        let mut definitions = DefinitionWatch::default();
        let mut devices = DeviceEvents::default();
        let mut batches = Batches::default();
        loop {
            let changed = self.state.sessions.changed.notified();
            self.state.frames.begin_tables(&mut batches);
            let has_sessions = !self.state.sessions.is_empty();
            devices.listen(has_sessions);
            definitions.listen(has_sessions, &self.state.store);
            let due = earliest(self.state.sessions.lock().next_due(), devices.due());
            let wait = async {
                match due {
                    Some(due) => self.timer.until(due).await,
                    None => pending().await,
                }
            };
            select! {
                Some(end) = ends.next() => return Ok(end),
                () = changed => {
                    self.state.frames.end_unpermitted(&self.bus).await;
                    continue;
                }
                () = devices.receive() => continue,
                () = definitions.changed() => {
                    let changes = self.state.store.look_at_news().await;
                    self.state.catalog.announce(&self.bus, changes).await;
                    definitions.rearm();
                    continue;
                }
                changes = batches.next() => {
                    self.state.frames.send_tables(&self.bus, changes).await;
                    continue;
                }
                waited = wait => waited?,
            }
            if let Some(subsystems) = devices.take_due(Stamp::now().monotonic) {
                let changes = self.state.store.look_at_devices(subsystems.as_ref()).await;
                self.state.catalog.announce(&self.bus, changes).await;
            }
            self.state.frames.tick(&self.bus).await;
        }
    }

    /// Completes when nobody has needed the service for the time that is set.
    async fn idle(&self) {
        loop {
            let at = match self.state.settings.get().idle_timeout {
                Some(timeout) if self.state.sessions.is_empty() => {
                    let at = self.state.admission.idle_at(timeout);
                    if at.is_some_and(|at| at <= Instant::now()) {
                        return;
                    }
                    at
                }
                _ => None,
            };
            let wait = async {
                match at {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            select! {
                () = wait => {}
                () = self.state.sessions.idle_may_change.notified() => {}
            }
        }
    }
}

/// The earlier of two moments, where there is one.
fn earliest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}
