//! Calls that are answered directly: zbus neither parses their arguments nor builds their replies.

use std::pin::Pin;

use sampled_client::transport::header::Header;
use zbus::{
    BoxDBusError, Connection, Message, message::NATIVE_ENDIAN_SIG, names::MemberName,
    object_server::Interface,
};

use super::{Processes, Sampler};
use crate::{
    service::{error::Error, options::CallOptions, sampling::Sampled},
    wire::{Messages, strings},
};

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
        _: &'call Connection,
        _: &'call Message,
        _: &MemberName<'_>,
    ) -> Option<Answer<'call>> {
        None
    }
}

impl Direct for Sampler {
    fn answer<'call>(
        &'call self,
        bus: &'call Connection,
        message: &'call Message,
        name: &MemberName<'_>,
    ) -> Option<Answer<'call>> {
        if *name != "Sample" {
            return None;
        }
        let header = Header::parse(message.data()).ok()?;
        let (client, (selectors, options)) = (header.sender?, arguments(message, &header)?);
        let answer = async move {
            let answered = self.answer_sample(bus, client, header.serial, &selectors, options);
            answered
                .await
                .map_err(|error| Box::new(error) as BoxDBusError)
        };
        Some(Box::pin(answer))
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
        let added = reply.add_sample(client, serial, timestamp, &readings, &faults);
        added.map_err(|error| Error::failed(error.to_string()))?;
        // A lost connection is noticed by the reader.
        let admission = &self.state.admission;
        admission
            .send_reply(client, serial, reply.bytes())
            .await
            .ok();
        // Until now calls that have waited for the same window stood behind this one.
        drop(guard);
        Ok(())
    }
}

/// The arguments `asa{sv}` of a call, if they are in the byte order of this machine and well formed.
fn arguments<'a>(message: &'a Message, header: &Header<'_>) -> Option<(Vec<&'a str>, CallOptions)> {
    let primary = message.primary_header();
    if primary.endian_sig() != NATIVE_ENDIAN_SIG || header.signature != b"asa{sv}" {
        return None;
    }
    let data = message.data();
    let body = data
        .len()
        .checked_sub(usize::try_from(primary.body_len()).ok()?)?;
    let (selectors, length) = strings(data.get(body..)?)?;
    // Both the body and its second argument begin at a multiple of four.
    let second = body.checked_add(length.checked_next_multiple_of(4)?)?;
    let options = match data.get(second..)?.first_chunk::<4>()? {
        [0, 0, 0, 0] => CallOptions::default(),
        _ => data.slice(second..).deserialize().ok()?.0,
    };
    Some((selectors, options))
}
