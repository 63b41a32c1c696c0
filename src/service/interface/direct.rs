//! Calls that are answered directly: zbus neither parses their arguments nor builds their replies.

use std::pin::Pin;

use sampled_client::transport::header::Header;
use tokio::task::yield_now;
use zbus::{
    BoxDBusError, Connection, Message, message::NATIVE_ENDIAN_SIG, names::MemberName,
    object_server::Interface,
};

use super::{Processes, Sampler, run_call};
use crate::{
    service::{error::Error, options::CallOptions, sampling::Sampled, state::ServiceState},
    wire::{CatalogReply, Messages, TooLong, strings},
};

/// The metrics of a reply of `List` that are written in one step, about a millisecond. Other calls have their turn after it.
const COLUMNS_IN_A_STEP: usize = 1024;

/// The answer to a call.
pub(super) type Answer<'call> =
    Pin<Box<dyn Future<Output = Result<(), BoxDBusError>> + Send + 'call>>;

/// An interface that may answer calls directly.
pub(super) trait Direct: Interface {
    /// Answers a call; `None` leaves it to the methods of the interface, also if its arguments are malformed.
    fn answer<'call>(
        &'call self,
        bus: &'call Connection,
        message: &'call Message,
        name: &MemberName<'_>,
    ) -> Option<Answer<'call>>;
}

impl Direct for Processes {
    fn answer<'call>(
        &'call self,
        bus: &'call Connection,
        message: &'call Message,
        name: &MemberName<'_>,
    ) -> Option<Answer<'call>> {
        if *name != "Snapshot" {
            return None;
        }
        let header = Header::parse(message.data()).ok()?;
        let (client, (fields, options)) = (header.sender?, arguments(message, &header)?);
        Some(boxed(async move {
            let table = self.take_snapshot(bus, client, &fields, options).await?;
            let mut reply = Messages::default();
            reply.add_table(client, header.serial, &table)?;
            send(&self.state, client, header.serial, &reply).await;
            Ok(())
        }))
    }
}

impl Direct for Sampler {
    fn answer<'call>(
        &'call self,
        bus: &'call Connection,
        message: &'call Message,
        name: &MemberName<'_>,
    ) -> Option<Answer<'call>> {
        let header = Header::parse(message.data()).ok()?;
        let (client, serial) = (header.sender?, header.serial);
        match name.as_str() {
            "Sample" => {
                let (selectors, options) = arguments(message, &header)?;
                Some(boxed(async move {
                    let answered = self.answer_sample(bus, client, serial, &selectors, options);
                    answered.await
                }))
            }
            "List" => {
                let selectors = selectors(message, &header)?;
                Some(boxed(async move {
                    self.answer_list(bus, client, serial, &selectors).await
                }))
            }
            _ => None,
        }
    }
}

impl Sampler {
    async fn answer_sample(
        &self,
        bus: &Connection,
        client: &str,
        serial: u32,
        selectors: &[&str],
        options: CallOptions,
    ) -> Result<(), Error> {
        let sample = self.take_sample(bus, Some(client), selectors, options);
        let Sampled {
            timestamp,
            readings,
            faults,
            guard,
        } = sample.await?;
        let mut reply = Messages::default();
        reply.add_sample(client, serial, timestamp, &readings, &faults)?;
        send(&self.state, client, serial, &reply).await;
        // Until now calls that have waited for the same window stood behind this one.
        drop(guard);
        Ok(())
    }

    async fn answer_list(
        &self,
        bus: &Connection,
        client: &str,
        serial: u32,
        selectors: &[&str],
    ) -> Result<(), Error> {
        let catalog = &self.state.catalog;
        let list = catalog.list_columns(Some(bus), Some(client), selectors);
        let selection = run_call(&self.state.shutdown, list).await?;
        let columns = &selection.columns;
        let mut reply = CatalogReply::new(client, serial, columns.len());
        let mut turn = None;
        for (number, column) in columns.iter().enumerate() {
            if number % COLUMNS_IN_A_STEP == COLUMNS_IN_A_STEP.saturating_sub(1) {
                match turn {
                    None => turn = Some(catalog.turn_of_long_reply().await),
                    Some(_) => yield_now().await,
                }
            }
            let added = reply.add(&column.metric, &column.source);
            added.map_err(|error| too_many(columns.len(), &error))?;
        }
        send(&self.state, client, serial, &reply.finish()?).await;
        drop(turn);
        Ok(())
    }
}

/// The error of a list whose metadata no message can carry.
fn too_many(metrics: usize, error: &TooLong) -> Error {
    Error::limit_exceeded(format!(
        "the metadata of {metrics} metrics needs {error}: give narrower selectors"
    ))
}

fn boxed<'call>(answered: impl Future<Output = Result<(), Error>> + Send + 'call) -> Answer<'call> {
    Box::pin(async move {
        let answered = answered.await;
        answered.map_err(|error| Box::new(error) as BoxDBusError)
    })
}

async fn send(state: &ServiceState, client: &str, serial: u32, reply: &Messages) {
    let sent = state.admission.send_reply(client, serial, reply.bytes());
    // A lost connection is noticed by the reader.
    sent.await.ok();
}

impl From<TooLong> for Error {
    fn from(error: TooLong) -> Self {
        Self::failed(error.to_string())
    }
}

/// The arguments `asa{sv}` of a call, if they are in the byte order of this machine and well formed.
fn arguments<'a>(message: &'a Message, header: &Header<'_>) -> Option<(Vec<&'a str>, CallOptions)> {
    let body = body(message, header, b"asa{sv}")?;
    let data = message.data();
    let (selectors, length) = strings(data.get(body..)?)?;
    // Both the body and its second argument begin at a multiple of four.
    let second = body.checked_add(length.checked_next_multiple_of(4)?)?;
    let options = match data.get(second..)?.first_chunk::<4>()? {
        [0, 0, 0, 0] => CallOptions::default(),
        _ => data.slice(second..).deserialize().ok()?.0,
    };
    Some((selectors, options))
}

/// The argument `as` of a call.
fn selectors<'a>(message: &'a Message, header: &Header<'_>) -> Option<Vec<&'a str>> {
    let body = body(message, header, b"as")?;
    let (selectors, _) = strings(message.data().get(body..)?)?;
    Some(selectors)
}

/// The position of the body, if it has this signature and the byte order of this machine.
fn body(message: &Message, header: &Header<'_>, signature: &[u8]) -> Option<usize> {
    let primary = message.primary_header();
    if primary.endian_sig() != NATIVE_ENDIAN_SIG || header.signature != signature {
        return None;
    }
    let length = usize::try_from(primary.body_len()).ok()?;
    message.data().len().checked_sub(length)
}
