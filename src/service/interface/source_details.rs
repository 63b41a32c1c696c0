//! A source in the reply of `Sources`.

use zbus::Variant;

use super::{VariantMap, owned};
use crate::store::SourceState;

pub(super) fn of(source: &SourceState) -> VariantMap {
    let mut details = owned([
        ("state", Variant::from(source.state)),
        ("metrics", Variant::from(source.metrics)),
        ("reads", Variant::from(source.reads)),
        ("cost", Variant::from(source.cost.as_micros() as u64)),
        ("error", Variant::from(source.error.as_str())),
    ]);
    if let Some(path) = &source.path {
        details.extend(owned([("path", Variant::from(&*path.to_string_lossy()))]));
    }
    details
}
