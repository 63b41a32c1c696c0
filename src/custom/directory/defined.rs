//! The effective definitions of all files: without duplicates, cycles and those beyond the limits.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use crate::{
    custom::definition::{Definition, Reader, ValueOrigin, cycle},
    diagnostic::Position,
};

/// The most metrics that all files together may define.
const DEFINITIONS: usize = 1 << 14;

/// The most diagnostics of one file that are reported.
pub(super) const MOST_DIAGNOSTICS: usize = 256;

/// The definitions of one file.
#[derive(Clone, Default)]
pub(super) struct FileDefinitions {
    pub(super) bytes: usize,
    pub(super) definitions: Vec<Arc<Definition>>,
    pub(super) diagnostics: Vec<String>,
    /// Diagnostics of valid definitions that conflict with others.
    pub(super) conflicts: Vec<String>,
    /// The definitions without a conflict, in the order of their ids.
    pub(super) effective: Vec<Arc<Definition>>,
    /// The effective definitions, by reader.
    pub(super) readers: BTreeMap<Reader, Vec<Arc<Definition>>>,
}

/// Finds the effective definitions: of two with the same id the first, none that is on a cycle or depends on too
/// many expressions, and not more than the limit.
pub(super) fn resolve_conflicts(path: &Path, files: &mut BTreeMap<Arc<str>, FileDefinitions>) {
    let mut known = HashMap::<Arc<str>, String>::new();
    for (name, file) in files.iter_mut() {
        let mut conflicts = Vec::new();
        file.effective.clear();
        for definition in &file.definitions {
            let here = located(path, name, definition);
            let id = &definition.id;
            if let Some(there) = known.get(id) {
                let what = format!("{here}: metrics.{id:?}: defined already at {there}");
                conflicts.push(what);
            } else if known.len() >= DEFINITIONS {
                let what = format!(
                    "{here}: metrics.{id:?}: all files together define more than {DEFINITIONS} \
                     metrics: this one and what comes after it in the order of ids is left out"
                );
                conflicts.push(what);
                break;
            } else {
                known.insert(id.clone(), here);
                file.effective.push(definition.clone());
            }
        }
        file.conflicts = conflicts;
    }
    let all = files.values().flat_map(|file| &file.effective);
    let derived: Vec<_> = all
        .filter_map(|definition| match &definition.origin {
            ValueOrigin::Expression(expression) => Some((&*definition.id, &**expression)),
            _ => None,
        })
        .collect();
    let ids = derived.iter().map(|(id, _)| Arc::<str>::from(*id));
    let conflicts = ids.zip(cycle::check(&derived));
    let conflicts: HashMap<_, _> = conflicts
        .filter_map(|(id, conflict)| Some((id, conflict?)))
        .collect();
    for (name, file) in files.iter_mut() {
        let effective = std::mem::take(&mut file.effective);
        for definition in effective {
            match conflicts.get(&definition.id) {
                Some(conflict) => {
                    let here = located(path, name, &definition);
                    let id = &definition.id;
                    let what = format!("{here}: metrics.{id:?}: {conflict}");
                    file.conflicts.push(what);
                }
                None => file.effective.push(definition),
            }
        }
        let left_out = file.conflicts.len().saturating_sub(MOST_DIAGNOSTICS);
        file.conflicts.truncate(MOST_DIAGNOSTICS);
        file.conflicts
            .extend(omitted(&path.join(&**name), left_out));
        file.readers.clear();
        for definition in &file.effective {
            let readers = file.readers.entry(definition.reader());
            readers.or_default().push(definition.clone());
        }
    }
}

/// A line that counts the diagnostics beyond the limit.
pub(super) fn omitted(path: &Path, diagnostics: usize) -> Option<String> {
    (diagnostics > 0).then(|| format!("{}: and {diagnostics} more mistakes", path.display()))
}

/// The file and position of a definition, for a message.
fn located(directory: &Path, file: &str, definition: &Definition) -> String {
    let Position { line, column } = definition.position;
    let path = directory.join(file);
    format!("{}:{line}:{column}", path.display())
}
