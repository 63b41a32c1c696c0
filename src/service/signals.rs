//! Notices, as the signals they are sent as.

use tracing::debug;
use zbus::{
    Connection, Message, ObjectPath,
    names::{InterfaceName, MemberName, UniqueName},
};

use super::session::{Event, Notice, SessionKind};
use crate::wire::{Faults, INTERFACE, Ids, PATH, PROCESSES_INTERFACE, Texts};

/// Sends all notices, in their order, with as few writes as the socket allows: each to its client
/// alone, those of a detached session to everybody.
pub(crate) async fn send(bus: &Connection, notices: Vec<Notice>) {
    let messages: Vec<_> = notices.into_iter().filter_map(signal).collect();
    // The only failure is that the bus has gone, which the service notices by itself.
    if let Err(error) = bus.send_all(&messages).await {
        debug!("signals are lost: {error}");
    }
}

fn signal(notice: Notice) -> Option<Message> {
    let interface = match notice.kind {
        SessionKind::Metrics => INTERFACE,
        SessionKind::Processes => PROCESSES_INTERFACE,
    };
    let member = match notice.event {
        Event::Sampled(..) => "Sampled",
        Event::Changed(..) | Event::Processes(_) => "Changed",
        Event::Ended(..) => "Ended",
    };
    // All of these are names as D-Bus has them, and need not be looked at for each frame.
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
        Event::Changed(selection, texts, faults) => {
            let ids = selection
                .columns
                .iter()
                .map(|column| column.metric.id.clone());
            builder.build(&(session, Ids(ids.collect()), Texts(texts), Faults(faults)))
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
        Event::Ended(reason) => builder.build(&(session, reason)),
    };
    // What could fail is a frame larger than a message may be, which the limit on columns rules out.
    message
        .inspect_err(|error| debug!("a signal is lost: {error}"))
        .ok()
}
