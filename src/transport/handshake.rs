//! The handshake of the D-Bus specification ("Authentication Protocol"), and `Hello`.
//!
//! `BEGIN` is sent when both answers are here, and not with the questions: xdg-dbus-proxy before 0.1.6
//! takes what the bus says after it has seen `BEGIN` for messages.

use std::{fmt::Write, io, io::ErrorKind};

use zbus::{Message, message::Type};

use super::{
    Stream,
    header::{Header, Length},
};

/// The longest answer that is read: a line, or the reply to `Hello` with its header.
const LONGEST: usize = 16 * 1024;

/// The longest part of an answer that is told.
const LONGEST_TOLD: usize = 64;

/// Why the handshake has failed, and what helps.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(
        "user {user} is not let in ({answer:?}). The bus is another user's, or a user namespace is between: run this as \
         the user whose session it is"
    )]
    Rejected { user: u32, answer: String },
    #[error("{answer:?} is no answer of a bus: DBUS_SESSION_BUS_ADDRESS has to lead to one")]
    Foreign { answer: String },
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
    #[error("an answer has no end")]
    Endless,
}

/// What the bus says to whom it lets in.
pub(super) struct Welcome {
    pub(super) guid: String,
    pub(super) unique_name: String,
    /// What came behind the reply to `Hello`.
    pub(super) received: Vec<u8>,
}

/// What was received and is not read yet.
struct Answers<'a> {
    stream: &'a Stream,
    received: Vec<u8>,
}

pub(super) async fn perform(stream: &Stream) -> Result<Welcome, Error> {
    let user = nix::unistd::geteuid().as_raw();
    // Its decimal digits, each as two hexadecimal ones.
    let mut hex = String::new();
    for digit in user.to_string().bytes() {
        write!(hex, "{digit:02x}").map_err(io::Error::other)?;
    }
    let mut answers = Answers {
        stream,
        received: Vec::new(),
    };
    let external = format!("\0AUTH EXTERNAL {hex}\r\nNEGOTIATE_UNIX_FD\r\n");
    let mut answer = answers.to(&external).await?;
    // Over TCP the kernel vouches for nobody.
    if answer.starts_with("REJECTED") && answer.contains("ANONYMOUS") {
        let anonymous = "AUTH ANONYMOUS 73616d706c6564\r\nNEGOTIATE_UNIX_FD\r\n";
        answer = answers.to(anonymous).await?;
    }
    let Some(guid) = answer.strip_prefix("OK ") else {
        return Err(Error::Rejected { user, answer });
    };
    let guid = guid.to_owned();
    let hello = hello()?;
    let begin = [b"BEGIN\r\n", &hello.data()[..]].concat();
    answers.send(&begin).await?;
    let serial = hello.primary_header().serial_num().get();
    let unique_name = match answers.name(serial).await {
        Err(Error::Closed) => return Err(Error::ClosedAtHello { user }),
        name => name?,
    };
    Ok(Welcome {
        guid,
        unique_name,
        received: answers.received,
    })
}

fn hello() -> zbus::Result<Message> {
    let bus = "org.freedesktop.DBus";
    let hello = Message::method_call("/org/freedesktop/DBus", "Hello");
    hello.destination(bus).interface(bus).build(&())
}

impl Answers<'_> {
    /// Sends the name of a mechanism and the question after descriptors, and returns the answer to the first.
    /// The other makes no difference: nothing here sends descriptors to a bus that does not pass them.
    async fn to(&mut self, questions: &str) -> Result<String, Error> {
        self.send(questions.as_bytes()).await?;
        let answer = self.line().await?;
        if !answer.starts_with("OK ") && !answer.starts_with("REJECTED") {
            let answer = answer.chars().take(LONGEST_TOLD).collect();
            return Err(Error::Foreign { answer });
        }
        self.line().await?;
        Ok(answer)
    }

    async fn send(&self, bytes: &[u8]) -> Result<(), Error> {
        let sent = self.stream.send_all(bytes).await;
        sent.map_err(|cause| match cause.kind() {
            ErrorKind::BrokenPipe => Error::Closed,
            _ => Error::Io(cause),
        })
    }

    /// The next line, without its end.
    async fn line(&mut self) -> Result<String, Error> {
        loop {
            let end = self.received.windows(2).position(|two| two == b"\r\n");
            if let Some(end) = end {
                let line: Vec<_> = self.received.drain(..end).collect();
                self.received.drain(..2);
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            self.more().await?;
        }
    }

    /// The unique name that the reply to the call with this serial gives.
    async fn name(&mut self, serial: u32) -> Result<String, Error> {
        let length = loop {
            match Length::of(&self.received) {
                Ok(Some(length)) if length.total > LONGEST => return Err(Error::Malformed),
                Ok(Some(length)) if self.received.len() >= length.total => break length,
                Ok(_) => self.more().await?,
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

    async fn more(&mut self) -> Result<(), Error> {
        let mut buffer = [0; 1024];
        // The bus passes no descriptors before it has let somebody in.
        let mut descriptors = Vec::new();
        let received = self.stream.receive_some(&mut buffer, &mut descriptors);
        let received = match received.await {
            Ok(0) => return Err(Error::Closed),
            // It was closed before it had read all.
            Err(cause) if cause.kind() == ErrorKind::ConnectionReset => return Err(Error::Closed),
            received => received?,
        };
        if self.received.len() > LONGEST {
            return Err(Error::Endless);
        }
        self.received.extend(buffer.iter().take(received));
        Ok(())
    }
}
