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
mod in_process;
mod interface;
mod keeping;
mod limits;
mod name;
mod option_value;
mod options;
mod past;
mod peer;
mod processes;
mod queues;
mod reload;
mod reload_calls;
mod runtime_directory;
mod sampling;
mod selectors;
mod session;
mod session_loop;
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
mod when_woken;

use std::{future::pending, pin::pin, sync::Arc};

use tokio::{
    select,
    time::{Instant, sleep_until},
};
use tracing::{debug, info};
use zbus::Connection;

use admission::BusTask;
pub use caller::Grants;
pub(crate) use caller::{Grant, is_app_id};
pub(crate) use error::Error as CallError;
pub use handle::Handle;
pub use history::HistorySettings;
pub(crate) use in_process::{InProcess, OwnSession};
pub use limits::{Limits, Totals};
pub(crate) use options::{SampleOptions, StartOptions, checked_label, timing};
pub(crate) use session::Event as SessionEvent;
pub use settings::{CONFIGURATION, ConfigurationFile, PROCESS_TABLE, Settings};
pub use start::Error;
use state::ServiceState;
use timer::Timer;
use when_woken::WhenWoken;

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
        let ends = pin!(ends);
        let (bus, ends) = (Some(&self.bus), WhenWoken::new(ends));
        let run = session_loop::run(&self.state, bus, &self.timer, ends);
        let end = run.await.map_err(Error::Timer)?;
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
