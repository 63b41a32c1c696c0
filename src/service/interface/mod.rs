//! The interfaces of the object on the bus. Their XML files in `dbus/` are their only documentation, and the text that
//! `Introspect` returns.

mod described;
mod direct;
mod processes;
mod reload_details;
mod sampler;
mod session_details;
mod source_details;

use std::{collections::HashMap, panic::AssertUnwindSafe};

use futures_util::FutureExt;
use tokio::select;
use zbus::{OwnedVariant, Variant, fdo, message::Header};

use super::{error::Error, shutdown::Shutdown};

pub(crate) use described::Described;
pub(crate) use processes::Processes;
pub(crate) use sampler::Sampler;

/// Named values, `a{sv}`.
type VariantMap = HashMap<&'static str, OwnedVariant>;

/// Runs a call. A panic becomes the error `Failed`, and a call that is not done at the deadline of the shutdown
/// gets `Stopping`: without a reply the caller would wait until its own timeout, if it has one.
async fn run_call<T>(
    shutdown: &Shutdown,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    // Unwind safe: a panic leaves the data behind the service's locks consistent.
    let outcome = AssertUnwindSafe(call).catch_unwind();
    let outcome = select! {
        // In this order: after the deadline a call that has not begun does not begin.
        biased;
        () = shutdown.deadline_passed() => return Err(Error::stopping()),
        outcome = outcome => outcome,
    };
    outcome.unwrap_or_else(|_| {
        let message = "the service has met a bug: its log has the details";
        Err(Error::failed(message.to_owned()))
    })
}

fn owned<const N: usize>(entries: [(&'static str, Variant<'_>); N]) -> VariantMap {
    let owned = |(key, value): (_, Variant<'_>)| Some((key, value.try_into().ok()?));
    entries.into_iter().filter_map(owned).collect()
}

/// The unique name of the caller. The bus sets it on every call.
fn caller<'a>(header: &'a Header<'_>) -> Result<&'a str, Error> {
    let sender = header.sender().map(|name| name.as_str());
    sender.ok_or_else(|| Error::invalid_args("the call has no sender".to_owned()))
}

impl From<Error> for fdo::Error {
    fn from(error: Error) -> Self {
        Self::Failed(error.to_string())
    }
}
