//! The connection to the bus, up to the first message: the socket, the handshake and `Hello`.
//!
//! zbus can do this, too. This module exists for these reasons: zbus sends the whole handshake at once, and
//! xdg-dbus-proxy before 0.1.6 fails at that; zbus tries one address only, and is refused in a user namespace; and the
//! service has its admission between the socket and zbus. A program that puts something of its own there can do the same: [`connect`], then [`Identity::connection`] over its socket.

pub mod addresses;
mod client_socket;
mod handshake;
pub mod header;
mod listener;
mod socket;
mod stream;

use std::{
    fmt::Display,
    io,
    os::fd::OwnedFd,
    sync::Arc,
    time::{Duration, Instant},
};

use zbus::{
    Address, Connection, Message,
    address::Transport as AddressTransport,
    connection::{Builder, socket::BoxedSplit},
};

use crate::runtime::{is_timed_out, timeout};
pub use listener::Listener;
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
    /// Whether the call of [`connect_with_call`] was sent.
    pub is_call_sent: bool,
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
    is_call_sent: bool,
    passes_descriptors: bool,
    identity: Identity,
}

/// Connects to the bus at an address, or to the session bus of the environment. Of a list of addresses, separated by
/// `;`, the first one that works is used.
///
/// # Errors
/// When the address is invalid, no process listens there, or it takes longer than `limit`. If the handshake fails, the
/// error is [`Handshake`](zbus::Error::Handshake) with the address, the cause and a remedy. If no address of a list
/// works, it is [`Failure`](zbus::Error::Failure) with the errors of all.
pub async fn connect(address: Option<&str>, limit: Duration) -> zbus::Result<Transport> {
    within(address, limit, None).await?.transport()
}

/// Connects to the bus that has started this process, and sends it a call. The handshake, `Hello` and the call go into
/// one write, so it all takes one round trip. If the bus does not take that, it is asked in the usual way, and the call is
/// not sent.
///
/// # Errors
/// As [`connect`].
pub async fn connect_with_call(
    address: &str,
    call: &Message,
    limit: Duration,
) -> zbus::Result<Transport> {
    within(Some(address), limit, Some(call)).await?.transport()
}

/// The connection of a client.
pub(crate) struct ClientConnection {
    pub(crate) address: Address,
    pub(crate) connection: Connection,
    /// Whether the process that listens has a pid here.
    pub(crate) sees_peer: bool,
}

/// The same, with the connection of a client.
///
/// # Errors
/// As [`connect`].
pub(crate) async fn connection(
    address: Option<&str>,
    limit: Duration,
) -> zbus::Result<ClientConnection> {
    let connected = within(address, limit, None).await?;
    let sees_peer = connected.stream.sees_peer();
    let socket = client_socket::ClientSocket::new(connected.stream, connected.received);
    let connection = connected.identity.connection(socket);
    Ok(ClientConnection {
        address: connected.address,
        connection: connection.await?,
        sees_peer,
    })
}

async fn within(
    address: Option<&str>,
    limit: Duration,
    first_call: Option<&Message>,
) -> zbus::Result<Registered> {
    let addresses = match address {
        Some(address) => addresses::parse(address.as_bytes())?,
        None => addresses::of_session()?,
    };
    let start = Instant::now();
    let mut errors = Vec::new();
    for (index, address) in addresses.iter().enumerate() {
        // One that does not answer leaves time for those that follow.
        let following = u32::try_from(addresses.len().saturating_sub(index)).unwrap_or(u32::MAX);
        let left = match index {
            0 => limit,
            _ => limit.saturating_sub(start.elapsed()),
        };
        let share = left.checked_div(following).unwrap_or_default();
        let connected = timeout(share, shake_hands(address, first_call)).await;
        match connected {
            Ok(connected) => return Ok(connected),
            Err(error) if is_timed_out(&error) => errors.push(timed_out(address, share)),
            Err(error) => errors.push(error),
        }
    }
    Err(all_of(errors))
}

/// One error of those of all addresses.
fn all_of(mut errors: Vec<zbus::Error>) -> zbus::Error {
    match errors.len() {
        1 => errors.remove(0),
        _ => {
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            zbus::Error::Failure(errors.join("; "))
        }
    }
}

async fn shake_hands(
    address: &Address,
    mut first_call: Option<&Message>,
) -> zbus::Result<Registered> {
    let refused = |cause: &dyn Display| {
        let what = format!("the handshake with the bus at {address} has failed: {cause}");
        zbus::Error::Handshake(what)
    };
    let is_unix = matches!(address.transport(), AddressTransport::Unix(_));
    let mut stream = open(address).await?;
    let mut authenticated = handshake::perform(&stream, is_unix, first_call).await;
    if authenticated.is_err() && first_call.take().is_some() {
        // The usual handshake has another mechanism to try, and names the cause.
        stream = open(address).await?;
        authenticated = handshake::perform(&stream, is_unix, None).await;
    }
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
        is_call_sent: first_call.is_some(),
        passes_descriptors: authenticated.passes_descriptors,
        identity: Identity {
            guid: authenticated.guid,
            unique_name: authenticated.unique_name,
        },
    })
}

/// A socket that is connected to the address.
async fn open(address: &Address) -> zbus::Result<Stream> {
    let stream = match address.transport() {
        AddressTransport::Unix(unix) => Stream::connect_unix(unix.path()).await,
        AddressTransport::Tcp(tcp) => Stream::connect_tcp(tcp).await,
        _ => return Err(zbus::Error::Unsupported),
    };
    stream.map_err(|cause| zbus::Error::Connection(Arc::new(cause), Box::new(address.clone())))
}

/// The error of a bus that accepts the connection and does not answer.
fn timed_out(address: &Address, limit: Duration) -> zbus::Error {
    let what = format!("the bus has not answered within {limit:?}");
    let cause = io::Error::new(io::ErrorKind::TimedOut, what);
    zbus::Error::Connection(Arc::new(cause), Box::new(address.clone()))
}

impl Registered {
    fn transport(self) -> zbus::Result<Transport> {
        Ok(Transport {
            address: self.address,
            socket: self.stream.into_socket()?,
            received: self.received,
            is_call_sent: self.is_call_sent,
            passes_descriptors: self.passes_descriptors,
            identity: self.identity,
        })
    }
}

impl Identity {
    /// The connection over a socket that stands on that of the [`Transport`].
    ///
    /// # Errors
    /// When zbus cannot build the connection.
    pub async fn connection(&self, socket: impl Into<BoxedSplit>) -> zbus::Result<Connection> {
        let connection = self.builder(socket).build().await?;
        self.assign(&connection)?;
        Ok(connection)
    }

    /// The builder of that connection, to be completed by [`assign`](Self::assign).
    pub fn builder(&self, socket: impl Into<BoxedSplit>) -> Builder<'static> {
        let builder = Builder::authenticated_socket(socket, self.guid.clone());
        builder.method_timeout(CALL_TIMEOUT)
    }

    /// Tells a connection its unique name.
    ///
    /// # Errors
    /// When zbus does not take the name.
    pub fn assign(&self, connection: &Connection) -> zbus::Result<()> {
        connection.set_unique_name(self.unique_name.as_str())
    }
}
