//! A session on the client's side: frames, with their faults and texts.

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use zbus::Message;

use crate::{
    client::Client,
    error::Error,
    frame::{Columns, Frame},
    options::{Start, microseconds},
    signals::Signals,
    variants::fault_of,
    wire::INTERFACE,
};

/// A session. It ends with [`stop`](Self::stop), or when it is dropped.
///
/// It has a connection of its own. If frames are not taken, only that connection fills up: the service notices and drops
/// frames, and neither the client's calls nor its other sessions are delayed.
pub struct Session {
    client: Client,
    signals: Signals,
    columns: Columns,
}

impl Client {
    /// Starts a session, which receives the frames.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`], [`Error::InvalidInterval`],
    /// [`Error::LimitExceeded`].
    pub async fn start(&self, selectors: &[&str], start: Start) -> Result<Session, Error> {
        Session::start(self, selectors, start).await
    }
}

impl Session {
    async fn start(client: &Client, selectors: &[&str], start: Start) -> Result<Self, Error> {
        let client = Client::on(client.bus().another_connection().await?).await?;
        let bus = client.bus();
        let signals = Signals::listen(bus.connection(), INTERFACE);
        let mut signals = bus.ask(signals).await?;
        let options = start.options();
        let interval = microseconds(start.interval);
        let proxy = client.proxy().inner();
        let call = async |selectors: &[&str]| {
            let arguments = (selectors, interval, &options);
            let call = async || proxy.call_method("Start", &arguments).await;
            bus.call(call).await
        };
        let reply = match call(selectors).await {
            // An earlier version of the service does not know the option `optional`.
            Err(Error::UnknownMetric(_)) if start.optional => {
                call(&client.known(selectors).await?).await?
            }
            reply => reply?,
        };
        let (session, ids) = reply.body().deserialize()?;
        signals.follow(&reply, session);
        Ok(Self {
            client,
            signals,
            columns: Columns::new(ids),
        })
    }

    /// The number of the session.
    pub fn id(&self) -> u32 {
        self.signals.session()
    }

    /// The ids of the columns, as of the last frame.
    pub fn columns(&self) -> &[String] {
        self.columns.ids()
    }

    /// The next frame. Cancel safe: dropping the future loses no frame.
    ///
    /// # Errors
    /// [`Error::Ended`], once the session is over or the service is gone.
    pub async fn next(&mut self) -> Result<Frame, Error> {
        poll_fn(|context| self.poll_frame(context)).await
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame, Error>> {
        loop {
            let message = ready!(self.signals.poll(context))?;
            if let Some(frame) = self.take(&message)? {
                return Poll::Ready(Ok(frame));
            }
        }
    }

    /// Ends the session.
    ///
    /// # Errors
    /// [`Error::NoSuchSession`], if it is over already.
    pub async fn stop(self) -> Result<(), Error> {
        self.client.stop(self.id()).await
    }

    /// Handles a signal; returns the frame if it carries one.
    fn take(&mut self, message: &Message) -> Result<Option<Frame>, Error> {
        let header = message.header();
        let body = message.body();
        match header.member().map(|member| member.as_str()) {
            Some("Sampled") => {
                let (session, timestamp, values): (u32, u64, Vec<f64>) = body.deserialize()?;
                if session == self.id() {
                    return Ok(Some(self.columns.frame(timestamp, values)));
                }
            }
            Some("Changed") => {
                type Texts<'a> = HashMap<&'a str, &'a str>;
                let (session, ids, texts, faults): (u32, Vec<String>, Texts<'_>, Texts<'_>) =
                    body.deserialize()?;
                if session == self.id() {
                    let faults = faults.into_iter();
                    let fault = |code: &str| (!code.is_empty()).then(|| fault_of(code));
                    let faults = faults.map(|(id, code)| (id, fault(code)));
                    self.columns.change(ids, texts, faults);
                }
            }
            _ => {}
        }
        Ok(None)
    }
}

/// The frames. The last item is the error [`Error::Ended`].
impl Stream for Session {
    type Item = Result<Frame, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let session = self.get_mut();
        if session.signals.is_over() {
            return Poll::Ready(None);
        }
        session.poll_frame(context).map(Some)
    }
}
