//! Turns notices into D-Bus signals.

use std::error::Error;

use tracing::debug;
use zbus::{
    Message, ObjectPath,
    message::Builder,
    names::{InterfaceName, MemberName, UniqueName},
};

use super::{
    admission::Admission,
    session::{Event, Notice, SessionKind},
};
use crate::wire::{FaultChanges, INTERFACE, Ids, Messages, PATH, PROCESSES_INTERFACE, Texts};

/// Sends all notices in order, with as few writes as the socket allows. A notice with a client is unicast,
/// one without is broadcast.
pub(crate) async fn send(admission: &Admission, notices: Vec<Notice>) {
    let mut signals = Messages::default();
    for notice in notices {
        // Only a message above the maximum size could fail, and the limit on columns excludes it.
        if let Err(error) = add(notice, &mut signals) {
            debug!("a signal is lost: {error}");
        }
        // The first frames of many sessions can have megabytes.
        if signals.bytes().len() >= MAX_WRITE {
            write(admission, &signals).await;
            signals.clear();
        }
    }
    if !signals.bytes().is_empty() {
        write(admission, &signals).await;
    }
}

/// About the most bytes of one write: more than the kernel takes at once.
const MAX_WRITE: usize = 256 << 10;

async fn write(admission: &Admission, signals: &Messages) {
    // This fails only when the bus is gone, which ends the service anyway.
    if let Err(error) = admission.send_signals(signals.bytes()).await {
        debug!("signals are lost: {error}");
    }
}

/// Adds the signal of a notice.
fn add(notice: Notice, signals: &mut Messages) -> Result<(), Box<dyn Error>> {
    let (client, session) = (notice.client.as_deref(), notice.session);
    let signal = |member| signal(notice.kind, member, client);
    let message = match notice.event {
        Event::Sampled(timestamp, values) => {
            return Ok(signals.add_sampled(client, session, timestamp, &values)?);
        }
        Event::Changed(differences) => {
            let columns = differences
                .columns
                .iter()
                .flat_map(|columns| &columns.columns);
            let ids = columns.map(|column| column.metric.id.clone());
            let texts = Texts(differences.texts.clone());
            let faults = FaultChanges(differences.faults.clone());
            signal("Changed").build(&(session, Ids(ids.collect()), texts, faults))
        }
        Event::Processes(changes) => signal("Changed").build(&(
            session,
            changes.rows.pass.stamp.realtime,
            &changes.came,
            &changes.changed,
            &changes.gone,
            changes.values(),
            changes.faults(),
        )),
        Event::Crossed(crossing) => signal("Crossed").build(&(
            session,
            crossing.timestamp,
            &*crossing.id,
            crossing.value,
            crossing.direction.as_str(),
        )),
        Event::Ended(reason) => signal("Ended").build(&(session, reason)),
    };
    signals.add_encoded(message?.data());
    Ok(())
}

/// A signal to a client, or to everybody.
fn signal<'a>(kind: SessionKind, member: &'static str, client: Option<&'a str>) -> Builder<'a> {
    let interface = match kind {
        SessionKind::Metrics => INTERFACE,
        SessionKind::Processes => PROCESSES_INTERFACE,
    };
    // All of these are valid D-Bus names: checking them for each signal would cost time.
    let path = ObjectPath::from_static_str_unchecked(PATH);
    let interface = InterfaceName::from_static_str_unchecked(interface);
    let member = MemberName::from_static_str_unchecked(member);
    let builder = Message::signal(path, interface, member);
    match client {
        Some(client) => builder.destination(UniqueName::from_str_unchecked(client)),
        None => builder,
    }
}
