//! The hint in the error of a selector without a match.

use std::{collections::BTreeSet, fmt, sync::Arc};

use crate::{
    reading::monotonic,
    selector::{Selector, nearest},
};

use super::{
    Inner,
    suggestion::{Suggestion, Vocabulary, source_of},
    visibility::Visibility,
};

/// The hint in the error of a selector without a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The most similar selector with a match.
    Nearest(String),
    /// The names that can follow the part of the selector that matches.
    Has {
        /// The part of the selector that matches, or the source with the name of the selector; empty if there is
        /// neither.
        what: String,
        /// The first names, sorted.
        names: Vec<String>,
        /// The number of further names.
        more: usize,
    },
    /// The selector is right, but this machine has no such metric; with the error that names the missing file, if
    /// one is missing.
    Empty(Option<String>),
    /// The source that may have the metric is switched off.
    Off(Arc<str>),
    /// No hint.
    None,
}

/// The limit of names in a hint.
const MAX_NAMES: usize = 10;

/// The limit of ids that are searched, because other calls wait meanwhile. Those of the kernel come first.
const MAX_IDS: usize = 4096;

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nearest(nearest) => write!(f, "nearest: {nearest}"),
            Self::Has { what, names, more } => {
                let names = names.join(", ");
                match what.is_empty() {
                    true => write!(f, "sources: {names}")?,
                    false => write!(f, "{what} has {names}")?,
                }
                match more {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
            Self::Empty(None) => f.write_str("none on this machine"),
            Self::Empty(Some(cause)) => write!(f, "none on this machine ({cause})"),
            Self::Off(source) => write!(f, "the source {source} is switched off in config.toml"),
            Self::None => f.write_str("no such metric"),
        }
    }
}

/// The message of the error of a selector without a match. `cause` is the problem of the source that may have one.
pub(super) fn message(selector: &str, hint: &Hint, cause: Option<&str>) -> String {
    match (hint, cause) {
        (Hint::Nearest(_), Some(cause)) => format!("{selector}: no such metric ({hint}; {cause})"),
        (_, Some(cause)) => format!("{selector}: no such metric now ({cause})"),
        (Hint::Nearest(_) | Hint::Has { .. }, None) => {
            format!("{selector}: no such metric ({hint})")
        }
        (Hint::Empty(_) | Hint::Off(_) | Hint::None, None) => format!("{selector}: {hint}"),
    }
}

impl Inner {
    /// The hint for a selector without a match. It names no metric that the caller may not see.
    pub(super) fn hint(&mut self, text: &str, visibility: Visibility) -> Hint {
        let Ok(selector) = Selector::parse(text) else {
            return Hint::None;
        };
        let scopes = self.scopes();
        let candidates = scopes.iter().copied();
        let candidates = candidates.filter(|(_, scope)| selector.may_match(scope));
        let (candidates, off): (Vec<_>, Vec<_>) =
            candidates.partition(|(number, _)| self.is_on(*number));
        if let (true, Some((number, _))) = (candidates.is_empty(), off.first()) {
            return Hint::Off(self.entries[*number].name.clone());
        }
        let sources = scopes.iter().filter(|(number, _)| self.is_on(*number));
        let sources: BTreeSet<_> = sources.map(|(_, scope)| source_of(scope)).collect();
        let mut all: BTreeSet<_> = self.ids(visibility).map(source_of).collect();
        all.extend(&sources);
        let source = nearest(source_of(text), all.into_iter())
            .unwrap_or(source_of(text))
            .to_owned();
        self.discover_source(&source, visibility);
        let is_empty = |(number, _): &(usize, &str)| self.entries[*number].is_empty();
        let vocabulary = Vocabulary {
            sources,
            scopes: candidates.iter().map(|(_, scope)| *scope).collect(),
            ids: self.ids(visibility),
        };
        match vocabulary.suggest(text) {
            Suggestion::Corrected(nearest) => Hint::Nearest(nearest),
            Suggestion::Names {
                names, is_known, ..
            } if (is_known || names.is_empty())
                && !candidates.is_empty()
                && candidates.iter().all(is_empty) =>
            {
                let mut absences = candidates
                    .iter()
                    .map(|(number, _)| self.entries[*number].absence());
                Hint::Empty(absences.find_map(Option::<&String>::cloned))
            }
            Suggestion::Names { names, .. } if names.is_empty() => Hint::None,
            Suggestion::Names { prefix, names, .. } if !prefix.is_empty() => has(prefix, names),
            Suggestion::Names { prefix, names, .. } => {
                self.hint_without_source(text, visibility, &scopes, has(prefix, names))
            }
        }
    }

    /// The hint if no id begins with the first segment of the selector; `usual` unless there is a better one.
    fn hint_without_source(
        &self,
        text: &str,
        visibility: Visibility,
        scopes: &[(usize, &str)],
        usual: Hint,
    ) -> Hint {
        let scopes = scopes.iter();
        let of_name = scopes.filter(|(number, _)| *self.entries[*number].name == *text);
        let of_name: BTreeSet<_> = of_name.map(|(_, scope)| *scope).collect();
        if !of_name.is_empty() {
            return has(format!("the source {text}"), of_name);
        }
        // Custom metrics can have any id, so one that is switched off may be the wanted one.
        let off: Vec<_> = self
            .entries
            .iter()
            .filter(|(number, entry)| !self.is_on(*number) && visibility.includes(entry.is_custom))
            .collect();
        let custom = off.into_iter().find(|(_, entry)| entry.is_custom);
        custom.map_or(usual, |(_, entry)| Hint::Off(entry.name.clone()))
    }

    /// The scopes of the built-in sources, each with the number of its entry.
    fn scopes(&self) -> Vec<(usize, &'static str)> {
        let entries = self.entries.iter().filter(|(_, entry)| !entry.is_custom);
        let scopes = entries
            .flat_map(|(number, entry)| entry.scope.iter().map(move |scope| (number, *scope)));
        scopes.collect()
    }

    /// The ids of the discovered metrics.
    fn ids(&self, visibility: Visibility) -> impl Iterator<Item = &str> + Clone {
        let entries = self.entries.iter();
        let entries = entries.filter(move |(number, entry)| {
            self.is_on(*number) && visibility.includes(entry.is_custom)
        });
        let metrics = entries.flat_map(|(_, entry)| entry.metrics.iter().flatten());
        metrics.map(|metric| &*metric.id).take(MAX_IDS)
    }

    /// Discovers all entries that may have ids of a source.
    fn discover_source(&mut self, source: &str, visibility: Visibility) {
        let Ok(selector) = Selector::parse(source) else {
            return;
        };
        let since = monotonic();
        let mut from = 0;
        while let Some(number) = self.entries.at_or_after(from) {
            from = number.saturating_add(1);
            let is_visible =
                self.is_on(number) && visibility.includes(self.entries[number].is_custom);
            if is_visible && self.entries[number].may_have(&selector) {
                self.discover(number, since);
            }
        }
    }
}

fn has(what: String, names: BTreeSet<&str>) -> Hint {
    Hint::Has {
        what,
        more: names.len().saturating_sub(MAX_NAMES),
        names: names
            .into_iter()
            .take(MAX_NAMES)
            .map(str::to_owned)
            .collect(),
    }
}
