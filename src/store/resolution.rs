//! Resolving a list of selectors: in steps, for a list can be long and its patterns dear, and not twice.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Error, Selection, Store, Visibility, choice::Choice};

/// A step takes about as long, and then others have their turn.
const STEP: Duration = Duration::from_millis(1);

/// What there is to be selected may change between two steps, and all begins again; not more often than
/// this, after which one step does all.
const RESTARTS: u32 = 3;

/// The inputs of expressions are found one after the other, and each may be of a source that nobody has asked
/// before.
const WAITS: u32 = 3;

/// Resolved lists that are remembered: how many, the bytes of the selectors of each, and the columns of all.
const LISTS: usize = 64;
const LIST_BYTES: usize = 4096;
const COLUMNS: usize = 16384;

/// A list of selectors that is being resolved.
pub struct Resolution<'a> {
    selectors: &'a [&'a str],
    view: Visibility,
    choice: Choice,
    /// The selectors that are done.
    done: usize,
    /// The generation of the store in which it was begun; none before that.
    generation: Option<u64>,
    restarts: u32,
    /// How often it may still be waited for sources that are asked for the first time what they have.
    pub(super) waits: u32,
    is_awaited: bool,
}

impl<'a> Resolution<'a> {
    /// What these selectors mean; an empty list means every metric.
    pub fn new(selectors: &'a [&'a str]) -> Self {
        Self::with_visibility(selectors, Visibility::All)
    }

    /// The same, of the metrics that are shown.
    pub fn with_visibility(selectors: &'a [&'a str], view: Visibility) -> Self {
        Self {
            selectors,
            view,
            choice: Choice::new(view),
            done: 0,
            generation: None,
            restarts: 0,
            waits: WAITS,
            is_awaited: false,
        }
    }

    /// Whether it is worth to [wait](Store::wait_for_discovery) before the next step.
    pub fn is_awaited(&self) -> bool {
        self.is_awaited
    }
}

impl Store {
    /// Does a step. None: there is more to do.
    ///
    /// # Errors
    /// When a selector is not well formed, or means no metric that there is.
    pub fn resolve_step(
        &self,
        resolution: &mut Resolution<'_>,
    ) -> Result<Option<Arc<Selection>>, Error> {
        let mut inner = self.lock();
        let selectors = resolution.selectors;
        if resolution.generation != Some(inner.generation) {
            if resolution.generation.is_some() {
                resolution.restarts = resolution.restarts.saturating_add(1);
            }
            if let Some(selection) = inner.resolved.recall(selectors, resolution.view) {
                return Ok(Some(selection));
            }
            resolution.generation = Some(inner.generation);
            resolution.choice = Choice::new(resolution.view);
            resolution.done = 0;
        }
        resolution.is_awaited = false;
        let choice = &mut resolution.choice;
        choice.may_wait = resolution.waits > 0;
        if selectors.is_empty() {
            inner.choose_all(choice);
        }
        let begin = Instant::now();
        for text in selectors.iter().skip(resolution.done) {
            inner.choose_selected(choice, text, None)?;
            resolution.done = resolution.done.saturating_add(1);
            if begin.elapsed() >= STEP && resolution.restarts <= RESTARTS {
                break;
            }
        }
        if resolution.done < selectors.len() {
            return Ok(None);
        }
        if choice.is_awaited {
            resolution.is_awaited = true;
            resolution.waits = resolution.waits.saturating_sub(1);
            resolution.choice = Choice::new(resolution.view);
            resolution.done = 0;
            return Ok(None);
        }
        let done = std::mem::replace(choice, Choice::new(resolution.view));
        let (selection, complete) = done.finish();
        let selection = Arc::new(selection);
        // What a source in trouble has left out, it may have the next time.
        if complete {
            inner
                .resolved
                .remember(selectors, resolution.view, &selection);
        }
        Ok(Some(selection))
    }
}

/// Selections by their selectors.
#[derive(Default)]
pub(super) struct Memory {
    /// The selectors are joined by NUL, a byte that no D-Bus string contains.
    lists: HashMap<(Visibility, String), Arc<Selection>>,
    columns: usize,
}

impl Memory {
    fn recall(&self, selectors: &[&str], view: Visibility) -> Option<Arc<Selection>> {
        is_short(selectors).then(|| self.lists.get(&(view, selectors.join("\0"))).cloned())?
    }

    fn remember(&mut self, selectors: &[&str], view: Visibility, selection: &Arc<Selection>) {
        let columns = selection.weight();
        if !is_short(selectors) || columns > COLUMNS {
            return;
        }
        if self.lists.len() >= LISTS || self.columns.saturating_add(columns) > COLUMNS {
            *self = Self::default();
        }
        self.columns = self.columns.saturating_add(columns);
        let list = (view, selectors.join("\0"));
        self.lists.insert(list, selection.clone());
    }
}

fn is_short(selectors: &[&str]) -> bool {
    let bytes: usize = selectors.iter().map(|selector| selector.len()).sum();
    bytes.saturating_add(selectors.len()) <= LIST_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(columns: usize) -> Arc<Selection> {
        let store = Store::new(crate::sources::all(&crate::source::Roots::default()));
        let one = store.resolve(&["memory/physical/total"]).unwrap();
        let columns = std::iter::repeat_n(one.columns[0].clone(), columns);
        let mut selection = Selection::default();
        selection.columns.extend(columns);
        Arc::new(selection)
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let mut memory = Memory::default();
        let small = selection(1);
        let long = "x".repeat(LIST_BYTES);
        memory.remember(&[&long], Visibility::All, &small);
        assert!(memory.recall(&[&long], Visibility::All).is_none());
        memory.remember(&["cpu"], Visibility::All, &small);
        assert!(memory.recall(&["cpu"], Visibility::All).is_some());
        assert!(memory.recall(&["cpu"], Visibility::BuiltIn).is_none());
        for number in 0..10 * LISTS {
            memory.remember(&[&number.to_string()], Visibility::All, &small);
            assert!(memory.lists.len() <= LISTS);
        }
        let large = selection(COLUMNS / 2);
        for number in 0..10 {
            memory.remember(&[&number.to_string()], Visibility::All, &large);
            let columns = memory.lists.values().map(|list| list.columns.len());
            assert!(columns.sum::<usize>() <= COLUMNS);
        }
    }
}
