//! The connection to the bus, up to the first message: the socket, the handshake and `Hello`.
//!
//! zbus can do this, too. This module exists for two reasons: zbus sends the whole handshake at once, and
//! xdg-dbus-proxy before 0.1.6 fails at that; and the service has its admission between the socket and zbus.

mod client_socket;
mod handshake;
pub(crate) mod header;
pub(crate) mod readable_fd;
mod stream;

use std::{fmt::Display, io, sync::Arc, time::Duration};

use tokio::time::timeout;
use zbus::{
    Address, Connection,
    address::Transport as AddressTransport,
    connection::{Builder, socket::BoxedSplit},
};

pub(crate) use stream::Stream;

/// The time for connecting to a bus, with the handshake and `Hello`.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The timeout of calls without a deadline of their own: 25 s, as with libdbus and GDBus.
const CALL_TIMEOUT: Duration = Duration::from_secs(25);

/// A connection to a bus after the handshake and `Hello`.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) address: Address,
    pub(crate) stream: Arc<Stream>,
    /// The bytes that were received after the reply to `Hello`.
    pub(crate) received: Vec<u8>,
    guid: String,
    unique_name: String,
}

/// Connects to the bus at an address, or to the session bus of the environment.
///
/// # Errors
/// When the address is invalid, no process listens there, or it takes longer than `limit`. If the handshake fails, the
/// error is [`Handshake`](zbus::Error::Handshake) with the address, the cause and a remedy.
pub(crate) async fn connect(address: Option<&str>, limit: Duration) -> zbus::Result<Transport> {
    let address = match address {
        Some(address) => Address::try_from(address)?,
        None => Address::session()?,
    };
    let connected = timeout(limit, shake_hands(&address)).await;
    connected.unwrap_or_else(|_| Err(timed_out(&address, limit)))
}

async fn shake_hands(address: &Address) -> zbus::Result<Transport> {
    let failed = |cause| zbus::Error::Connection(Arc::new(cause), Box::new(address.clone()));
    let stream = match address.transport() {
        AddressTransport::Unix(unix) => Stream::connect_unix(unix.path()).await,
        AddressTransport::Tcp(tcp) => Stream::connect_tcp(tcp).await,
        _ => return Err(zbus::Error::Unsupported),
    };
    let stream = stream.map_err(failed)?;
    let refused = |cause: &dyn Display| {
        let what = format!("the handshake with the bus at {address} has failed: {cause}");
        zbus::Error::Handshake(what)
    };
    let authenticated = handshake::perform(&stream).await;
    let authenticated = authenticated.map_err(|error| refused(&error))?;
    if let Some(expected) = address.guid()
        && expected.as_str() != authenticated.guid
    {
        let cause = format!("it has another GUID: {}", authenticated.guid);
        return Err(refused(&cause));
    }
    Ok(Transport {
        address: address.clone(),
        stream: Arc::new(stream),
        received: authenticated.received,
        guid: authenticated.guid,
        unique_name: authenticated.unique_name,
    })
}

/// The error of a bus that accepts the connection and does not answer.
pub(crate) fn timed_out(address: &Address, limit: Duration) -> zbus::Error {
    let what = format!("the bus has not answered within {limit:?}");
    let cause = io::Error::new(io::ErrorKind::TimedOut, what);
    zbus::Error::Connection(Arc::new(cause), Box::new(address.clone()))
}

impl Transport {
    /// The connection of a client, without admission.
    pub(crate) async fn into_connection(self) -> zbus::Result<Connection> {
        let socket = client_socket::ClientSocket::new(self.stream.clone(), self.received.clone());
        self.build(socket, |builder| builder).await
    }

    /// The connection over a socket that was made of this transport.
    pub(crate) async fn build(
        &self,
        socket: impl Into<BoxedSplit>,
        with: impl FnOnce(Builder<'static>) -> Builder<'static>,
    ) -> zbus::Result<Connection> {
        let builder = Builder::authenticated_socket(socket, self.guid.clone());
        let builder = builder.method_timeout(CALL_TIMEOUT);
        let connection = with(builder).build().await?;
        connection.set_unique_name(self.unique_name.as_str())?;
        Ok(connection)
    }
}
