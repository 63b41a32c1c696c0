//! The paths that the running service reads, beside those of this shell: with another XDG_CONFIG_HOME they differ.

use std::{fs, path::Path};

use crate::cli::output::format::note;

/// Says so if the service, with this pid if it is known, reads another file or directory than this shell would.
pub(crate) fn note_difference(pid: Option<u32>, service: &Path, own: Option<&Path>) {
    let is_same = |own: &Path| {
        let target = |path| fs::canonicalize(path).ok();
        own == service || target(own).is_some_and(|own| Some(own) == target(service))
    };
    if own.is_some_and(is_same) {
        return;
    }
    let process = pid.map_or(String::new(), |pid| format!(" (process {pid})"));
    let own = own.map_or("none".into(), Path::to_string_lossy);
    note(format_args!(
        "the running service{process} reads {}; this shell would read {own}",
        service.display()
    ));
}
