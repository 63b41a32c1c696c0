//! The task that uses the bus for admission: it sends refusals, queries unread bytes and watches clients.

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

use super::{
    Admission,
    refusal::{Refusal, RefusalReason},
};

/// The time from heavy traffic until free memory is returned to the kernel.
const TRIM_DELAY: Duration = Duration::from_secs(1);

/// The result of a task.
enum Outcome {
    /// The unread bytes of a client, and whether it had answered a ping before.
    Unread(Name, Unread, bool),
    /// The client is watched; `None` if it has left already.
    Watched(Name, Option<Arc<Watch>>),
    /// [`TRIM_DELAY`] has passed after heavy traffic.
    TrimDue,
    /// The client could not be watched: a call to the bus failed.
    WatchFailed(Name),
}

/// The task. It is aborted when this is dropped.
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
    // Spawned as tasks: a future polled here could hold the turn to write to the socket, and would not be polled
    // while this function waits for that turn.
    let mut tasks = JoinSet::new();
    let mut is_trim_scheduled = false;
    // `None` while the watch is being set up.
    let mut watched = HashMap::<Name, Option<Arc<Watch>>>::new();
    loop {
        let work = select! {
            work = admission.next_bus_work() => work,
            Some(outcome) = tasks.join_next() => {
                match outcome {
                    Ok(Outcome::Unread(client, unread, has_answered_ping)) => {
                        admission.record_unread(&client, unread, has_answered_ping);
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
                        // Unanswered calls still use memory, which is returned the next time.
                        is_trim_scheduled = admission.unanswered() > 0;
                        if is_trim_scheduled {
                            tasks.spawn(trim_delay());
                        }
                    }
                    Err(error) => debug!("a task of admission has failed: {error}"),
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
            // Refusals in the kernel's buffer would delay the replies that follow.
            stream.drained().await.ok();
            // A lost connection is noticed by the reader.
            bus.send_all(&refusals).await.ok();
            // Other tasks run between two batches.
            yield_now().await;
        }
        if work.trim_memory && !is_trim_scheduled {
            is_trim_scheduled = true;
            tasks.spawn(trim_delay());
        }
        for (client, has_answered_ping) in work.unread_queries {
            let bus = bus.clone();
            tasks.spawn(async move {
                // The client's calls wait for a result, so a panic counts as silence.
                let query = AssertUnwindSafe(unread::of_client(&bus, &client)).catch_unwind();
                let unread = query.await.unwrap_or(Unread::Silent);
                Outcome::Unread(client, unread, has_answered_ping)
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

/// The error message that refuses a call.
fn error_of(refusal: &Refusal) -> Option<Message> {
    let client = UniqueName::try_from(&*refusal.client).ok()?;
    // zbus builds an error from the call; it uses only the sender and the serial.
    let call = Message::method_call("/", "Refused").sender(client);
    let call = call.serial(NonZeroU32::new(refusal.serial)?);
    let call = call.build(&()).ok()?;
    let text = refusal.reason.to_string();
    let error = match refusal.reason {
        RefusalReason::NoDescriptors => Error::not_supported(text),
        _ => Error::limit_exceeded(text),
    };
    error.create_reply(&call.header()).ok()
}
