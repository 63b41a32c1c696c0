//! The details of a session in the reply of `Sessions`.

use zbus::Variant;

use super::{VariantMap, owned};
use crate::{
    service::{
        control::Visibility,
        session::{Session, Subject},
    },
    store::Column,
};

/// The details of a session for a client, which may see so much of the sessions of others.
pub(super) fn of(session: &Session, client: &str, others: Visibility) -> VariantMap {
    let is_own = *session.owner == *client;
    let label = match is_own || others.labels {
        true => session.label.as_str(),
        false => "",
    };
    let visible = |column: &&Column| is_own || others.defined || !column.is_custom;
    let (metrics, fields): (Vec<&str>, Vec<&str>) = match &session.subject {
        Subject::Metrics(metrics) => {
            let columns = metrics.selection.columns.iter();
            (ids(columns.filter(visible)), Vec::new())
        }
        Subject::Processes(processes) => (Vec::new(), processes.columns()),
        Subject::Crossings(crossings) => {
            let columns = crossings.columns();
            (ids(columns.filter(visible)), Vec::new())
        }
    };
    let entries = [
        ("owner", Variant::from(&*session.owner)),
        ("label", Variant::from(label)),
        (
            "interval",
            Variant::from(session.interval.as_micros() as u64),
        ),
        ("metrics", Variant::from(metrics)),
        ("fields", Variant::from(fields)),
        ("frames", Variant::from(session.frames)),
        ("dropped", Variant::from(session.dropped)),
        ("missed", Variant::from(session.missed)),
        ("detached", Variant::from(session.detached)),
        ("stream", Variant::from(session.stream.is_some())),
    ];
    let mut entries = owned(entries);
    if let Subject::Crossings(crossings) = &session.subject {
        let threshold = &crossings.threshold;
        entries.extend(owned([
            ("threshold", Variant::from(threshold.value)),
            ("direction", Variant::from(threshold.directions())),
            ("hysteresis", Variant::from(threshold.hysteresis)),
            ("hold", Variant::from(threshold.hold.as_micros() as u64)),
            ("recovery", Variant::from(threshold.recovery)),
        ]));
    }
    entries
}

/// The ids of these columns.
fn ids<'a>(columns: impl Iterator<Item = &'a Column>) -> Vec<&'a str> {
    columns.map(|column| &*column.metric.id).collect()
}
