//! The signals of a session, and the loss of its service.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use zbus::{Connection, MatchRule, Message, MessageStream, message};

use crate::{
    error::Error,
    wire::{NAME, PATH},
};

/// The signals of an interface, from the service that runs a session and from no other.
pub(crate) struct Signals {
    signals: MessageStream,
    /// NameOwnerChanged of the bus.
    owners: MessageStream,
    /// The service's unique name. A successor has another one, and does not have the session.
    service: String,
    session: u32,
    /// The reason why the session is over.
    end: Option<String>,
}

impl Signals {
    /// Subscribes to the signals, from any process. To be called before the session starts: its first frame follows the
    /// reply at once.
    pub(crate) async fn listen(bus: &Connection, interface: &'static str) -> zbus::Result<Self> {
        Self::listen_for(bus, interface, None).await
    }

    /// Subscribes to the end of sessions alone.
    pub(crate) async fn listen_for_end(
        bus: &Connection,
        interface: &'static str,
    ) -> zbus::Result<Self> {
        Self::listen_for(bus, interface, Some("Ended")).await
    }

    async fn listen_for(
        bus: &Connection,
        interface: &'static str,
        member: Option<&'static str>,
    ) -> zbus::Result<Self> {
        let signal = || MatchRule::builder().msg_type(message::Type::Signal);
        let mut of_service = signal().interface(interface).path(PATH);
        if let Some(member) = member {
            of_service = of_service.member(member);
        }
        let owner = signal()
            .sender("org.freedesktop.DBus")
            .interface("org.freedesktop.DBus")
            .member("NameOwnerChanged")
            .arg(0, NAME)
            .build()?;
        Ok(Self {
            signals: MessageStream::for_match_rule(of_service.build()?, bus, None).await?,
            owners: MessageStream::for_match_rule(owner, bus, None).await?,
            service: String::new(),
            session: 0,
            end: None,
        })
    }

    /// Sets the session, and the service that has replied.
    pub(crate) fn follow(&mut self, reply: &Message, session: u32) {
        let sender = reply.header().sender().map(ToString::to_string);
        self.service = sender.unwrap_or_default();
        self.session = session;
    }

    /// The number of the session.
    pub(crate) fn session(&self) -> u32 {
        self.session
    }

    /// Whether the session is over.
    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// The next signal of the service, perhaps of another session.
    ///
    /// # Errors
    /// [`Error::Ended`], once the session is over or the service is gone, and from then on.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        if let Some(reason) = &self.end {
            return Poll::Ready(Err(Error::Ended(reason.clone())));
        }
        let message = ready!(self.poll_message(context));
        if let Err(Error::Ended(reason)) = &message {
            self.end = Some(reason.clone());
        }
        Poll::Ready(message)
    }

    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        loop {
            // The service's signals come first: a service that ends sends `Ended` before it releases the name.
            let message = match Pin::new(&mut self.signals).poll_next(context) {
                Poll::Pending => ready!(Pin::new(&mut self.owners).poll_next(context)),
                Poll::Ready(message) => message,
            };
            let gone = || Error::Ended("the bus has gone".to_owned());
            let message = message.ok_or_else(gone)?.map_err(|_| gone())?;
            if self.is_of_service(&message)? {
                return Poll::Ready(Ok(message));
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
