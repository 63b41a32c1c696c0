//! The signals of a session, and the loss of its service.

use futures_util::{
    StreamExt,
    stream::{PollNext, SelectWithStrategy, select_with_strategy},
};
use zbus::{Connection, MatchRule, Message, MessageStream, message};

use crate::{
    error::Error,
    wire::{NAME, PATH},
};

/// The signals of an interface, from the service that runs a session and from no other.
pub(super) struct Signals {
    stream: Stream,
    /// The service's unique name. A successor has another one, and does not have the session.
    service: String,
    session: u32,
}

/// The signals of the service, and NameOwnerChanged of the bus. The service's come first: a service that ends sends
/// `Ended` before it releases the name.
type Stream = SelectWithStrategy<MessageStream, MessageStream, fn(&mut ()) -> PollNext, ()>;

impl Signals {
    /// Subscribes to the signals, from any process. To be called before the session starts: its first frame follows the
    /// reply at once.
    pub(super) async fn listen(bus: &Connection, interface: &'static str) -> zbus::Result<Self> {
        let signal = || MatchRule::builder().msg_type(message::Type::Signal);
        let frames = signal().interface(interface).path(PATH).build()?;
        let owner = signal()
            .sender("org.freedesktop.DBus")
            .interface("org.freedesktop.DBus")
            .member("NameOwnerChanged")
            .arg(0, NAME)
            .build()?;
        Ok(Self {
            stream: select_with_strategy(
                MessageStream::for_match_rule(frames, bus, None).await?,
                MessageStream::for_match_rule(owner, bus, None).await?,
                |()| PollNext::Left,
            ),
            service: String::new(),
            session: 0,
        })
    }

    /// Sets the session, and the service that has replied.
    pub(super) fn follow(&mut self, reply: &Message, session: u32) {
        let sender = reply.header().sender().map(ToString::to_string);
        self.service = sender.unwrap_or_default();
        self.session = session;
    }

    /// The number of the session.
    pub(super) fn session(&self) -> u32 {
        self.session
    }

    /// The next signal of the service, perhaps of another session. Cancel safe.
    ///
    /// # Errors
    /// [`Error::Ended`], once the session is over or the service is gone.
    pub(super) async fn next(&mut self) -> Result<Message, Error> {
        loop {
            let message = self.stream.next().await;
            let gone = || Error::Ended("the bus has gone".to_owned());
            let message = message.ok_or_else(gone)?.map_err(|_| gone())?;
            if self.is_of_service(&message)? {
                return Ok(message);
            }
        }
    }

    fn is_of_service(&self, message: &Message) -> Result<bool, Error> {
        let header = message.header();
        let body = message.body();
        let member = header.member().map(|member| member.as_str());
        if member == Some("NameOwnerChanged") {
            let (_, old, _): (&str, &str, &str) = body.deserialize()?;
            return if old == self.service {
                Err(Error::Ended("the service has gone".to_owned()))
            } else {
                Ok(false)
            };
        }
        let sender = header.sender().map(|sender| sender.as_str());
        if sender != Some(self.service.as_str()) {
            return Ok(false);
        }
        if member == Some("Ended") {
            let (session, reason): (u32, String) = body.deserialize()?;
            if session == self.session {
                return Err(Error::Ended(reason));
            }
        }
        Ok(true)
    }
}
