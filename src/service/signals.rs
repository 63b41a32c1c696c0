//! Turns notices into D-Bus signals.

use tracing::debug;
use zbus::{
    Connection, Message, ObjectPath,
    names::{InterfaceName, MemberName, UniqueName},
};

use super::session::{Event, Notice, SessionKind};
use crate::wire::{FaultChanges, INTERFACE, Ids, PATH, PROCESSES_INTERFACE, Texts};

/// Sends all notices in order, with as few writes as the socket allows. A notice with a client is unicast,
/// one without is broadcast.
pub(crate) async fn send(bus: &Connection, notices: Vec<Notice>) {
    if notices.is_empty() {
        return;
    }
    let messages: Vec<_> = notices.into_iter().filter_map(message).collect();
    // This fails only when the bus is gone, which ends the service anyway.
    if let Err(error) = bus.send_all(&messages).await {
        debug!("signals are lost: {error}");
    }
}

fn message(notice: Notice) -> Option<Message> {
    let interface = match notice.kind {
        SessionKind::Metrics => INTERFACE,
        SessionKind::Processes => PROCESSES_INTERFACE,
    };
    let member = match notice.event {
        Event::Sampled(..) => "Sampled",
        Event::Changed(..) | Event::Processes(_) => "Changed",
        Event::Crossed(_) => "Crossed",
        Event::Ended(..) => "Ended",
    };
    // All of these are valid D-Bus names: checking them for each frame would cost time.
    let path = ObjectPath::from_static_str_unchecked(PATH);
    let interface = InterfaceName::from_static_str_unchecked(interface);
    let member = MemberName::from_static_str_unchecked(member);
    let mut builder = Message::signal(path, interface, member);
    if let Some(client) = &notice.client {
        builder = builder.destination(UniqueName::from_str_unchecked(client));
    }
    let session = notice.session;
    let message = match notice.event {
        Event::Sampled(timestamp, values) => builder.build(&(session, timestamp, &*values)),
        Event::Changed(differences) => {
            let columns = differences
                .columns
                .iter()
                .flat_map(|columns| &columns.columns);
            let ids = columns.map(|column| column.metric.id.clone());
            let texts = Texts(differences.texts.clone());
            let faults = FaultChanges(differences.faults.clone());
            builder.build(&(session, Ids(ids.collect()), texts, faults))
        }
        Event::Processes(changes) => builder.build(&(
            session,
            changes.rows.pass.stamp.realtime,
            &changes.came,
            &changes.changed,
            &changes.gone,
            changes.values(),
            changes.faults(),
        )),
        Event::Crossed(crossing) => builder.build(&(
            session,
            crossing.timestamp,
            &*crossing.id,
            crossing.value,
            crossing.direction.as_str(),
        )),
        Event::Ended(reason) => builder.build(&(session, reason)),
    };
    // Only a message above the maximum size could fail, and the limit on columns excludes it.
    message
        .inspect_err(|error| debug!("a signal is lost: {error}"))
        .ok()
}
