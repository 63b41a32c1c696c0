//! The handshake ("Authentication Protocol" in the D-Bus specification), and `Hello`.
//!
//! `BEGIN` is sent after both replies have come: xdg-dbus-proxy before 0.1.6 takes the bytes that the bus sends after
//! `BEGIN` for messages, so it must not see `BEGIN` earlier. No proxy is between a bus and a service that it starts, and
//! there everything is sent at once.

use std::{fmt::Write, io, io::ErrorKind};

use zbus::{Message, message::Type};

use super::{
    header::{Header, Length},
    stream::Stream,
};

/// The limit of a reply: a line, or the reply to `Hello` with its header.
const MAX_REPLY: usize = 16 * 1024;

/// The limit of a reply in an error message, in characters.
const MAX_QUOTED: usize = 64;

/// The reason why the handshake has failed, with a remedy.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(
        "user {user} is not let in ({reply:?}). The bus is another user's: run this as the user whose session it is"
    )]
    Rejected { user: u32, reply: String },
    #[error("{reply:?} is no answer of a bus: DBUS_SESSION_BUS_ADDRESS has to lead to one")]
    Foreign { reply: String },
    #[error(
        "the connection was closed. A proxy closes it where no bus is behind it: start the proxy again, or have \
         DBUS_SESSION_BUS_ADDRESS lead to a bus"
    )]
    Closed,
    #[error(
        "the connection was closed at Hello. The bus serves others than user {user}: run this as the user whose session \
         it is"
    )]
    ClosedAtHello { user: u32 },
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("Hello cannot be written: {0}")]
    Hello(#[from] zbus::Error),
    #[error("the bus refuses Hello: {0}")]
    Refused(String),
    #[error("the reply to Hello is malformed")]
    Malformed,
    #[error("a reply of the bus has more than {MAX_REPLY} bytes")]
    TooLong,
}

/// The outcome of a successful handshake.
pub(super) struct Authenticated {
    pub(super) guid: String,
    pub(super) unique_name: String,
    /// Whether the bus passes descriptors on this connection.
    pub(super) passes_descriptors: bool,
    /// The bytes that were received after the reply to `Hello`.
    pub(super) received: Vec<u8>,
}

/// The handshake's side of a stream, with the bytes that were received and not parsed yet.
struct Dialogue<'a> {
    stream: &'a Stream,
    received: Vec<u8>,
}

/// Performs the handshake. With a first call everything is sent at once: the parts of the handshake, `Hello` and the call,
/// whose reply is left to the caller. Only over a Unix socket (`is_unix`) does the bus know the user of this process.
pub(super) async fn perform(
    stream: &Stream,
    is_unix: bool,
    first_call: Option<&Message>,
) -> Result<Authenticated, Error> {
    let user = nix::unistd::geteuid().as_raw();
    // The decimal digits of the uid as ASCII, in hexadecimal.
    let mut hex = String::new();
    for digit in user.to_string().bytes() {
        write!(hex, "{digit:02x}").map_err(io::Error::other)?;
    }
    let mut dialogue = Dialogue {
        stream,
        received: Vec::new(),
    };
    let hello = hello()?;
    let begin = [b"BEGIN\r\n", &hello.data()[..]].concat();
    let mut external = format!("\0AUTH EXTERNAL {hex}\r\nNEGOTIATE_UNIX_FD\r\n").into_bytes();
    if let Some(call) = first_call {
        external.extend(&begin);
        external.extend(&call.data()[..]);
    }
    let (mut reply, mut passes_descriptors) = dialogue.authenticate(&external).await?;
    // In a user namespace this process has another uid than outside, where the bus reads it from the socket. Over TCP it
    // reads none, and closes the connection later.
    if is_unix
        && first_call.is_none()
        && reply.starts_with("REJECTED")
        && reply.contains("EXTERNAL")
    {
        (reply, passes_descriptors) = dialogue.authenticate_by_socket().await?;
    }
    // Over TCP the bus has no credentials from the kernel.
    if first_call.is_none() && reply.starts_with("REJECTED") && reply.contains("ANONYMOUS") {
        let anonymous = b"AUTH ANONYMOUS 73616d706c6564\r\nNEGOTIATE_UNIX_FD\r\n";
        (reply, passes_descriptors) = dialogue.authenticate(anonymous).await?;
    }
    let Some(guid) = reply.strip_prefix("OK ") else {
        return Err(Error::Rejected { user, reply });
    };
    let guid = guid.to_owned();
    if first_call.is_none() {
        dialogue.send(&begin).await?;
    }
    let serial = hello.primary_header().serial_num().get();
    let unique_name = match dialogue.unique_name(serial).await {
        Err(Error::Closed) => return Err(Error::ClosedAtHello { user }),
        name => name?,
    };
    Ok(Authenticated {
        guid,
        unique_name,
        passes_descriptors,
        received: dialogue.received,
    })
}

fn hello() -> zbus::Result<Message> {
    let bus = "org.freedesktop.DBus";
    let hello = Message::method_call("/org/freedesktop/DBus", "Hello");
    hello.destination(bus).interface(bus).build(&())
}

/// The reply to a mechanism: OK or REJECTED.
fn decision(reply: String) -> Result<String, Error> {
    if reply.starts_with("OK ") || reply.starts_with("REJECTED") {
        return Ok(reply);
    }
    let reply = reply.chars().take(MAX_QUOTED).collect();
    Err(Error::Foreign { reply })
}

impl Dialogue<'_> {
    /// Sends the mechanism and NEGOTIATE_UNIX_FD, and returns the reply to the mechanism, and whether the bus passes
    /// descriptors.
    async fn authenticate(&mut self, commands: &[u8]) -> Result<(String, bool), Error> {
        self.send(commands).await?;
        let reply = decision(self.line().await?)?;
        let agreement = self.line().await?;
        Ok((reply, agreement == "AGREE_UNIX_FD"))
    }

    /// The same with EXTERNAL and no uid: the bus takes that of the socket.
    async fn authenticate_by_socket(&mut self) -> Result<(String, bool), Error> {
        self.send(b"AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\n")
            .await?;
        let challenge = self.line().await?;
        let reply = self.line().await?;
        let agreement = self.line().await?;
        // After a refusal of AUTH, the reply to DATA is an error.
        let reply = match challenge.starts_with("REJECTED") {
            true => challenge,
            false => decision(reply)?,
        };
        Ok((reply, agreement == "AGREE_UNIX_FD"))
    }

    async fn send(&self, bytes: &[u8]) -> Result<(), Error> {
        let sent = self.stream.send_all(bytes).await;
        sent.map_err(|cause| match cause.kind() {
            ErrorKind::BrokenPipe => Error::Closed,
            _ => Error::Io(cause),
        })
    }

    /// The next line, without CR LF.
    async fn line(&mut self) -> Result<String, Error> {
        loop {
            let end = self.received.windows(2).position(|two| two == b"\r\n");
            if let Some(end) = end {
                let line: Vec<_> = self.received.drain(..end).collect();
                self.received.drain(..2);
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            self.receive().await?;
        }
    }

    /// The unique name in the reply to the `Hello` with this serial.
    async fn unique_name(&mut self, serial: u32) -> Result<String, Error> {
        let length = loop {
            match Length::of(&self.received) {
                Ok(Some(length)) if length.total > MAX_REPLY => return Err(Error::Malformed),
                Ok(Some(length)) if self.received.len() >= length.total => break length,
                Ok(_) => self.receive().await?,
                Err(_) => return Err(Error::Malformed),
            }
        };
        let reply: Vec<_> = self.received.drain(..length.total).collect();
        let header = Header::parse(&reply).map_err(|_| Error::Malformed)?;
        let body = reply.get(length.header..).unwrap_or_default();
        let text = header.string(body).ok_or(Error::Malformed)?;
        match header.kind {
            Some(Type::MethodReturn) if header.reply_serial == Some(serial) => Ok(text.to_owned()),
            Some(Type::Error) => Err(Error::Refused(text.to_owned())),
            _ => Err(Error::Malformed),
        }
    }

    async fn receive(&mut self) -> Result<(), Error> {
        let mut buffer = [0; 1024];
        // The bus passes no descriptors before the end of the handshake.
        let mut descriptors = Vec::new();
        let received = self.stream.receive(&mut buffer, &mut descriptors);
        let received = match received.await {
            Ok(0) => return Err(Error::Closed),
            // The other end has closed the connection before reading all bytes.
            Err(cause) if cause.kind() == ErrorKind::ConnectionReset => return Err(Error::Closed),
            received => received?,
        };
        if self.received.len() > MAX_REPLY {
            return Err(Error::TooLong);
        }
        self.received.extend(buffer.iter().take(received));
        Ok(())
    }
}
