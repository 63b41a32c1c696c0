//! The session bus: the owner of the service's name, and its activation.

use std::{future::poll_fn, io::ErrorKind, pin::Pin, process, time::Duration};

use futures_core::Stream;

use zbus::{
    Connection,
    fdo::{self, DBusProxy, PeerProxy},
    names::{BusName, OwnedUniqueName, UniqueName, WellKnownName},
    proxy::CacheProperties,
};

use crate::{
    deadline::{Deadline, Unresponsive},
    error::Error,
    owner::{Owner, pid_of_pidfd, proc_is_own},
    runtime::{is_timed_out, timeout},
    transport::{self, CONNECT_TIMEOUT, ClientConnection},
    wire::{NAME, PATH},
};

/// A session bus. Its calls never start the service.
#[derive(Clone, Debug)]
pub struct Bus {
    /// The address of the bus.
    address: String,
    /// Whether the process that listens for it has a pid here.
    sees_peer: bool,
    connection: Connection,
    proxy: DBusProxy<'static>,
    deadline: Deadline,
}

/// The time in which a service that runs answers a ping, also on a busy machine.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// The timeout for asking the bus why a call has no answer.
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_millis(500);

impl Bus {
    /// Connects to the session bus of this environment.
    ///
    /// # Errors
    /// [`Error::NoBus`] if there is none, [`Error::NoAnswer`] if it does not answer within 2 s, [`Error::Handshake`] if
    /// it rejects this program.
    pub async fn session() -> Result<Self, Error> {
        Self::connect(None, Deadline::default()).await
    }

    /// Connects to the bus at an address.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub async fn at(address: &str) -> Result<Self, Error> {
        Self::connect(Some(address), Deadline::default()).await
    }

    /// Connects to the bus at an address or that of this environment. All calls together have this much time from now;
    /// on other connections, each call has 25 s.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub async fn within(address: Option<&str>, time: Duration) -> Result<Self, Error> {
        Self::connect(address, Deadline::within(time)).await
    }

    /// Opens another connection to the same bus.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub async fn another_connection(&self) -> Result<Self, Error> {
        Self::connect(Some(&self.address), self.deadline).await
    }

    async fn connect(address: Option<&str>, deadline: Deadline) -> Result<Self, Error> {
        let (left, time) = deadline.left(CONNECT_TIMEOUT);
        let connected = transport::connection(address, left).await;
        let connected = connected.map_err(|error| match error {
            zbus::Error::Connection(cause, address) if cause.kind() == ErrorKind::TimedOut => {
                Error::NoAnswer {
                    from: Unresponsive::Bus(address.to_string()),
                    after: time,
                }
            }
            zbus::Error::Handshake(what) => Error::Handshake(what),
            error => Error::NoBus(error),
        })?;
        let ClientConnection {
            address,
            connection,
            sees_peer,
        } = connected;
        // The object server answers pings: so the service knows that this client reads its frames.
        connection.object_server();
        let proxy = DBusProxy::builder(&connection)
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        Ok(Self {
            address: address.to_string(),
            sees_peer,
            connection,
            proxy,
            deadline,
        })
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The owner of the service's name, if there is one.
    ///
    /// # Errors
    /// When the bus does not answer or refuses.
    pub async fn owner(&self) -> Result<Option<Owner>, Error> {
        owned(self.ask(self.find_owner()).await)
    }

    /// The unique name of the owner of the service's name, if there is an owner.
    pub(crate) async fn owner_name(&self) -> Result<Option<OwnedUniqueName>, Error> {
        owned(self.ask(self.proxy.get_name_owner(name())).await)
    }

    /// Waits until the service's name has no owner.
    ///
    /// # Errors
    /// When the bus is gone.
    pub async fn until_unowned(&self) -> Result<(), Error> {
        self.until(false).await
    }

    /// Waits until the service's name has an owner.
    ///
    /// # Errors
    /// When the bus is gone.
    pub async fn until_owned(&self) -> Result<(), Error> {
        self.until(true).await
    }

    async fn until(&self, is_taken: bool) -> Result<(), Error> {
        let changes = self
            .proxy
            .receive_name_owner_changed_with_args(&[(0, NAME)]);
        let mut changes = self.ask(changes).await?;
        // After the subscription, so that no change is missed.
        while self.ask(self.proxy.name_has_owner(name())).await? != is_taken {
            next(&mut changes).await;
        }
        Ok(())
    }

    /// Asks the process that owns the service's name whether it answers: by `Ping`, which every connection to a bus has. It
    /// is no error that the name has no owner: a session that was there is over, and says so.
    ///
    /// # Errors
    /// [`Error::NoAnswer`], from the service or the bus, if there is no answer within a second.
    pub async fn ping(&self) -> Result<(), Error> {
        let ping = async {
            let owner = match self.proxy.get_name_owner(name()).await {
                Err(fdo::Error::NameHasNoOwner(_)) => return Ok(()),
                owner => owner?,
            };
            let peer = PeerProxy::builder(&self.connection)
                .destination(owner)
                .path(PATH)
                .cache_properties(CacheProperties::No)
                .build()
                .await?;
            peer.ping().await
        };
        self.answer(self.deadline.left(PING_TIMEOUT), ping).await
    }

    /// Whether the service is activatable: the bus would start it for a call.
    ///
    /// # Errors
    /// When the bus is gone.
    pub async fn can_start(&self) -> Result<bool, Error> {
        let names = self.ask(self.proxy.list_activatable_names()).await?;
        Ok(names.iter().any(|name| name.as_str() == NAME))
    }

    /// Calls the service, and repeats the call once after the error `Stopping`: by then the name is released, and the
    /// second call starts a successor.
    pub(crate) async fn call<T>(
        &self,
        call: impl AsyncFn() -> zbus::Result<T>,
    ) -> Result<T, Error> {
        let limit = self.deadline.of_call();
        match self.answer(limit, call()).await {
            Err(Error::Stopping) => self.answer(self.deadline.of_call(), call()).await,
            result => result,
        }
    }

    /// Calls the service once, with a short timeout: for methods that it answers at once.
    pub(crate) async fn call_briefly<T>(
        &self,
        call: impl Future<Output = zbus::Result<T>>,
    ) -> Result<T, Error> {
        /// Short, because the sessions of a client end with its connection anyway.
        const BRIEF_TIMEOUT: Duration = Duration::from_secs(5);
        self.answer(self.deadline.left(BRIEF_TIMEOUT), call).await
    }

    /// Waits for the service's answer. If there is none, asks the bus for the unresponsive peer.
    async fn answer<T>(
        &self,
        (left, time): (Duration, Duration),
        call: impl Future<Output = zbus::Result<T>>,
    ) -> Result<T, Error> {
        match timeout(left, call).await {
            Ok(answer) => Ok(answer),
            Err(error) if !is_timed_out(&error) => Err(error.into()),
            Err(_) => Err(Error::NoAnswer {
                from: self.unresponsive().await,
                after: time,
            }),
        }
    }

    async fn unresponsive(&self) -> Unresponsive {
        let owner = async { Ok(self.find_owner().await) };
        match timeout(DIAGNOSIS_TIMEOUT, owner).await {
            Err(_) => Unresponsive::Bus(self.address.clone()),
            Ok(Ok(owner)) => Unresponsive::Service(owner.pid),
            Ok(Err(fdo::Error::NameHasNoOwner(_))) => Unresponsive::Activation,
            Ok(Err(_)) => Unresponsive::Service(None),
        }
    }

    async fn find_owner(&self) -> fdo::Result<Owner> {
        let name = self.proxy.get_name_owner(name()).await?;
        Ok(Owner {
            pid: self.pid(name.inner()).await?,
            name: name.to_string(),
        })
    }

    /// The pid of a connection in the pid namespace of this process, if it is known: by a pidfd from the bus; otherwise
    /// by the number from the bus, if the bus is seen here, and numbers this process as it does itself.
    async fn pid(&self, name: &UniqueName<'_>) -> fdo::Result<Option<u32>> {
        let credentials = self.proxy.get_connection_credentials(name.into()).await?;
        if !proc_is_own() {
            return Ok(None);
        }
        if let Some(pidfd) = credentials.process_fd() {
            return Ok(pid_of_pidfd(pidfd));
        }
        let (Some(pid), Some(own)) = (credentials.process_id(), self.connection.unique_name())
        else {
            return Ok(None);
        };
        let own = self.proxy.get_connection_credentials(own.inner().into());
        // By chance, the number could be the same in another namespace; but there the bus is not seen.
        let is_same = own.await?.process_id() == Some(process::id());
        let shares_namespace = is_same && self.sees_peer;
        Ok(shares_namespace.then_some(pid))
    }

    /// Waits for an answer of the bus, or of another service than ours on it, until the deadline of this connection.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] from the bus if there is none in time; otherwise the error of the answer.
    pub async fn ask<T, E: Into<zbus::Error>>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        let (left, time) = self.deadline.of_call();
        let call = async { call.await.map_err(Into::into) };
        match timeout(left, call).await {
            Ok(answer) => Ok(answer),
            Err(error) if !is_timed_out(&error) => Err(error.into()),
            Err(_) => Err(Error::NoAnswer {
                from: Unresponsive::Bus(self.address.clone()),
                after: time,
            }),
        }
    }
}

fn name() -> BusName<'static> {
    WellKnownName::from_static_str_unchecked(NAME).into()
}

/// The next item of a stream.
async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

/// Turns the error that the name has no owner into `None`.
fn owned<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Err(Error::Bus(zbus::Error::FDO(error)))
            if matches!(*error, fdo::Error::NameHasNoOwner(_)) =>
        {
            Ok(None)
        }
        answer => answer.map(Some),
    }
}
