//! The service: one object on the session bus, from the claim of its name to the last answer.
//!
//! It runs on one thread. It wakes when a call comes in and when a frame is due, and once more to
//! leave: nothing wakes while nobody has a session.

mod admission;
mod argument;
mod backlog;
mod caller;
mod clock;
mod definitions;
mod devices;
mod error;
mod hurry;
mod interface;
mod limits;
mod metrics;
mod name;
mod options;
mod peer;
mod processes;
mod session;
mod sessions;
mod signals;
mod state;
mod turn;
mod uevent;
mod unread;
mod watch;

use std::{
    collections::BTreeMap,
    env,
    future::pending,
    io,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream::FuturesUnordered};
use tokio::{
    select,
    time::{Instant, sleep_until, timeout},
};
use tracing::{debug, info};
use zbus::{Connection, connection};

use crate::{
    process::SharedTable,
    reading::Stamp,
    source::{Listings, Roots, pool::Pool},
    sources,
    store::Store,
    transport::{self, PATIENCE},
    wire::{NAME, PATH},
};

use admission::Attendant;
pub use caller::Grants;
pub(crate) use caller::{Grant, is_app_id};
use clock::Clock;
use definitions::Definitions;
use devices::Devices;
use interface::Sampler;
pub use limits::{Limits, Totals};
use name::Queue;
use processes::{Batches, Processes, Worker};
use state::State;

/// How long a bus that has let the service in may take to give it the name.
const CLAIM: Duration = Duration::from_secs(5);

/// How long another instance may take to give the name up when it is asked.
const LEAVE: Duration = Duration::from_secs(5);

/// The name of the table of processes among the sources.
pub const PROCESS_TABLE: &str = "process-table";

/// The name of the configuration among the sources, as long as something is wrong with it.
pub const CONFIGURATION: &str = "config.toml";

/// What the service can be told, at its start and while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long it stays when nobody needs it; none is for ever.
    pub idle_timeout: Option<Duration>,
    /// How much one client may ask for.
    pub limits: Limits,
    /// The names of sources that are not to be read; [`PROCESS_TABLE`], for the other interface.
    pub sources_off: Vec<String>,
    /// What programs in sandboxes are granted, by their ids.
    pub sandbox: BTreeMap<String, Grants>,
    /// What the sources are told when the service starts.
    pub sources: sources::Options,
    /// What is wrong with the configuration that these are from, or should be from; empty if nothing is. `Sources`
    /// shows it as [`CONFIGURATION`].
    pub configuration_error: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // Five activations in ten seconds trip systemd's default limit: the linger is longer.
            idle_timeout: Some(Duration::from_secs(30)),
            limits: Limits::default(),
            sources_off: Vec::new(),
            sandbox: BTreeMap::new(),
            sources: sources::Options::default(),
            configuration_error: String::new(),
        }
    }
}

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no session bus, or it does not let the service in.
    #[error(
        "no session bus can be reached ({cause}): set DBUS_SESSION_BUS_ADDRESS, or run it under \
         dbus-run-session"
    )]
    NoBus {
        /// What the connection failed with.
        #[source]
        cause: zbus::Error,
    },
    /// Something listens at the address of the session bus and does not let the service in. The text names the
    /// address, the cause and a cure.
    #[error("{0}")]
    Handshake(String),
    /// Another process has the name.
    #[error("{NAME} belongs to process {}", owner.map_or("?".to_owned(), |pid| pid.to_string()))]
    Taken {
        /// The process, where the bus knows it.
        owner: Option<u32>,
    },
    /// The bus has let the service in, and does not answer any more.
    #[error("the session bus at {address} has not answered within {after:?}")]
    NoAnswer {
        /// Where the bus is.
        address: String,
        /// The time that it had.
        after: Duration,
    },
    /// The bus broke off in the middle.
    #[error("the session bus: {0}")]
    Bus(#[from] zbus::Error),
    /// The kernel denied what the service cannot do without.
    #[error("a timer: {0}")]
    Timer(#[source] io::Error),
}

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
    state: Arc<State>,
    clock: Clock,
    /// Ends with the service.
    _attendant: Attendant,
}

impl Service {
    /// Connects to the session bus, serves the object and then takes the name.
    ///
    /// # Errors
    /// [`Error::NoBus`] within 2 s where there is none; [`Error::Taken`] where another instance has
    /// the name.
    pub async fn start(roots: &Roots, settings: Settings) -> Result<Self, Error> {
        Self::start_after(roots, settings, |_| None::<fn()>).await
    }

    /// As [`start`](Self::start), after the process that has the name, if one has. No call is lost, and the bus starts
    /// no other instance in between.
    ///
    /// `hold` takes hold of the process of this number and, if it may be ended, returns what asks it to leave.
    ///
    /// # Errors
    /// As [`start`](Self::start), also where that process does not leave.
    pub async fn start_after<L: FnOnce()>(
        roots: &Roots,
        settings: Settings,
        hold: impl FnOnce(u32) -> Option<L>,
    ) -> Result<Self, Error> {
        // What can fail does so before anybody waits for the name.
        let clock = Clock::new().map_err(Error::Timer)?;
        let pool = Pool::new();
        let table = SharedTable::new(roots, &pool);
        let sources = sources::all_on(&pool, &table, roots, &settings.sources);
        let store = Store::new(sources);
        let store = store.with_listings(Listings::new(roots));
        let processes = Worker::new(table);
        let state = State::new(store, processes, settings);
        let (address, bus, attendant) = connect(&state).await?;
        let service = Self {
            bus,
            state,
            clock,
            _attendant: attendant,
        };
        let no_answer = |_| Error::NoAnswer {
            address,
            after: CLAIM,
        };
        let claimed = timeout(CLAIM, service.claim(hold));
        let Some(queue) = claimed.await.map_err(no_answer)?? else {
            debug!("serving as {NAME}");
            return Ok(service);
        };
        if !queue.wait(LEAVE).await? {
            let owner = name::owner(&service.bus).await;
            return Err(Error::Taken { owner });
        }
        debug!("serving as {NAME}, after another instance");
        Ok(service)
    }

    /// Takes the name, or asks the process that has it to leave.
    async fn claim<L: FnOnce()>(
        &self,
        hold: impl FnOnce(u32) -> Option<L>,
    ) -> Result<Option<Queue<'_>>, Error> {
        if name::claim(&self.bus).await? {
            return Ok(None);
        }
        let owner = name::owner(&self.bus).await;
        let Some(leave) = owner.and_then(hold) else {
            return Err(Error::Taken { owner });
        };
        let queue = Queue::join(&self.bus).await?;
        // Still the owner: then it is the process that is held.
        if queue.is_some() && name::owner(&self.bus).await == owner {
            leave();
        }
        Ok(queue)
    }

    /// A way to reach the service while it runs.
    pub fn handle(&self) -> Handle {
        Handle {
            state: self.state.clone(),
        }
    }

    /// Runs until nobody needs the service, it is told to leave, or the bus has gone. To lose no
    /// call on the way out, [`release`](Self::release) and [`drain`](Self::drain) it then.
    ///
    /// # Errors
    /// When the kernel's timer fails.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<End, Error> {
        let over = async {
            select! {
                () = shutdown => End::Asked,
                () = self.state.quit.notified() => End::Quit,
                () = self.idle() => End::Idle,
                () = self.bus.closed() => End::BusGone,
            }
        };
        // Looked at when one of them has something to say, and not for each frame.
        let over = FuturesUnordered::from_iter([over]);
        let end = self.acquire(pin!(over)).await.map_err(Error::Timer)?;
        info!("leaving: {end:?}");
        Ok(end)
    }

    /// Ends all sessions and gives the name up. From here on the bus sends calls to a successor: what
    /// a successor needs, such as a pidfile, is to be given up now.
    pub async fn release(&self) {
        self.state.close();
        self.state.end(&self.bus).await;
        if let Err(error) = name::release(&self.bus).await {
            debug!("the name went with the bus: {error}");
        }
    }

    /// Answers every call that the bus has delivered. Nothing is lost if the process exits then. What is not
    /// answered when `hurry` completes gets the error `Stopping`: the caller is to call again, and a
    /// successor answers.
    pub async fn drain(&self, hurry: impl Future<Output = ()>) {
        let hurry = async {
            hurry.await;
            self.state.hurry.begin();
            pending::<()>().await;
        };
        select! {
            drained = name::drain(&self.bus, &self.state.admission) => if let Err(error) = drained {
                debug!("the calls went with the bus: {error}");
            },
            () = hurry => {}
        }
    }

    /// Takes frames as they fall due, and listens for devices while somebody has a session, until it
    /// is `over`. That is looked at between frames only: a frame that is broken off while it is
    /// written would leave the bus unable to read what comes after it, the last answers among it.
    async fn acquire(&self, mut over: Pin<&mut impl Stream<Item = End>>) -> io::Result<End> {
        let mut definitions = Definitions::default();
        let mut devices = Devices::default();
        let mut batches = Batches::default();
        loop {
            let rearranged = self.state.rearranged.notified();
            self.state.want(&mut batches);
            let has_sessions = self.state.has_sessions();
            devices.listen(has_sessions);
            definitions.listen(has_sessions, &self.state.store);
            let due = earliest(self.state.next_due(), devices.look_at());
            let wait = async {
                match due {
                    Some(due) => self.clock.until(due).await,
                    None => pending().await,
                }
            };
            select! {
                Some(end) = over.next() => return Ok(end),
                () = rearranged => {
                    self.state.end_what_is_withdrawn(&self.bus).await;
                    continue;
                }
                () = devices.next() => continue,
                () = definitions.next() => {
                    let changes = self.state.store.look_at_news().await;
                    self.state.announce(&self.bus, changes).await;
                    definitions.heard();
                    continue;
                }
                made = batches.next() => {
                    self.state.tell(&self.bus, made).await;
                    continue;
                }
                waited = wait => waited?,
            }
            if let Some(subsystems) = devices.take(Stamp::now().monotonic) {
                let changes = self.state.store.look_at_devices(subsystems.as_ref()).await;
                self.state.announce(&self.bus, changes).await;
            }
            self.state.tick(&self.bus).await;
        }
    }

    /// Completes when nobody has needed the service for the time that is set.
    async fn idle(&self) {
        loop {
            let at = match self.state.settings().idle_timeout {
                Some(timeout) if !self.state.has_sessions() => {
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
                () = self.state.reconsider.notified() => {}
            }
        }
    }
}

/// A way to reach a service that runs.
#[derive(Clone)]
pub struct Handle {
    state: Arc<State>,
}

impl Handle {
    /// Takes new settings. Returns those names of sources to be off that no source has.
    pub fn settle(&self, settings: Settings) -> Vec<String> {
        self.state.settle(settings)
    }

    /// Takes a mistake in the configuration. The settings stay as they are.
    pub fn report(&self, mistake: String) {
        self.state.report(mistake);
    }

    /// How many calls are not answered yet.
    pub fn unanswered(&self) -> usize {
        self.state.admission.unanswered()
    }
}

/// The earlier of two moments, where there is one.
fn earliest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

async fn connect(state: &Arc<State>) -> Result<(String, Connection, Attendant), Error> {
    let sampler = Sampler {
        state: state.clone(),
    };
    let processes = Processes {
        state: state.clone(),
    };
    // What activates a service says where it is awaited.
    let address = env::var("DBUS_STARTER_ADDRESS").ok();
    let serve = |builder: connection::Builder<'static>| {
        builder.serve_at(PATH, sampler).serve_at(PATH, processes)
    };
    let connecting = async {
        let transport = transport::connect(address.as_deref(), PATIENCE).await?;
        let (admission, stream) = (&state.admission, &transport.stream);
        let socket = admission.socket(stream.clone(), transport.received.clone());
        let bus = transport.build(socket, serve).await?;
        state.peer.note(stream);
        let (admission, watches) = (admission.clone(), state.watches.clone());
        let attendant = Attendant::begin(admission, watches, bus.clone(), stream.clone());
        Ok((transport.address.to_string(), bus, attendant))
    };
    connecting.await.map_err(|cause| match cause {
        zbus::Error::Handshake(what) => Error::Handshake(what),
        cause => Error::NoBus { cause },
    })
}
