//! The bus itself: who has the name of the service, and what the bus would start for it.

use std::{io::ErrorKind, time::Duration};

use futures_util::StreamExt;
use tokio::time::timeout;
use zbus::{
    Connection,
    fdo::{self, DBusProxy},
    names::{BusName, OwnedUniqueName, WellKnownName},
    proxy::CacheProperties,
};

use crate::{
    transport::{self, CONNECT_TIMEOUT},
    wire::NAME,
};

use super::{
    Error,
    deadline::{Deadline, Unresponsive},
};

/// A session bus. None of its calls starts the service.
#[derive(Clone, Debug)]
pub struct Bus {
    /// Where it is.
    address: String,
    connection: Connection,
    proxy: DBusProxy<'static>,
    deadline: Deadline,
}

/// How long the bus has to say who has not answered.
const WHO: Duration = Duration::from_millis(500);

impl Bus {
    /// The session bus of this environment.
    ///
    /// # Errors
    /// [`Error::NoBus`] if there is none, [`Error::NoAnswer`] if it lets nobody in within 2 s, [`Error::Handshake`] if
    /// it does not let this program in.
    pub async fn session() -> Result<Self, Error> {
        Self::connect(None, Deadline::default()).await
    }

    /// The bus at an address.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub async fn at(address: &str) -> Result<Self, Error> {
        Self::connect(Some(address), Deadline::default()).await
    }

    /// The bus at an address or that of this environment, for a client that gives up when this time has passed
    /// from now, whatever it waits for. Without that, each call has 25 s.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub async fn within(address: Option<&str>, time: Duration) -> Result<Self, Error> {
        Self::connect(address, Deadline::within(time)).await
    }

    /// The same bus, over a connection of its own.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub async fn another_connection(&self) -> Result<Self, Error> {
        Self::connect(Some(&self.address), self.deadline).await
    }

    async fn connect(address: Option<&str>, deadline: Deadline) -> Result<Self, Error> {
        let (left, time) = deadline.left(CONNECT_TIMEOUT);
        let transport = transport::connect(address, left).await;
        let transport = transport.map_err(|error| match error {
            zbus::Error::Connection(cause, address) if cause.kind() == ErrorKind::TimedOut => {
                Error::NoAnswer {
                    from: Unresponsive::Bus(address.to_string()),
                    after: time,
                }
            }
            zbus::Error::Handshake(what) => Error::Handshake(what),
            error => Error::NoBus(error),
        })?;
        let address = transport.address.to_string();
        let connection = transport.into_connection().await.map_err(Error::NoBus)?;
        // It answers pings, by which the service sees that this client reads its frames.
        connection.object_server();
        let proxy = DBusProxy::builder(&connection)
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        Ok(Self {
            address,
            connection,
            proxy,
            deadline,
        })
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The process that has the name of the service, if somebody has it.
    ///
    /// # Errors
    /// When the bus does not say.
    pub async fn owner(&self) -> Result<Option<u32>, Error> {
        owned(self.ask(self.pid()).await)
    }

    /// The unique name of whoever has the name of the service.
    pub(super) async fn owner_name(&self) -> Result<Option<OwnedUniqueName>, Error> {
        owned(self.ask(self.proxy.get_name_owner(name())).await)
    }

    /// Waits until nobody has the name of the service.
    ///
    /// # Errors
    /// When the bus goes.
    pub async fn until_unowned(&self) -> Result<(), Error> {
        self.until(false).await
    }

    /// Waits until somebody has the name of the service.
    ///
    /// # Errors
    /// When the bus goes.
    pub async fn until_owned(&self) -> Result<(), Error> {
        self.until(true).await
    }

    async fn until(&self, is_taken: bool) -> Result<(), Error> {
        let changes = self
            .proxy
            .receive_name_owner_changed_with_args(&[(0, NAME)]);
        let mut changes = self.ask(changes).await?;
        // Asked after the subscription: no change goes unseen.
        while self.ask(self.proxy.name_has_owner(name())).await? != is_taken {
            changes.next().await;
        }
        Ok(())
    }

    /// Whether the bus would start the service for a caller.
    ///
    /// # Errors
    /// When the bus goes.
    pub async fn can_start(&self) -> Result<bool, Error> {
        let names = self.ask(self.proxy.list_activatable_names()).await?;
        Ok(names.iter().any(|name| name.as_str() == NAME))
    }

    pub(super) async fn has_owner(&self, name: WellKnownName<'_>) -> Result<bool, Error> {
        self.ask(self.proxy.name_has_owner(name.into())).await
    }

    /// Tells the bus to look for activation files, and before it the user's systemd, if it is
    /// there, to look for units. Returns whether systemd was told.
    ///
    /// # Errors
    /// When one of them refuses.
    pub async fn reload(&self) -> Result<bool, Error> {
        let told = self.reload_units().await?;
        self.ask(self.proxy.reload_config()).await?;
        Ok(told)
    }

    /// Makes a call of the service, and makes it once more if it reached a service on its way out: by the
    /// time of that answer the name is free, and the second call starts a successor.
    pub(super) async fn call<T>(
        &self,
        call: impl AsyncFn() -> zbus::Result<T>,
    ) -> Result<T, Error> {
        let limit = self.deadline.of_call();
        match self.answer(limit, call()).await {
            Err(Error::Stopping) => self.answer(self.deadline.of_call(), call()).await,
            result => result,
        }
    }

    /// Makes a call of the service once, which it answers at once if it answers at all.
    pub(super) async fn tell<T>(
        &self,
        call: impl Future<Output = zbus::Result<T>>,
    ) -> Result<T, Error> {
        /// Who leaves need not wait: its sessions end with its connection.
        const TELL: Duration = Duration::from_secs(5);
        self.answer(self.deadline.left(TELL), call).await
    }

    /// Waits for an answer of the service. If there is none, the bus says whose fault that is.
    async fn answer<T>(
        &self,
        (left, time): (Duration, Duration),
        call: impl Future<Output = zbus::Result<T>>,
    ) -> Result<T, Error> {
        match timeout(left, call).await {
            Ok(Err(error)) if !is_late(&error) => Err(error.into()),
            Ok(Ok(answer)) => Ok(answer),
            _ => Err(Error::NoAnswer {
                from: self.unresponsive().await,
                after: time,
            }),
        }
    }

    async fn unresponsive(&self) -> Unresponsive {
        match timeout(WHO, self.pid()).await {
            Err(_) => Unresponsive::Bus(self.address.clone()),
            Ok(Ok(pid)) => Unresponsive::Service(Some(pid)),
            Ok(Err(fdo::Error::NameHasNoOwner(_))) => Unresponsive::Activation,
            Ok(Err(_)) => Unresponsive::Service(None),
        }
    }

    async fn pid(&self) -> fdo::Result<u32> {
        self.proxy.get_connection_unix_process_id(name()).await
    }

    /// Waits for an answer of the bus.
    pub(super) async fn ask<T, E: Into<zbus::Error>>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        let (left, time) = self.deadline.of_call();
        match timeout(left, call)
            .await
            .map(|answer| answer.map_err(Into::into))
        {
            Ok(Err(error)) if !is_late(&error) => Err(error.into()),
            Ok(Ok(answer)) => Ok(answer),
            _ => Err(Error::NoAnswer {
                from: Unresponsive::Bus(self.address.clone()),
                after: time,
            }),
        }
    }
}

fn name() -> BusName<'static> {
    WellKnownName::from_static_str_unchecked(NAME).into()
}

/// Whether this is the end of the connection's own time for a call.
fn is_late(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::InputOutput(cause) if cause.kind() == ErrorKind::TimedOut)
}

/// An answer about the owner of the name, where there may be none.
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
