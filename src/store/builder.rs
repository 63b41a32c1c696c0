//! Building a selection: the metrics that selectors match, and the metrics that these are derived from.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Instant,
    vec::IntoIter,
};

use crate::{
    expression::{self, Operand},
    metric::Metric,
    rate::Formula,
    selector::Selector,
};

use super::{
    Error, Inner,
    discovery::Discovery,
    entry::Entry,
    matches::Matches,
    node::Input,
    selection::{Column, Selection},
    visibility::Visibility,
};

/// A selection under construction, to which one selector after the other is added.
pub(super) struct SelectionBuilder {
    selection: Selection,
    /// The ids of its columns.
    selected: HashSet<Arc<str>>,
    /// Whether the discovery of every source that may have a match has succeeded.
    complete: bool,
    nodes: HashMap<Arc<str>, usize>,
    /// The positions of known operands: many expressions may have the same one.
    operands: HashMap<Operand, usize>,
    /// The ids of the expressions that are being resolved, to detect cycles.
    resolving: Vec<Arc<str>>,
    /// Whether a selector may match nothing.
    pub(super) is_optional: bool,
    /// The discoveries of entries that may have a match.
    pub(super) discovery: Discovery,
    /// Whether the selection needs such a discovery.
    pub(super) is_awaited: bool,
    /// Whether the last selector has to be added again, in another step.
    is_unfinished: bool,
    /// The matches of the last selector that are not columns yet, each with the number of its entry.
    pending: IntoIter<(usize, Arc<Metric>)>,
    /// The moment after which columns stay pending until the next step; `None` if the caller cannot yield.
    pub(super) step_end: Option<Instant>,
}

/// The selection that is resolved again, and its columns by id.
pub(super) struct Before<'a> {
    selection: &'a Selection,
    columns: HashMap<&'a str, &'a Column>,
}

impl SelectionBuilder {
    pub(super) fn new(visibility: Visibility) -> Self {
        Self {
            selection: Selection::with_visibility(visibility),
            selected: HashSet::new(),
            complete: true,
            nodes: HashMap::new(),
            operands: HashMap::new(),
            resolving: Vec::new(),
            is_optional: false,
            discovery: Discovery::default(),
            is_awaited: false,
            is_unfinished: false,
            pending: Vec::new().into_iter(),
            step_end: None,
        }
    }

    /// Whether the last selector has to be added again, in another step.
    pub(super) fn take_unfinished(&mut self) -> bool {
        std::mem::take(&mut self.is_unfinished)
    }

    /// Whether there are columns left for another step.
    pub(super) fn has_pending(&self) -> bool {
        !self.pending.as_slice().is_empty()
    }

    /// Whether the step has no time for more columns.
    fn is_step_over(&self) -> bool {
        self.step_end.is_some_and(|end| Instant::now() >= end)
    }

    fn visibility(&self) -> Visibility {
        self.selection.visibility
    }

    /// The selection, and whether the discovery of every source that may have a match has succeeded.
    pub(super) fn finish(self) -> (Selection, bool) {
        (self.selection, self.complete)
    }
}

impl Inner {
    /// Resolves again the selectors of the selection `before`.
    pub(super) fn resolve_again(
        &mut self,
        selectors: &[&str],
        before: &Arc<Selection>,
    ) -> Result<Selection, Error> {
        let mut builder = SelectionBuilder::new(before.visibility);
        if selectors.is_empty() {
            self.add_all(&mut builder);
        }
        let before = Before {
            selection: before,
            columns: before.by_id(),
        };
        for text in selectors {
            self.add_selector(&mut builder, text, Some(&before))?;
        }
        let (selection, _) = builder.finish();
        Ok(selection)
    }

    /// Adds the metrics that a selector matches. An id without a match keeps its column of `before`.
    ///
    /// # Errors
    /// When the selector is not well formed; without `before`, when it matches nothing and is not optional.
    pub(super) fn add_selector(
        &mut self,
        builder: &mut SelectionBuilder,
        text: &str,
        before: Option<&Before<'_>>,
    ) -> Result<(), Error> {
        let selector = Selector::parse(text)?;
        let visibility = builder.visibility();
        let mut matches = match selector.is_id() {
            true => self.find_id(text, visibility, &mut builder.discovery),
            false => Matches::default(),
        };
        // An unknown id is searched in all sources that may have it, for the cause in the error.
        if !matches.is_any && !matches.is_unfinished && (before.is_none() || !selector.is_id()) {
            // Many patterns may match the same metrics, so those that are selected are skipped early.
            let is_new = |metric: &Metric| !builder.selected.contains(&metric.id);
            matches = self.find(&selector, visibility, &mut builder.discovery, is_new);
        }
        builder.complete &= matches.complete;
        builder.is_awaited |= matches.is_awaited;
        builder.is_unfinished = matches.is_unfinished;
        if builder.is_unfinished {
            return Ok(());
        }
        if builder.is_awaited {
            // After the wait the whole selection is built anew.
            return Ok(());
        }
        match (matches.is_any, before) {
            (true, _) => self.add_columns(builder, matches.metrics),
            (false, Some(before)) => match before.columns.get(text) {
                Some(column) => builder.selection.keep(before.selection, column),
                None => builder.selection.add_missing(text),
            },
            (false, None) if builder.is_optional => builder.selection.add_missing(text),
            (false, None) => {
                return Err(Error::Unknown {
                    selector: text.to_owned(),
                    hint: self.hint(text, visibility),
                    cause: matches.cause,
                });
            }
        }
        Ok(())
    }

    /// Adds every visible metric.
    pub(super) fn add_all(&mut self, builder: &mut SelectionBuilder) {
        if let Ok(everything) = Selector::parse("*") {
            let visibility = builder.visibility();
            let matches = self.find(&everything, visibility, &mut builder.discovery, |_| true);
            builder.complete &= matches.complete;
            builder.is_awaited |= matches.is_awaited;
            builder.is_unfinished = matches.is_unfinished;
            if !builder.is_unfinished {
                self.add_columns(builder, matches.metrics);
            }
        }
    }

    fn add_columns(&mut self, builder: &mut SelectionBuilder, metrics: Vec<(usize, Arc<Metric>)>) {
        builder.pending = metrics.into_iter();
        self.add_pending(builder);
    }

    /// Adds the columns that an earlier step has left, as many as this step has time for.
    pub(super) fn add_pending(&mut self, builder: &mut SelectionBuilder) {
        const COLUMNS_BETWEEN_LOOKS_AT_THE_CLOCK: usize = 64;
        let mut left = COLUMNS_BETWEEN_LOOKS_AT_THE_CLOCK;
        while let Some((number, metric)) = builder.pending.next() {
            // An entry may have gone since the last step.
            let entry = self.entries.get(number);
            if let Some(&Entry {
                ref name,
                is_custom,
                ..
            }) = entry
                && builder.selected.insert(metric.id.clone())
            {
                let source = name.clone();
                let node = self.node(builder, number, &metric);
                builder.selection.columns.push(Column {
                    metric,
                    source,
                    is_custom,
                    node,
                });
            }
            left = left.saturating_sub(1);
            if left == 0 {
                if builder.is_step_over() {
                    return;
                }
                left = COLUMNS_BETWEEN_LOOKS_AT_THE_CLOCK;
            }
        }
    }

    /// The number of the node of a metric. A new node is added after those that it is derived from.
    fn node(
        &mut self,
        builder: &mut SelectionBuilder,
        entry: usize,
        metric: &Arc<Metric>,
    ) -> usize {
        if let Some(&node) = builder.nodes.get(&metric.id) {
            return node;
        }
        let input = match &metric.formula {
            Formula::Derived(expression) => {
                builder.resolving.push(metric.id.clone());
                let operands = expression.operands().iter();
                let operands = operands.map(|operand| self.operand(builder, operand));
                let operands = Input::Operands(operands.collect());
                builder.resolving.pop();
                operands
            }
            _ => Input::Entry(builder.selection.position(entry)),
        };
        let node = builder.selection.add(metric.clone(), input);
        builder.nodes.insert(metric.id.clone(), node);
        node
    }

    /// The position of an operand. It has no nodes while no metric matches its selector.
    fn operand(&mut self, builder: &mut SelectionBuilder, operand: &Operand) -> usize {
        if let Some(&known) = builder.operands.get(operand) {
            return known;
        }
        let visibility = builder.visibility();
        // Half an expression cannot be continued in another step.
        let discovery = &mut builder.discovery.in_one_step();
        let matches = match Selector::parse(&operand.selector) {
            Ok(selector) if selector.is_id() => {
                self.find_id(&operand.selector, visibility, discovery)
            }
            Ok(selector) => self.find(&selector, visibility, discovery, |_| true),
            Err(_) => Matches::default(),
        };
        builder.complete &= matches.complete;
        builder.is_awaited |= matches.is_awaited;
        let mut nodes = Vec::new();
        let mut is_whole = true;
        for (entry, metric) in matches.metrics {
            let is_cycle = builder.resolving.contains(&metric.id);
            if is_cycle || builder.resolving.len() > expression::DEPTH {
                is_whole = false;
            } else {
                nodes.push(self.node(builder, entry, &metric));
            }
        }
        let position = builder.selection.add_operand(operand.fold, nodes);
        // A metric that is left out here, as part of a cycle, is not left out in other expressions.
        if is_whole {
            builder.operands.insert(operand.clone(), position);
        }
        position
    }
}
