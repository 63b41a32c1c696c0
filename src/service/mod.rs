//! The service: one object on the session bus, from the request for its name to the last reply.
//!
//! It runs on one thread. It wakes for a call, for a frame that is due, and at the end of the idle
//! timeout: without sessions nothing else wakes it.

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
mod history;
mod interface;
mod keeping;
mod limits;
mod name;
mod option_value;
mod options;
mod past;
mod peer;
mod processes;
mod runtime_directory;
mod sampling;
mod selectors;
mod session;
mod settings;
mod shutdown;
mod signals;
mod source_states;
mod start;
mod state;
mod streams;
mod threshold_options;
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

use crate::reading::monotonic;

use admission::BusTask;
pub use caller::Grants;
pub(crate) use caller::{Grant, is_app_id};
use definition_watch::DefinitionWatch;
use device_events::DeviceEvents;
pub use handle::Handle;
pub use history::HistorySettings;
pub use limits::{Limits, Totals};
use processes::{Batches, ChangesBySession};
pub use settings::{CONFIGURATION, PROCESS_TABLE, Settings};
pub use start::Error;
use state::ServiceState;
use timer::Timer;

/// Why the service has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The idle timeout has passed.
    Idle,
    /// A client called `Quit`.
    Quit,
    /// The future passed to [`Service::run`] has completed, after a signal for instance.
    Asked,
    /// The bus has closed the connection.
    BusGone,
}

/// An event that the loop of the sessions waits for.
enum Event {
    End(End),
    /// Sessions, settings or grants have changed.
    Changed,
    Uevent,
    /// Definitions may have changed.
    Definitions,
    /// A batch of tables is made.
    Tables(ChangesBySession),
    /// Frames are due, or uevents are to be handled.
    Due,
}

/// The service. It owns the name on the bus.
pub struct Service {
    bus: Connection,
    state: Arc<ServiceState>,
    timer: Timer,
    /// A task that ends when this is dropped.
    _bus_task: BusTask,
}

impl Service {
    /// A handle to the service while it runs.
    pub fn handle(&self) -> Handle {
        Handle::new(self.state.clone())
    }

    /// Runs until the idle timeout, `Quit`, `shutdown` or the end of the bus. Then call
    /// [`release`](Self::release) and [`drain`](Self::drain), so that no call is lost.
    ///
    /// # Errors
    /// When the timer fails.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<End, Error> {
        let ends = async {
            select! {
                () = shutdown => End::Asked,
                () = self.state.shutdown.quit.notified() => End::Quit,
                () = self.idle() => End::Idle,
                () = self.bus.closed() => End::BusGone,
            }
        };
        // Polled when one of these futures wakes, not once for each frame.
        let ends = FuturesUnordered::from_iter([ends]);
        let end = self.run_sessions(pin!(ends)).await.map_err(Error::Timer)?;
        info!("leaving: {end:?}");
        Ok(end)
    }

    /// Ends all sessions and releases the name. From then on the bus sends calls to a successor, so the caller
    /// releases what a successor needs, such as a pidfile.
    pub async fn release(&self) {
        self.state.shutdown.refuse_sessions();
        // A successor can look for it as soon as the name is free.
        let store = &self.state.store;
        self.state.sessions.lock().history.leave(store);
        self.state.frames.end_all().await;
        if let Err(error) = name::release(&self.bus).await {
            debug!("the bus is gone, and the name with it: {error}");
        }
    }

    /// Answers every call that the bus has delivered; the process may exit then. When `deadline` completes,
    /// calls without an answer get the error `Stopping`: a client that calls again reaches a successor.
    pub async fn drain(&self, deadline: impl Future<Output = ()>) {
        let deadline = async {
            deadline.await;
            self.state.shutdown.pass_deadline();
            pending::<()>().await;
        };
        select! {
            drained = name::drain(&self.bus, &self.state.admission) => if let Err(error) = drained {
                debug!("the bus is gone, and the calls with it: {error}");
            },
            () = deadline => {}
        }
    }

    /// Takes frames as they fall due, and listens for devices and definitions while there is a session. `ends`
    /// is polled between frames only: a write that is cancelled in the middle of a frame would make the
    /// rest of the connection unreadable for the bus, the last replies included.
    async fn run_sessions(&self, mut ends: Pin<&mut impl Stream<Item = End>>) -> io::Result<End> {
        let mut definitions = DefinitionWatch::default();
        let mut devices = DeviceEvents::default();
        let mut batches = Batches::default();
        loop {
            let changed = self.state.sessions.changed.notified();
            self.state.keeping.update(&self.bus).await;
            self.state.frames.begin_tables(&mut batches);
            let has_sessions = !self.state.sessions.is_empty();
            devices.listen(has_sessions);
            definitions.listen(has_sessions, &self.state.store);
            let handled = devices.due();
            let event = async {
                select! {
                    Some(end) = ends.next() => Event::End(end),
                    () = changed => Event::Changed,
                    () = devices.receive() => Event::Uevent,
                    () = definitions.changed() => Event::Definitions,
                    changes = batches.next() => Event::Tables(changes),
                }
            };
            match self.write_records_until(event, handled).await? {
                Event::End(end) => return Ok(end),
                Event::Changed => {
                    self.state.frames.end_unpermitted().await;
                    self.state.frames.end_closed_streams().await;
                }
                Event::Uevent => {}
                Event::Definitions => {
                    let changes = self.state.store.rediscover_new_definitions().await;
                    self.state.catalog.announce(&self.bus, changes).await;
                    definitions.rearm();
                }
                Event::Tables(changes) => {
                    self.state.frames.send_tables(&self.bus, changes).await;
                }
                Event::Due => {
                    devices.receive_all();
                    if let Some(subsystems) = devices.take_for_frame(monotonic()) {
                        let store = &self.state.store;
                        let changes = store.rediscover_devices(subsystems.as_ref()).await;
                        self.state.catalog.announce(&self.bus, changes).await;
                    }
                    self.state.frames.tick(&self.bus).await;
                }
            }
        }
    }

    /// Waits for an event, or until a frame is due or uevents are to be `handled`. Until then it takes the frames of streams
    /// that need nothing but their reads and their writes: a thousand a second are no reason to look after all else as often.
    async fn write_records_until(
        &self,
        event: impl Future<Output = Event>,
        handled: Option<Duration>,
    ) -> io::Result<Event> {
        // Polled when the event wakes it, not once for each record.
        let mut events = pin!(FuturesUnordered::from_iter([event]));
        loop {
            let due = earliest(self.state.sessions.lock().next_due(), handled);
            let wait = async {
                match due {
                    Some(due) => self.timer.until(due).await,
                    None => pending().await,
                }
            };
            select! {
                Some(event) = events.next() => return Ok(event),
                waited = wait => waited?,
            }
            let are_records = self.state.sessions.lock().are_only_records_due(monotonic());
            if handled.is_some() || !are_records {
                return Ok(Event::Due);
            }
            self.state.frames.tick(&self.bus).await;
        }
    }

    /// Completes when the service has been idle for the idle timeout.
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

/// The earlier of two moments, if there is one.
fn earliest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}
