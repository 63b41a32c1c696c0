//! The connection to the bus, up to the first message: the socket, the handshake and `Hello`.
//!
//! zbus can do all of this by itself. This module does it for two reasons: zbus sends the whole handshake
//! at once, which xdg-dbus-proxy before 0.1.6 does not survive, and the service puts its
//! admission between the socket and zbus.

mod handshake;
pub(crate) mod header;
mod plain;
pub(crate) mod readable_fd;
mod stream;

use std::{fmt::Display, io, sync::Arc, time::Duration};

use tokio::time::timeout;
use zbus::{
    Address, Connection,
    address::Transport as Place,
    connection::{Builder, socket::BoxedSplit},
};

pub(crate) use stream::Stream;

/// How long a bus has to let somebody in.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a call over the connection may take that has no deadline of its own: 25 s, as with libdbus and GDBus.
const CALL: Duration = Duration::from_secs(25);

/// A bus that has let us in.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) address: Address,
    /// The socket, behind the handshake and `Hello`.
    pub(crate) stream: Arc<Stream>,
    /// What was received behind the reply to `Hello`.
    pub(crate) received: Vec<u8>,
    guid: String,
    unique_name: String,
}

/// Connects to the bus at an address, or to the session bus of the environment.
///
/// # Errors
/// When the address means nothing, nobody listens there, or it takes longer than `patience`. If somebody listens
/// and the handshake fails, it is [`Handshake`](zbus::Error::Handshake) with the address, the cause and a cure.
pub(crate) async fn connect(address: Option<&str>, patience: Duration) -> zbus::Result<Transport> {
    let address = match address {
        Some(address) => Address::try_from(address)?,
        None => Address::session()?,
    };
    let connected = timeout(patience, shake_hands(&address)).await;
    connected.unwrap_or_else(|_| Err(timed_out(&address, patience)))
}

async fn shake_hands(address: &Address) -> zbus::Result<Transport> {
    let failed = |cause| zbus::Error::Connection(Arc::new(cause), Box::new(address.clone()));
    let stream = match address.transport() {
        Place::Unix(unix) => Stream::connect_unix(unix.path()).await,
        Place::Tcp(tcp) => Stream::connect_tcp(tcp).await,
        _ => return Err(zbus::Error::Unsupported),
    };
    let stream = stream.map_err(failed)?;
    let refused = |cause: &dyn Display| {
        let what = format!("the handshake with the bus at {address} has failed: {cause}");
        zbus::Error::Handshake(what)
    };
    let welcome = handshake::perform(&stream).await;
    let welcome = welcome.map_err(|error| refused(&error))?;
    if let Some(expected) = address.guid()
        && expected.as_str() != welcome.guid
    {
        let cause = format!("it has another GUID: {}", welcome.guid);
        return Err(refused(&cause));
    }
    Ok(Transport {
        address: address.clone(),
        stream: Arc::new(stream),
        received: welcome.received,
        guid: welcome.guid,
        unique_name: welcome.unique_name,
    })
}

/// The error of a bus at which something listens that does not answer.
pub(crate) fn timed_out(address: &Address, patience: Duration) -> zbus::Error {
    let what = format!("the bus has not answered within {patience:?}");
    let cause = io::Error::new(io::ErrorKind::TimedOut, what);
    zbus::Error::Connection(Arc::new(cause), Box::new(address.clone()))
}

impl Transport {
    /// A connection without admission: for clients.
    pub(crate) async fn into_connection(self) -> zbus::Result<Connection> {
        let socket = plain::Plain::new(self.stream.clone(), self.received.clone());
        self.build(socket, |builder| builder).await
    }

    /// The connection over this transport, by way of a socket that is made of it.
    pub(crate) async fn build(
        &self,
        socket: impl Into<BoxedSplit>,
        with: impl FnOnce(Builder<'static>) -> Builder<'static>,
    ) -> zbus::Result<Connection> {
        let builder = Builder::authenticated_socket(socket, self.guid.clone());
        let builder = builder.method_timeout(CALL);
        let connection = with(builder).build().await?;
        connection.set_unique_name(self.unique_name.as_str())?;
        Ok(connection)
    }
}
