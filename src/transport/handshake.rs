//! The handshake of the D-Bus specification ("Authentication Protocol"), and `Hello`.
//!
//! `BEGIN` is sent when both answers are here, and not with the questions: xdg-dbus-proxy before 0.1.6
//! takes what the bus says after it has seen `BEGIN` for messages.

use std::fmt::Write;

use zbus::{Error, Message, message::Type};

use super::{
    Stream,
    header::{Header, Length},
};

/// The longest answer that is read: a line, or the reply to `Hello` with its header.
const LONGEST: usize = 16 * 1024;

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
    // The user's number in decimal digits, each as two hexadecimal ones.
    let mut user = String::new();
    for digit in rustix::process::geteuid().as_raw().to_string().bytes() {
        write!(user, "{digit:02x}").map_err(|error| Error::Handshake(error.to_string()))?;
    }
    let mut answers = Answers {
        stream,
        received: Vec::new(),
    };
    let external = format!("\0AUTH EXTERNAL {user}\r\nNEGOTIATE_UNIX_FD\r\n");
    let mut answer = answers.to(&external).await?;
    // Over TCP the kernel vouches for nobody.
    if answer.starts_with("REJECTED") && answer.contains("ANONYMOUS") {
        let anonymous = "AUTH ANONYMOUS 73616d706c6564\r\nNEGOTIATE_UNIX_FD\r\n";
        answer = answers.to(anonymous).await?;
    }
    let guid = match answer.split_once(' ') {
        Some(("OK", guid)) => guid.to_owned(),
        _ => {
            return Err(Error::Handshake(format!(
                "the bus does not let user {} in: {answer}",
                rustix::process::geteuid().as_raw()
            )));
        }
    };
    let hello = hello()?;
    let begin = [b"BEGIN\r\n", &hello.data()[..]].concat();
    stream.send_all(&begin).await?;
    let unique_name = answers
        .name(hello.primary_header().serial_num().get())
        .await?;
    Ok(Welcome {
        guid,
        unique_name,
        received: answers.received,
    })
}

fn hello() -> Result<Message, Error> {
    let bus = "org.freedesktop.DBus";
    let hello = Message::method_call("/org/freedesktop/DBus", "Hello");
    hello.destination(bus).interface(bus).build(&())
}

impl Answers<'_> {
    /// Sends the name of a mechanism and the question after descriptors, and returns the answer to the first.
    /// The other makes no difference: nothing here sends descriptors to a bus that does not pass them.
    async fn to(&mut self, questions: &str) -> Result<String, Error> {
        self.stream.send_all(questions.as_bytes()).await?;
        let answer = self.line().await?;
        self.line().await?;
        Ok(answer)
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
        let malformed = || Error::Handshake("the reply to Hello is malformed".to_owned());
        let length = loop {
            match Length::of(&self.received) {
                Ok(Some(length)) if length.total > LONGEST => return Err(malformed()),
                Ok(Some(length)) if self.received.len() >= length.total => break length,
                Ok(_) => self.more().await?,
                Err(_) => return Err(malformed()),
            }
        };
        let reply: Vec<_> = self.received.drain(..length.total).collect();
        let header = Header::parse(&reply).map_err(|_| malformed())?;
        let body = reply.get(length.header..).unwrap_or_default();
        let text = header.string(body).ok_or_else(malformed)?;
        match header.kind {
            Some(Type::MethodReturn) if header.reply_serial == Some(serial) => Ok(text.to_owned()),
            Some(Type::Error) => Err(Error::Handshake(format!("the bus refuses Hello: {text}"))),
            _ => Err(malformed()),
        }
    }

    async fn more(&mut self) -> Result<(), Error> {
        let mut buffer = [0; 1024];
        // The bus passes no descriptors before it has let somebody in.
        let mut descriptors = Vec::new();
        let received = self
            .stream
            .receive_some(&mut buffer, &mut descriptors)
            .await?;
        let broken = |what: &str| Err(Error::Handshake(what.to_owned()));
        if received == 0 {
            return broken("the connection was closed in the middle of it");
        }
        if self.received.len() > LONGEST {
            return broken("the answer has no end");
        }
        self.received.extend(buffer.iter().take(received));
        Ok(())
    }
}
