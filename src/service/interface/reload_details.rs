//! The reply of `Reload`.

use zbus::Variant;

use super::{VariantMap, owned};
use crate::service::reload::{self, Reloaded};

pub(super) fn of(reloaded: Reloaded) -> VariantMap {
    let mut details = VariantMap::new();
    if let Some(file) = &reloaded.configuration {
        details.extend(owned([
            (
                "configuration",
                Variant::from(&*file.path.to_string_lossy()),
            ),
            ("configuration_found", Variant::from(file.is_found)),
            (
                "configuration_error",
                Variant::from(&*reloaded.configuration_error),
            ),
        ]));
    }
    if let Some(directory) = reloaded.definitions {
        let path = directory.path.to_string_lossy().into_owned();
        let summary = reload::summary(directory);
        let count = |number: usize| Variant::from(u32::try_from(number).unwrap_or(u32::MAX));
        let errors: Vec<_> = summary.errors.iter().map(String::as_str).collect();
        details.extend(owned([
            ("directory", Variant::from(&*path)),
            ("directory_found", Variant::from(summary.is_found)),
            ("files", count(summary.files)),
            ("metrics", count(summary.metrics)),
            ("errors", Variant::from(errors)),
        ]));
    }
    details
}
