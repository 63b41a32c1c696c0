//! What is said of a selector that means nothing: what is like it, or what there is in its place.

use std::{collections::BTreeSet, fmt, sync::Arc};

use crate::selector::{Selector, nearest};

use super::{
    Inner, Visibility,
    words::{Way, Words, first},
};

/// What helps who has asked for what is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// What is most like the selector and means something.
    Nearest(String),
    /// Names of what there is where the selector goes astray.
    Has {
        /// The part of the selector that means something, or that it is the name of a source; empty where it is
        /// neither.
        what: String,
        /// Some of the names, in order.
        names: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// It is known what is meant, and this machine has none; why, where a file is not there.
    Empty(Option<String>),
    /// The source that may have it is switched off.
    Off(Arc<str>),
    /// There is nothing to say.
    None,
}

/// As many names are told at most.
const NAMES: usize = 10;

/// Among as many ids is looked for what helps: others wait meanwhile. Those of the kernel come first.
const IDS: usize = 4096;

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

/// What is said of a selector, where `cause` is why its source has nothing.
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
    /// What helps with a selector that means nothing. Of what the view does not show, nothing is told.
    pub(super) fn hint(&mut self, text: &str, view: Visibility) -> Hint {
        let Ok(selector) = Selector::parse(text) else {
            return Hint::None;
        };
        let scopes = self.scopes();
        let meant = scopes.iter().copied();
        let meant = meant.filter(|(_, scope)| selector.may_match(scope));
        let (meant, off): (Vec<_>, Vec<_>) = meant.partition(|(at, _)| self.is_on(*at));
        if let (true, Some((at, _))) = (meant.is_empty(), off.first()) {
            return Hint::Off(self.cells[*at].name.clone());
        }
        let sources = scopes.iter().filter(|(at, _)| self.is_on(*at));
        let sources: BTreeSet<_> = sources.map(|(_, scope)| first(scope)).collect();
        let mut all: BTreeSet<_> = self.ids(view).map(first).collect();
        all.extend(&sources);
        let source = nearest(first(text), all.into_iter())
            .unwrap_or(first(text))
            .to_owned();
        self.discover_source(&source, view);
        let has_none = |(at, _): &(usize, &str)| self.cells[*at].is_empty();
        let words = Words {
            sources,
            scopes: meant.iter().map(|(_, scope)| *scope).collect(),
            ids: self.ids(view),
        };
        match words.follow(text) {
            Way::Corrected(nearest) => Hint::Nearest(nearest),
            Way::Lost { names, is_word, .. }
                if (is_word || names.is_empty())
                    && !meant.is_empty()
                    && meant.iter().all(has_none) =>
            {
                let mut absences = meant.iter().map(|(at, _)| self.cells[*at].absence());
                Hint::Empty(absences.find_map(Option::<&String>::cloned))
            }
            Way::Lost { names, .. } if names.is_empty() => Hint::None,
            Way::Lost { what, names, .. } if !what.is_empty() => has(what, names),
            Way::Lost { what, names, .. } => {
                self.hint_without_source(text, view, &scopes, has(what, names))
            }
        }
    }

    /// What helps where no id begins like this, if there is more to say than `usual`.
    fn hint_without_source(
        &self,
        text: &str,
        view: Visibility,
        scopes: &[(usize, &str)],
        usual: Hint,
    ) -> Hint {
        let scopes = scopes.iter();
        let of_name = scopes.filter(|(at, _)| *self.cells[*at].name == *text);
        let of_name: BTreeSet<_> = of_name.map(|(_, scope)| *scope).collect();
        if !of_name.is_empty() {
            return has(format!("the source {text}"), of_name);
        }
        // What the user defines may be called anything.
        let off: Vec<_> = self
            .cells
            .iter()
            .filter(|(at, cell)| !self.is_on(*at) && view.shows(cell.is_custom))
            .collect();
        let defined = off.into_iter().find(|(_, cell)| cell.is_custom);
        defined.map_or(usual, |(_, cell)| Hint::Off(cell.name.clone()))
    }

    /// The patterns of the ids that sources which are built in may have, each with its cell.
    fn scopes(&self) -> Vec<(usize, &'static str)> {
        let cells = self.cells.iter().filter(|(_, cell)| !cell.is_custom);
        let scopes = cells.flat_map(|(at, cell)| cell.scope.iter().map(move |scope| (at, *scope)));
        scopes.collect()
    }

    /// The ids that are known.
    fn ids(&self, view: Visibility) -> impl Iterator<Item = &str> + Clone {
        let cells = self.cells.iter();
        let cells = cells.filter(move |(at, cell)| self.is_on(*at) && view.shows(cell.is_custom));
        let metrics = cells.flat_map(|(_, cell)| cell.metrics.iter().flatten());
        metrics.map(|metric| &*metric.id).take(IDS)
    }

    /// Has all that may be of a source say what it has.
    fn discover_source(&mut self, source: &str, view: Visibility) {
        let Ok(selector) = Selector::parse(source) else {
            return;
        };
        let mut at = 0;
        while let Some(next) = self.cells.at_or_after(at) {
            at = next.saturating_add(1);
            let is_shown = self.is_on(next) && view.shows(self.cells[next].is_custom);
            if is_shown && self.cells[next].may_have(&selector) {
                self.discover(next);
            }
        }
    }
}

fn has(what: String, names: BTreeSet<&str>) -> Hint {
    Hint::Has {
        what,
        more: names.len().saturating_sub(NAMES),
        names: names.into_iter().take(NAMES).map(str::to_owned).collect(),
    }
}
