//! What the files of a directory define, as far as it goes together.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use crate::{
    custom::definition::{Definition, Origin, Reader, cycle},
    diagnostic::Position,
};

/// How many metrics all files may define together.
const DEFINITIONS: usize = 1 << 14;

/// How many diagnostics of a file are told.
pub(super) const TOLD: usize = 256;

/// What a file defines.
#[derive(Clone, Default)]
pub(super) struct Defined {
    pub(super) bytes: usize,
    pub(super) definitions: Vec<Arc<Definition>>,
    pub(super) diagnostics: Vec<String>,
    /// What is right in itself, and goes not together with the other definitions.
    pub(super) conflicts: Vec<String>,
    /// The definitions that count, in the order of the ids.
    pub(super) own: Vec<Arc<Definition>>,
    /// The same, by what reads them.
    pub(super) readers: BTreeMap<Reader, Vec<Arc<Definition>>>,
}

/// Finds what counts of all that is defined: of two definitions of an id the first, nothing that is
/// computed from itself, and not more than there may be.
pub(super) fn settle(path: &Path, files: &mut BTreeMap<Arc<str>, Defined>) {
    let mut known = HashMap::<Arc<str>, String>::new();
    for (name, file) in files.iter_mut() {
        let mut conflicts = Vec::new();
        file.own.clear();
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
                file.own.push(definition.clone());
            }
        }
        file.conflicts = conflicts;
    }
    let all = files.values().flat_map(|file| &file.own);
    let derived: Vec<_> = all
        .filter_map(|definition| match &definition.origin {
            Origin::Expression(expression) => Some((&*definition.id, &**expression)),
            _ => None,
        })
        .collect();
    let ids = derived.iter().map(|(id, _)| Arc::<str>::from(*id));
    let conflicts = ids.zip(cycle::check(&derived));
    let conflicts: HashMap<_, _> = conflicts
        .filter_map(|(id, conflict)| Some((id, conflict?)))
        .collect();
    for (name, file) in files.iter_mut() {
        let own = std::mem::take(&mut file.own);
        for definition in own {
            match conflicts.get(&definition.id) {
                Some(conflict) => {
                    let here = located(path, name, &definition);
                    let id = &definition.id;
                    let what = format!("{here}: metrics.{id:?}: {conflict}");
                    file.conflicts.push(what);
                }
                None => file.own.push(definition),
            }
        }
        let left_out = file.conflicts.len().saturating_sub(TOLD);
        file.conflicts.truncate(TOLD);
        file.conflicts.extend(more(&path.join(&**name), left_out));
        file.readers.clear();
        for definition in &file.own {
            let readers = file.readers.entry(definition.reader());
            readers.or_default().push(definition.clone());
        }
    }
}

/// A line for the diagnostics that are not told.
pub(super) fn more(path: &Path, diagnostics: usize) -> Option<String> {
    (diagnostics > 0).then(|| format!("{}: and {diagnostics} more mistakes", path.display()))
}

/// Where a definition is, for a message.
fn located(directory: &Path, file: &str, definition: &Definition) -> String {
    let Position { line, column } = definition.position;
    let path = directory.join(file);
    format!("{}:{line}:{column}", path.display())
}
