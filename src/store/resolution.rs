//! Resolving a list of selectors in steps: a list can be long, and patterns take time.

use std::{mem, sync::Arc, time::Instant};

use super::{
    Error, Store, builder::SelectionBuilder, cache::List, discovery::STEP, selection::Selection,
    visibility::Visibility,
};

/// If the metrics change between two steps, resolving begins again. After this many restarts one step does the rest.
const MAX_RESTARTS: u32 = 3;

/// The limit of waits for discoveries. The operands of expressions are found one after the other, and each can need
/// the discovery of another source.
const MAX_WAITS: u32 = 3;

/// A list of selectors that is being resolved.
pub struct Resolution<'a> {
    selectors: &'a [&'a str],
    visibility: Visibility,
    builder: SelectionBuilder,
    is_optional: bool,
    /// The number of selectors that are resolved.
    done: usize,
    /// The generation of the store at the start; `None` before the first step.
    generation: Option<u64>,
    restarts: u32,
    /// The number of waits for discoveries that are left.
    pub(super) waits: u32,
    is_awaited: bool,
    is_discovering: bool,
}

impl<'a> Resolution<'a> {
    /// Will resolve these selectors; an empty list selects every metric.
    pub fn new(selectors: &'a [&'a str]) -> Self {
        Self::with_visibility(selectors, Visibility::All)
    }

    /// Like [`new`](Self::new), of the metrics that the caller may see.
    pub fn with_visibility(selectors: &'a [&'a str], visibility: Visibility) -> Self {
        Self {
            selectors,
            visibility,
            builder: SelectionBuilder::new(visibility),
            is_optional: false,
            done: 0,
            generation: None,
            restarts: 0,
            waits: MAX_WAITS,
            is_awaited: false,
            is_discovering: false,
        }
    }

    /// Lets a selector match nothing, unless `is_optional` is false.
    #[must_use]
    pub fn optional(mut self, is_optional: bool) -> Self {
        self.is_optional = is_optional;
        self
    }

    /// The list, as the cache has it.
    fn list(&self) -> List<'a> {
        List {
            selectors: self.selectors,
            visibility: self.visibility,
            is_optional: self.is_optional,
        }
    }

    /// Begins again.
    fn restart(&mut self) -> SelectionBuilder {
        self.done = 0;
        let mut builder = SelectionBuilder::new(self.visibility);
        builder.is_optional = self.is_optional;
        builder.discovery = mem::take(&mut self.builder.discovery);
        mem::replace(&mut self.builder, builder)
    }

    /// Whether the next step continues the discovery of sources, for this list and all others.
    pub fn is_discovering(&self) -> bool {
        self.is_discovering
    }

    /// Whether to [wait for discovery](Store::wait_for_discovery) before the next step.
    pub fn is_awaited(&self) -> bool {
        self.is_awaited
    }
}

impl Store {
    /// The selection of selectors that were resolved under the same conditions, if it is remembered.
    pub fn resolved(
        &self,
        selectors: &[&str],
        visibility: Visibility,
        is_optional: bool,
    ) -> Option<Arc<Selection>> {
        self.lock().cache.get(&List {
            selectors,
            visibility,
            is_optional,
        })
    }

    /// Does one step. Returns `None` while there is more to do.
    ///
    /// # Errors
    /// When a selector is not well formed, or matches no metric and is not optional.
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
            if let Some(selection) = inner.cache.get(&resolution.list()) {
                return Ok(Some(selection));
            }
            resolution.generation = Some(inner.generation);
            resolution.restart();
        }
        resolution.is_awaited = false;
        resolution.is_discovering = false;
        let builder = &mut resolution.builder;
        builder.discovery.may_wait = resolution.waits > 0;
        builder.discovery.may_yield = resolution.restarts <= MAX_RESTARTS;
        builder.discovery.begin_step();
        let begin = Instant::now();
        builder.step_end = match builder.discovery.may_yield {
            true => begin.checked_add(STEP),
            false => None,
        };
        inner.add_pending(builder);
        if builder.has_pending() {
            return Ok(None);
        }
        // An empty list counts as one selector.
        if selectors.is_empty() && resolution.done == 0 {
            inner.add_all(builder);
            if builder.take_unfinished() {
                resolution.is_discovering = true;
                return Ok(None);
            }
            resolution.done = 1;
        }
        for text in selectors.iter().skip(resolution.done) {
            inner.add_selector(builder, text, None)?;
            if builder.take_unfinished() {
                resolution.is_discovering = true;
                return Ok(None);
            }
            resolution.done = resolution.done.saturating_add(1);
            if builder.has_pending()
                || begin.elapsed() >= STEP && resolution.restarts <= MAX_RESTARTS
            {
                break;
            }
        }
        if builder.has_pending() || resolution.done < selectors.len() {
            return Ok(None);
        }
        if builder.is_awaited {
            resolution.is_awaited = true;
            resolution.waits = resolution.waits.saturating_sub(1);
            resolution.restart();
            return Ok(None);
        }
        let done = resolution.restart();
        let (selection, complete) = done.finish();
        let selection = Arc::new(selection);
        // A source whose discovery has failed may have matches the next time.
        if complete {
            inner.cache.insert(&resolution.list(), &selection);
        }
        Ok(Some(selection))
    }
}
