//! What admission needs the bus for: it refuses calls, and asks after clients.

use std::{
    collections::HashMap, num::NonZeroU32, panic::AssertUnwindSafe, sync::Arc, time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    select,
    task::{AbortHandle, JoinSet, yield_now},
    time::sleep,
};
use tracing::debug;
use zbus::{Connection, DBusError, Message, names::UniqueName};

use crate::{
    allocator,
    service::{
        client::{
            Name,
            unread::{self, Unread},
            watch::{Watch, Watches},
        },
        error::Error,
    },
    transport::Stream,
};

use super::{Admission, refusal::Refusal};

/// A second after much traffic memory is given back. If there is as much again, it is given back again.
const TRIM_DELAY: Duration = Duration::from_secs(1);

/// What has come of a question.
enum Outcome {
    /// How much the bus holds for a client, who had answered a ping before or not.
    Held(Name, Unread, bool),
    /// A client is watched, unless it has left already.
    Watched(Name, Option<Arc<Watch>>),
    /// So much time has passed after much traffic that what it took may be free.
    TrimDue,
    /// The bus has not let a client be watched.
    WatchFailed(Name),
}

/// The task that does it, which ends with its owner.
pub(crate) struct BusTask(AbortHandle);

impl BusTask {
    pub(crate) fn spawn(
        admission: Arc<Admission>,
        watches: Arc<Watches>,
        bus: Connection,
        stream: Arc<Stream>,
    ) -> Self {
        Self(tokio::spawn(run(admission, watches, bus, stream)).abort_handle())
    }
}

impl Drop for BusTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run(
    admission: Arc<Admission>,
    watches: Arc<Watches>,
    bus: Connection,
    stream: Arc<Stream>,
) {
    // Tasks, and no futures that are polled here: one that waits for its turn to write would never have
    // it while this waits for its own.
    let mut tasks = JoinSet::new();
    // Memory will be given back.
    let mut is_trim_scheduled = false;
    // None while the bus is being asked.
    let mut watched = HashMap::<Name, Option<Arc<Watch>>>::new();
    loop {
        let work = select! {
            work = admission.next_bus_work() => work,
            Some(answer) = tasks.join_next() => {
                match answer {
                    Ok(Outcome::Unread(client, held, has_answered_ping)) => {
                        admission.record_unread(&client, held, has_answered_ping);
                    }
                    Ok(Outcome::Watched(client, Some(watch))) if !watch.has_left() => {
                        if let Some(place) = watched.get_mut(&client) {
                            *place = Some(watch);
                        }
                    }
                    Ok(Outcome::Watched(client, _)) => admission.forget(&client),
                    Ok(Outcome::WatchFailed(client)) => drop(watched.remove(&client)),
                    Ok(Outcome::TrimDue) => {
                        allocator::trim();
                        // What is still in use is given back the next time.
                        is_trim_scheduled = admission.unanswered() > 0;
                        if is_trim_scheduled {
                            tasks.spawn(trim_delay());
                        }
                    }
                    Err(error) => debug!("a question has failed: {error}"),
                }
                continue;
            }
        };
        let refusals: Vec<_> = work.refusals.iter().filter_map(error_of).collect();
        if !refusals.is_empty() {
            let serials = refusals
                .iter()
                .map(|refusal| refusal.primary_header().serial_num());
            admission.set_refusal_serials(serials.map(NonZeroU32::get));
            // What is in the kernel's buffer goes before every answer that comes later.
            stream.drained().await.ok();
            // Whether the bus has gone is seen where it is read.
            bus.send_all(&refusals).await.ok();
            // Between any two lots of them others have their turn.
            yield_now().await;
        }
        if work.trim_memory && !is_trim_scheduled {
            is_trim_scheduled = true;
            tasks.spawn(trim_delay());
        }
        for (client, has_answered_ping) in work.unread_queries {
            let bus = bus.clone();
            tasks.spawn(async move {
                // An answer there must be: the client's calls wait for it.
                let held = AssertUnwindSafe(unread::of_client(&bus, &client)).catch_unwind();
                let held = held.await.unwrap_or(Unread::Silent);
                Outcome::Unread(client, held, has_answered_ping)
            });
        }
        for (client, is_watched) in work.watch {
            if !is_watched {
                watched.remove(&client);
                continue;
            }
            watched.insert(client.clone(), None);
            tasks.spawn(watch(watches.clone(), bus.clone(), client));
        }
    }
}

async fn trim_delay() -> Outcome {
    sleep(TRIM_DELAY).await;
    Outcome::TrimDue
}

async fn watch(watches: Arc<Watches>, bus: Connection, client: Name) -> Outcome {
    match watches.watch(&bus, &client).await {
        Ok(watch) => Outcome::Watched(client, watch),
        Err(_) => Outcome::WatchFailed(client),
    }
}

/// The error message of a call that is not let in.
fn error_of(refusal: &Refusal) -> Option<Message> {
    let client = UniqueName::try_from(&*refusal.client).ok()?;
    // zbus makes errors from the call, of which this is as much as it looks at.
    let call = Message::method_call("/", "Refused").sender(client);
    let call = call.serial(NonZeroU32::new(refusal.serial)?);
    let call = call.build(&()).ok()?;
    let error = Error::limit_exceeded(refusal.reason.to_string());
    error.create_reply(&call.header()).ok()
}
