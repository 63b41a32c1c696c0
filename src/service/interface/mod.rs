//! The interfaces of the object on the bus, and what their methods share.

mod processes;
mod sampler;

use std::{collections::HashMap, panic::AssertUnwindSafe};

use futures_util::FutureExt;
use tokio::select;
use zbus::{OwnedVariant, Variant, fdo, message::Header};

use super::{error::Error, leaving::Leaving};

pub(crate) use processes::Processes;
pub(crate) use sampler::Sampler;

/// Facts by their names, `a{sv}`.
type Facts = HashMap<&'static str, OwnedVariant>;

/// Answers a call also where the answering panics, and where it takes too long for a service that is to be
/// gone soon: the caller would wait for ever otherwise.
async fn answer<T>(
    leaving: &Leaving,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    // No lock of the service is left in disorder by a panic.
    let answered = AssertUnwindSafe(call).catch_unwind();
    let answered = select! {
        // What has not begun yet is not begun any more.
        biased;
        () = leaving.hurried() => return Err(Error::stopping()),
        answered = answered => answered,
    };
    answered.unwrap_or_else(|_| {
        let what = "the service has a bug, of which its log tells more";
        Err(Error::failed(what.to_owned()))
    })
}

fn owned<const N: usize>(facts: [(&'static str, Variant<'_>); N]) -> Facts {
    let owned = |(key, fact): (_, Variant<'_>)| Some((key, fact.try_into().ok()?));
    facts.into_iter().filter_map(owned).collect()
}

/// The unique name of the caller, which the bus puts on every call.
fn caller<'a>(header: &'a Header<'_>) -> Result<&'a str, Error> {
    let sender = header.sender().map(|name| name.as_str());
    sender.ok_or_else(|| Error::invalid_args("the call has no sender".to_owned()))
}

impl From<Error> for fdo::Error {
    fn from(error: Error) -> Self {
        Self::Failed(error.to_string())
    }
}
