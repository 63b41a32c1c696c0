//! The start of the service: connect, serve the object, request the name last.

use std::{env, io, num::NonZeroU32, sync::Arc, time::Duration};

use sampled_client::transport::{self, CONNECT_TIMEOUT};
use tokio::time::timeout;
use tracing::debug;
use zbus::{Connection, MessageStream};

use super::{
    Service,
    admission::BusTask,
    interface::{Described, Processes, Sampler},
    name::{self, Queue},
    settings::Settings,
    state::ServiceState,
    timer::Timer,
};
use crate::{
    source::Roots,
    transport::Stream,
    wire::{NAME, PATH},
};

/// The timeout for the bus to answer the requests that take the name or join its queue.
const NAME_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeout for another instance to release the name after it was asked to leave.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no session bus, or it refuses the connection.
    #[error(
        "no session bus can be reached ({cause}): set DBUS_SESSION_BUS_ADDRESS, or run it under \
         dbus-run-session"
    )]
    NoBus {
        /// The error of the connection.
        #[source]
        cause: zbus::Error,
    },
    /// The handshake with the process that listens at the address of the session bus has failed. The text names
    /// the address, the cause and a cure.
    #[error("{0}")]
    Handshake(String),
    /// Another process owns the name.
    #[error("{NAME} belongs to {}", owner.map_or("another process".to_owned(), |pid| format!("process {pid}")))]
    Taken {
        /// The pid of the process, if it is known here: not if it is in another pid namespace.
        owner: Option<u32>,
    },
    /// The bus has accepted the connection and no longer answers.
    #[error("the session bus at {address} has not answered within {after:?}")]
    NoAnswer {
        /// The address of the bus.
        address: String,
        /// The timeout.
        after: Duration,
    },
    /// The bus closed the connection during the start.
    #[error("the session bus: {0}")]
    Bus(#[from] zbus::Error),
    /// The kernel has refused a timer.
    #[error("a timer: {0}")]
    Timer(#[source] io::Error),
}

impl Service {
    /// Connects to the session bus, serves the object and then requests the name.
    ///
    /// # Errors
    /// [`Error::NoBus`] within 2 s if there is none; [`Error::Taken`] if another instance owns the name.
    pub async fn start(roots: &Roots, settings: Settings) -> Result<Self, Error> {
        Self::start_after(roots, settings, |_| None::<fn()>).await
    }

    /// As [`start`](Self::start), but replaces the owner of the name, if it has one. No call is lost, and the bus
    /// activates no other instance in between.
    ///
    /// `hold` gets the pid of the owner. If that process may be ended, it opens a handle to it and returns a function
    /// that asks it to leave.
    ///
    /// # Errors
    /// As [`start`](Self::start), also if the owner does not leave.
    pub async fn start_after<L: FnOnce()>(
        roots: &Roots,
        settings: Settings,
        hold: impl FnOnce(u32) -> Option<L>,
    ) -> Result<Self, Error> {
        // Everything that can fail comes before the request for the name.
        let timer = Timer::new().map_err(Error::Timer)?;
        let state = ServiceState::new(roots, settings);
        state.sessions.lock().continue_earlier(roots);
        let (address, bus, bus_task, early) = connect(&state).await?;
        let service = Self {
            bus,
            state,
            timer,
            _bus_task: bus_task,
        };
        let no_answer = |_| Error::NoAnswer {
            address,
            after: NAME_TIMEOUT,
        };
        let requested = timeout(NAME_TIMEOUT, service.request_name(early, hold));
        let Some(queue) = requested.await.map_err(no_answer)?? else {
            debug!("serving as {NAME}");
            return Ok(service);
        };
        if !queue.wait(QUEUE_TIMEOUT).await? {
            let owner = service.owner_pid().await;
            return Err(Error::Taken { owner });
        }
        debug!("serving as {NAME}, after another instance");
        Ok(service)
    }

    /// Requests the name. If another process owns it, joins the queue and asks that process to leave.
    async fn request_name<L: FnOnce()>(
        &self,
        early: Option<EarlyRequest>,
        hold: impl FnOnce(u32) -> Option<L>,
    ) -> Result<Option<Queue<'_>>, Error> {
        let is_owner = match early {
            Some(EarlyRequest { messages, serial }) => {
                name::early_outcome(messages, serial).await?
            }
            None => name::request(&self.bus).await?,
        };
        if is_owner {
            return Ok(None);
        }
        let owner = self.owner_pid().await;
        let Some(leave) = owner.and_then(hold) else {
            return Err(Error::Taken { owner });
        };
        let queue = Queue::join(&self.bus).await?;
        // If the owner is the same after `hold`, its handle refers to the owner and not to a reused pid.
        if queue.is_some() && self.owner_pid().await == owner {
            leave();
        }
        Ok(queue)
    }

    /// The pid of the owner of the name, if it has one and its pid is known here.
    async fn owner_pid(&self) -> Option<u32> {
        self.state.callers.pid(&self.bus, NAME).await
    }
}

/// The request for the name, if it was sent with the handshake.
struct EarlyRequest {
    /// All messages of the bus.
    messages: MessageStream,
    serial: NonZeroU32,
}

async fn connect(
    state: &Arc<ServiceState>,
) -> Result<(String, Connection, BusTask, Option<EarlyRequest>), Error> {
    let sampler = Described::sampler(Sampler {
        state: state.clone(),
    });
    let processes = Described::processes(Processes {
        state: state.clone(),
    });
    // The bus that activates a service sets this variable to its own address. A call waits there for the service.
    let address = env::var("DBUS_STARTER_ADDRESS").ok();
    let address = address.filter(|text| !text.is_empty());
    let connecting = async {
        let request = name::early_request()?;
        let transport = match &address {
            Some(address) => {
                transport::connect_with_call(address, &request, CONNECT_TIMEOUT).await?
            }
            None => transport::connect(None, CONNECT_TIMEOUT).await?,
        };
        let serial = request.primary_header().serial_num();
        if transport.is_call_sent {
            state.admission.record_early_call(serial.get());
        }
        let (admission, stream) = (&state.admission, Stream::new(transport.socket)?);
        let stream = Arc::new(stream);
        state.peer.record(&stream, transport.passes_descriptors);
        state.callers.record_bus(stream.peer().is_some());
        let socket = admission.socket(stream.clone(), transport.received);
        let builder = transport.identity.builder(socket);
        let builder = builder.serve_at(PATH, sampler).serve_at(PATH, processes);
        let messages = builder.build_message_stream().await?;
        let bus = Connection::from(&messages);
        transport.identity.assign(&bus)?;
        let (admission, watches) = (admission.clone(), state.watches.clone());
        let bus_task = BusTask::spawn(admission, watches, bus.clone(), stream);
        let address = transport.address.to_string();
        let early = transport
            .is_call_sent
            .then_some(EarlyRequest { messages, serial });
        Ok((address, bus, bus_task, early))
    };
    connecting.await.map_err(|cause| match cause {
        zbus::Error::Handshake(what) => Error::Handshake(what),
        cause => Error::NoBus { cause },
    })
}
