//! The loop of the sessions: it takes frames as they fall due, and listens for devices and definitions meanwhile.

use std::{future::pending, io, pin::pin, time::Duration};

use tokio::select;
use zbus::Connection;

use super::{
    definition_watch::DefinitionWatch,
    device_events::DeviceEvents,
    processes::{Batches, ChangesBySession},
    state::ServiceState,
    timer::Timer,
    when_woken::WhenWoken,
};
use crate::reading::monotonic;

/// An event that the loop of the sessions waits for.
enum Event<E> {
    End(E),
    /// Sessions, settings or grants have changed.
    Changed,
    Uevent,
    /// Definitions may have changed.
    Definitions,
    /// The bus has read a slice of a past.
    Past,
    /// A batch of tables is made.
    Tables(ChangesBySession),
    /// Frames are due, or uevents are to be handled.
    Due,
}

/// Takes frames as they fall due, and listens for devices and definitions while there is a session. `ends`
/// is polled between frames only: a write that is cancelled in the middle of a frame would make the
/// rest of the connection unreadable for the bus, the last replies included.
pub(super) async fn run<E>(
    state: &ServiceState,
    bus: Option<&Connection>,
    timer: &Timer,
    mut ends: impl Future<Output = E> + Unpin,
) -> io::Result<E> {
    let mut definitions = DefinitionWatch::default();
    let mut devices = DeviceEvents::default();
    let mut batches = Batches::default();
    loop {
        let changed = state.sessions.changed.notified();
        if let Some(bus) = bus {
            state.keeping.update(bus).await;
        }
        state.frames.begin_tables(&mut batches);
        let has_sessions = !state.sessions.is_empty();
        devices.listen(has_sessions);
        definitions.listen(has_sessions, &state.store);
        let handled = devices.due();
        let event = async {
            select! {
                end = &mut ends => Event::End(end),
                () = changed => Event::Changed,
                () = devices.receive() => Event::Uevent,
                () = definitions.changed() => Event::Definitions,
                () = state.frames.past_may_continue() => Event::Past,
                changes = batches.next() => Event::Tables(changes),
            }
        };
        match write_records_until(state, bus, timer, event, handled).await? {
            Event::End(end) => return Ok(end),
            Event::Changed => {
                state.frames.end_unpermitted().await;
                state.frames.end_closed_streams().await;
            }
            Event::Uevent => {}
            Event::Definitions => {
                let changes = state.store.rediscover_new_definitions().await;
                state.catalog.announce(bus, changes).await;
                definitions.rearm();
            }
            Event::Past => state.frames.continue_past().await,
            Event::Tables(changes) => {
                state.frames.send_tables(bus, changes).await;
            }
            Event::Due => {
                devices.receive_all();
                if let Some(subsystems) = devices.take_for_frame(monotonic()) {
                    let store = &state.store;
                    let changes = store.rediscover_devices(subsystems.as_ref()).await;
                    state.catalog.announce(bus, changes).await;
                }
                state.frames.tick(bus).await;
            }
        }
    }
}

/// Waits for an event, or until a frame is due or uevents are to be `handled`. Until then it takes the frames of streams
/// that need nothing but their reads and their writes: a thousand a second are no reason to look after all else as often.
async fn write_records_until<E>(
    state: &ServiceState,
    bus: Option<&Connection>,
    timer: &Timer,
    event: impl Future<Output = Event<E>>,
    handled: Option<Duration>,
) -> io::Result<Event<E>> {
    // Polled when the event wakes it, not once for each record.
    let event = pin!(event);
    let mut event = WhenWoken::new(event);
    loop {
        let due = earliest(state.sessions.lock().next_due(), handled);
        let wait = async {
            match due {
                Some(due) => timer.until(due).await,
                None => pending().await,
            }
        };
        select! {
            event = &mut event => return Ok(event),
            waited = wait => waited?,
        }
        let are_records = state.sessions.lock().are_only_records_due(monotonic());
        if handled.is_some() || !are_records {
            return Ok(Event::Due);
        }
        state.frames.tick(bus).await;
    }
}

/// The earlier of two moments, if there is one.
fn earliest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}
