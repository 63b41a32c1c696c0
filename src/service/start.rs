//! The start of the service: it connects, serves the object, and takes the name last.

use std::{env, io, sync::Arc, time::Duration};

use tokio::time::timeout;
use tracing::debug;
use zbus::{Connection, connection};

use super::{
    Service,
    admission::Attendant,
    interface::{Processes, Sampler},
    name::{self, Queue},
    processes::AsyncTable,
    settings::Settings,
    state::ServiceState,
    timer::Timer,
};
use crate::{
    process::SharedTable,
    source::{DeviceLists, Roots, pool::Pool},
    sources,
    store::Store,
    transport::{self, CONNECT_TIMEOUT},
    wire::{NAME, PATH},
};

/// How long a bus that has let the service in may take to give it the name.
const NAME_TIMEOUT: Duration = Duration::from_secs(5);

/// How long another instance may take to give the name up when it is asked.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

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
        let timer = Timer::new().map_err(Error::Timer)?;
        let pool = Pool::new();
        let table = SharedTable::new(roots, &pool);
        let sources = sources::all_on(&pool, &table, roots, &settings.sources);
        let store = Store::new(sources);
        let store = store.with_listings(Listings::new(roots));
        let processes = AsyncTable::new(table);
        let state = ServiceState::new(store, processes, settings);
        let (address, bus, attendant) = connect(&state).await?;
        let service = Self {
            bus,
            state,
            timer,
            _attendant: attendant,
        };
        let no_answer = |_| Error::NoAnswer {
            address,
            after: NAME_TIMEOUT,
        };
        let requested = timeout(NAME_TIMEOUT, service.request_name(hold));
        let Some(queue) = requested.await.map_err(no_answer)?? else {
            debug!("serving as {NAME}");
            return Ok(service);
        };
        if !queue.wait(QUEUE_TIMEOUT).await? {
            let owner = name::owner_pid(&service.bus).await;
            return Err(Error::Taken { owner });
        }
        debug!("serving as {NAME}, after another instance");
        Ok(service)
    }

    /// Takes the name, or asks the process that has it to leave.
    async fn request_name<L: FnOnce()>(
        &self,
        hold: impl FnOnce(u32) -> Option<L>,
    ) -> Result<Option<Queue<'_>>, Error> {
        if name::request(&self.bus).await? {
            return Ok(None);
        }
        let owner = name::owner_pid(&self.bus).await;
        let Some(leave) = owner.and_then(hold) else {
            return Err(Error::Taken { owner });
        };
        let queue = Queue::join(&self.bus).await?;
        // Still the owner: then it is the process that is held.
        if queue.is_some() && name::owner_pid(&self.bus).await == owner {
            leave();
        }
        Ok(queue)
    }
}

async fn connect(state: &Arc<ServiceState>) -> Result<(String, Connection, Attendant), Error> {
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
        let transport = transport::connect(address.as_deref(), CONNECT_TIMEOUT).await?;
        let (admission, stream) = (&state.admission, &transport.stream);
        let socket = admission.socket(stream.clone(), transport.received.clone());
        let bus = transport.build(socket, serve).await?;
        state.peer.record(stream);
        let (admission, watches) = (admission.clone(), state.watches.clone());
        let bus_task = BusTask::spawn(admission, watches, bus.clone(), stream.clone());
        Ok((transport.address.to_string(), bus, bus_task))
    };
    connecting.await.map_err(|cause| match cause {
        zbus::Error::Handshake(what) => Error::Handshake(what),
        cause => Error::NoBus { cause },
    })
}
