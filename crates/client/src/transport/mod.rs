//! The connection to the bus, up to the first message: the socket, the handshake and `Hello`.
//!
//! zbus can do this, too. This module exists for two reasons: zbus sends the whole handshake at once, and
//! xdg-dbus-proxy before 0.1.6 fails at that; and the service has its admission between the socket and zbus. A program
//! that puts something of its own there can do the same: [`connect`], then [`Identity::connection`] over its socket.

mod client_socket;
mod handshake;
pub mod header;
mod socket;
mod stream;

use std::{fmt::Display, io, os::fd::OwnedFd, sync::Arc, time::Duration};

use zbus::{
    Address, Connection,
    address::Transport as AddressTransport,
    connection::{Builder, socket::BoxedSplit},
};

use crate::runtime::{is_timed_out, timeout};
pub use socket::{receive, send};
use stream::Stream;

/// The time for connecting to a bus, with the handshake and `Hello`.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The timeout of calls without a deadline of their own: 25 s, as with libdbus and GDBus.
const CALL_TIMEOUT: Duration = Duration::from_secs(25);

/// A connected socket after the handshake and `Hello`.
#[derive(Debug)]
pub struct Transport {
    /// The address of the bus.
    pub address: Address,
    /// The socket, which does not block.
    pub socket: OwnedFd,
    /// The bytes that were received after the reply to `Hello`.
    pub received: Vec<u8>,
    /// Whether the bus passes descriptors on this connection. It passes none over TCP.
    pub passes_descriptors: bool,
    /// The bus, and this program on it.
    pub identity: Identity,
}

/// The GUID of a bus, and the unique name that it has assigned to a connection.
#[derive(Clone, Debug)]
pub struct Identity {
    guid: String,
    unique_name: String,
}

/// A [`Transport`] whose socket is registered with the runtime.
#[derive(Debug)]
struct Registered {
    address: Address,
    stream: Stream,
    received: Vec<u8>,
    passes_descriptors: bool,
    identity: Identity,
}

/// Connects to the bus at an address, or to the session bus of the environment.
///
/// # Errors
/// When the address is invalid, no process listens there, or it takes longer than `limit`. If the handshake fails, the
/// error is [`Handshake`](zbus::Error::Handshake) with the address, the cause and a remedy.
pub async fn connect(address: Option<&str>, limit: Duration) -> zbus::Result<Transport> {
    let connected = within(address, limit).await?;
    Ok(Transport {
        address: connected.address,
        socket: connected.stream.into_socket()?,
        received: connected.received,
        passes_descriptors: connected.passes_descriptors,
        identity: connected.identity,
    })
}

/// The same, with the connection of a client: the address of its bus, and the connection.
///
/// # Errors
/// As [`connect`].
pub(crate) async fn connection(
    address: Option<&str>,
    limit: Duration,
) -> zbus::Result<(Address, Connection)> {
    let connected = within(address, limit).await?;
    let socket = client_socket::ClientSocket::new(connected.stream, connected.received);
    let connection = connected.identity.connection(socket, |builder| builder);
    Ok((connected.address, connection.await?))
}

async fn within(address: Option<&str>, limit: Duration) -> zbus::Result<Registered> {
    let address = match address {
        Some(address) => Address::try_from(address)?,
        None => Address::session()?,
    };
    let connected = timeout(limit, shake_hands(&address)).await;
    connected.map_err(|error| match is_timed_out(&error) {
        true => timed_out(&address, limit),
        false => error,
    })
}

async fn shake_hands(address: &Address) -> zbus::Result<Registered> {
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
    Ok(Registered {
        address: address.clone(),
        stream,
        received: authenticated.received,
        passes_descriptors: authenticated.passes_descriptors,
        identity: Identity {
            guid: authenticated.guid,
            unique_name: authenticated.unique_name,
        },
    })
}

/// The error of a bus that accepts the connection and does not answer.
fn timed_out(address: &Address, limit: Duration) -> zbus::Error {
    let what = format!("the bus has not answered within {limit:?}");
    let cause = io::Error::new(io::ErrorKind::TimedOut, what);
    zbus::Error::Connection(Arc::new(cause), Box::new(address.clone()))
}

impl Identity {
    /// The connection over a socket that stands on that of the [`Transport`].
    ///
    /// # Errors
    /// When zbus cannot build the connection.
    pub async fn connection(
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
