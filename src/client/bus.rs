//! The bus itself: who has the name of the service, and what the bus would start for it.

use futures_util::StreamExt;
use zbus::{
    Connection,
    fdo::DBusProxy,
    names::{BusName, OwnedUniqueName, WellKnownName},
    proxy::CacheProperties,
};

use crate::{transport, wire::NAME};

use super::Error;

/// A session bus. None of its calls starts the service.
#[derive(Clone, Debug)]
pub struct Bus {
    /// Where it is, if not where the environment says.
    address: Option<String>,
    connection: Connection,
    proxy: DBusProxy<'static>,
}

impl Bus {
    /// The session bus of this environment.
    ///
    /// # Errors
    /// [`Error::NoBus`] if there is none.
    pub async fn session() -> Result<Self, Error> {
        Self::connect(None).await
    }

    /// The bus at an address.
    ///
    /// # Errors
    /// [`Error::NoBus`] if there is none.
    pub async fn at(address: &str) -> Result<Self, Error> {
        Self::connect(Some(address.to_owned())).await
    }

    /// The same bus, over a connection of its own.
    ///
    /// # Errors
    /// [`Error::NoBus`] if it has gone.
    pub async fn again(&self) -> Result<Self, Error> {
        Self::connect(self.address.clone()).await
    }

    async fn connect(address: Option<String>) -> Result<Self, Error> {
        let transport = transport::connect(address.as_deref(), transport::PATIENCE);
        let connection = async { transport.await?.into_connection().await };
        let connection = connection.await.map_err(Error::NoBus)?;
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
        })
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The process that has the name of the service, if somebody has it.
    pub async fn owner(&self) -> Option<u32> {
        self.proxy.get_connection_unix_process_id(name()).await.ok()
    }

    /// The unique name of whoever has the name of the service.
    pub(super) async fn owner_name(&self) -> Option<OwnedUniqueName> {
        self.proxy.get_name_owner(name()).await.ok()
    }

    /// Waits until nobody has the name of the service.
    ///
    /// # Errors
    /// When the bus goes.
    pub async fn vacant(&self) -> Result<(), Error> {
        let changes = self
            .proxy
            .receive_name_owner_changed_with_args(&[(0, NAME)]);
        let mut changes = changes.await?;
        // Asked after the subscription: no change goes unseen.
        while self.proxy.name_has_owner(name()).await.map_err(fdo)? {
            changes.next().await;
        }
        Ok(())
    }

    /// Whether the bus would start the service for a caller.
    ///
    /// # Errors
    /// When the bus goes.
    pub async fn can_start(&self) -> Result<bool, Error> {
        let names = self.proxy.list_activatable_names().await.map_err(fdo)?;
        Ok(names.iter().any(|name| name.as_str() == NAME))
    }

    /// Tells the bus to look for activation files, and before it the user's systemd, if it is
    /// there, to look for units. Returns whether systemd was told.
    ///
    /// # Errors
    /// When one of them refuses.
    pub async fn reload(&self) -> Result<bool, Error> {
        let systemd = WellKnownName::from_static_str_unchecked(SYSTEMD);
        let told = self
            .proxy
            .name_has_owner(systemd.into())
            .await
            .map_err(fdo)?;
        if told {
            let (path, manager) = (
                "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager",
            );
            let call =
                self.connection
                    .call_method(Some(SYSTEMD), path, Some(manager), "Reload", &());
            call.await?;
        }
        self.proxy.reload_config().await.map_err(fdo)?;
        Ok(told)
    }
}

const SYSTEMD: &str = "org.freedesktop.systemd1";

fn name() -> BusName<'static> {
    WellKnownName::from_static_str_unchecked(NAME).into()
}

fn fdo(error: zbus::fdo::Error) -> Error {
    zbus::Error::from(error).into()
}
