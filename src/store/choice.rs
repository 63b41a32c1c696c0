//! What selectors mean: which metrics, and which others these are derived from.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    expression::{self, Operand},
    metric::Metric,
    rate::Formula,
    selector::Selector,
};

use super::{
    Error, Inner,
    cell::Cell,
    selection::{Column, From, Selection},
    visibility::Visibility,
};

/// What a selector means.
pub(super) struct Found {
    /// Whether it means anything.
    pub(super) is_any: bool,
    /// Each with the cell that has it.
    pub(super) metrics: Vec<(usize, Arc<Metric>)>,
    /// Whether every source that may be meant could be asked.
    pub(super) complete: bool,
    /// What is wrong with one that could not.
    pub(super) cause: Option<String>,
    /// Whether a source will know better soon what it has.
    pub(super) is_awaited: bool,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            is_any: false,
            metrics: Vec::new(),
            complete: true,
            cause: None,
            is_awaited: false,
        }
    }
}

/// A selection that is being made, a selector after the other.
pub(super) struct Choice {
    selection: Selection,
    /// The ids of its columns.
    chosen: HashSet<Arc<str>>,
    /// Whether every source that may be meant could be asked.
    complete: bool,
    nodes: HashMap<Arc<str>, usize>,
    /// The inputs of expressions that are known, by what they are: many expressions may have the same.
    inputs: HashMap<Operand, usize>,
    /// Expressions that are being resolved: none may be among its own inputs.
    open: Vec<Arc<str>>,
    /// Whether it is to be told of sources that will know better soon what they have, and was.
    pub(super) may_wait: bool,
    pub(super) is_awaited: bool,
}

/// The selection that there was, and its columns by id.
pub(super) struct Before<'a> {
    selection: &'a Selection,
    columns: HashMap<&'a str, &'a Column>,
}

impl Choice {
    pub(super) fn new(view: Visibility) -> Self {
        Self {
            selection: Selection::with_visibility(view),
            chosen: HashSet::new(),
            complete: true,
            nodes: HashMap::new(),
            inputs: HashMap::new(),
            open: Vec::new(),
            may_wait: false,
            is_awaited: false,
        }
    }

    fn view(&self) -> Visibility {
        self.selection.view
    }

    /// The selection, and whether every source that may be meant could be asked.
    pub(super) fn finish(self) -> (Selection, bool) {
        (self.selection, self.complete)
    }
}

impl Inner {
    /// The selection, and whether every source that may be meant could be asked.
    pub(super) fn select(
        &mut self,
        selectors: &[&str],
        before: &Arc<Selection>,
    ) -> Result<(Selection, bool), Error> {
        let mut choice = Choice::new(before.view);
        if selectors.is_empty() {
            self.choose_all(&mut choice);
        }
        let before = Before {
            selection: before,
            columns: before.by_id(),
        };
        for text in selectors {
            self.choose_selected(&mut choice, text, Some(&before))?;
        }
        Ok(choice.finish())
    }

    /// Adds what a selector means. What it does not mean any more stays as it was `before`.
    pub(super) fn choose_selected(
        &mut self,
        choice: &mut Choice,
        text: &str,
        before: Option<&Before<'_>>,
    ) -> Result<(), Error> {
        let selector = Selector::parse(text)?;
        let (view, may_wait) = (choice.view(), choice.may_wait);
        let mut found = match selector.is_id() {
            true => self.find_id(text, view, may_wait),
            false => Found::default(),
        };
        // Also who wants to know why an id is not there asks everybody who may have it.
        if !found.is_any && (before.is_none() || !selector.is_id()) {
            // Many patterns may mean the same metrics: those that are chosen are passed over.
            let is_new = |metric: &Metric| !choice.chosen.contains(&metric.id);
            found = self.find(&selector, view, may_wait, is_new);
        }
        choice.complete &= found.complete;
        choice.is_awaited |= found.is_awaited;
        if choice.is_awaited {
            // All of it is chosen anew when they do.
            return Ok(());
        }
        match (found.is_any, before) {
            (true, _) => self.add(choice, found.metrics),
            (false, Some(before)) => {
                if let Some(column) = before.columns.get(text) {
                    choice.selection.keep(before.selection, column);
                }
            }
            (false, None) => {
                return Err(Error::Unknown {
                    selector: text.to_owned(),
                    hint: self.hint(text, view),
                    cause: found.cause,
                });
            }
        }
        Ok(())
    }

    /// Adds every metric that there is.
    pub(super) fn choose_all(&mut self, choice: &mut Choice) {
        if let Ok(everything) = Selector::parse("*") {
            let found = self.find(&everything, choice.view(), choice.may_wait, |_| true);
            choice.complete &= found.complete;
            choice.is_awaited |= found.is_awaited;
            self.add(choice, found.metrics);
        }
    }

    fn add(&mut self, choice: &mut Choice, metrics: Vec<(usize, Arc<Metric>)>) {
        for (cell, metric) in metrics {
            if choice.chosen.insert(metric.id.clone()) {
                let Cell {
                    ref name,
                    is_custom,
                    ..
                } = self.cells[cell];
                let source = name.clone();
                let node = self.choose(choice, cell, &metric);
                choice.selection.columns.push(Column {
                    metric,
                    source,
                    is_custom,
                    node,
                });
            }
        }
    }

    /// Finds what a selector means, without what is not wanted.
    fn find(
        &mut self,
        selector: &Selector<'_>,
        view: Visibility,
        may_wait: bool,
        is_wanted: impl Fn(&Metric) -> bool,
    ) -> Found {
        let mut found = Found::default();
        let mut at = 0;
        // Looking makes the members of a family, which are cells of their own at the end.
        while let Some(next) = self.cells.at_or_after(at) {
            at = next.saturating_add(1);
            let is_shown = self.is_on(next) && view.shows(self.cells[next].is_custom);
            if is_shown && self.cells[next].may_have(selector) {
                if may_wait && self.cells[next].is_discovery_awaited() {
                    found.is_awaited = true;
                    continue;
                }
                self.discover(next);
                let cell = &self.cells[next];
                found.complete &= cell.metrics.is_some();
                found.cause = found.cause.or_else(|| cell.trouble().cloned());
                for metric in cell.metrics.iter().flatten() {
                    if selector.matches(&metric.id) {
                        found.is_any = true;
                        if is_wanted(metric) {
                            found.metrics.push((next, metric.clone()));
                        }
                    }
                }
            }
        }
        found
    }

    /// The node of a metric, made with all that it is derived from if there is none yet.
    fn choose(&mut self, choice: &mut Choice, cell: usize, metric: &Arc<Metric>) -> usize {
        if let Some(&node) = choice.nodes.get(&metric.id) {
            return node;
        }
        let from = match &metric.formula {
            Formula::Derived(expression) => {
                choice.open.push(metric.id.clone());
                let inputs = expression.operands().iter();
                let inputs = inputs.map(|input| self.input(choice, input));
                let inputs = From::Inputs(inputs.collect());
                choice.open.pop();
                inputs
            }
            _ => From::Cell(choice.selection.place(cell)),
        };
        let node = choice.selection.add(metric.clone(), from);
        choice.nodes.insert(metric.id.clone(), node);
        node
    }

    /// The input of an expression, with the nodes of what it means: none, as long as there is nothing of
    /// that name.
    fn input(&mut self, choice: &mut Choice, input: &Operand) -> usize {
        if let Some(&known) = choice.inputs.get(input) {
            return known;
        }
        let (view, may_wait) = (choice.view(), choice.may_wait);
        let found = match Selector::parse(&input.selector) {
            Ok(selector) if selector.is_id() => self.find_id(&input.selector, view, may_wait),
            Ok(selector) => self.find(&selector, view, may_wait, |_| true),
            Err(_) => Found::default(),
        };
        choice.complete &= found.complete;
        choice.is_awaited |= found.is_awaited;
        let mut nodes = Vec::new();
        let mut is_whole = true;
        for (cell, metric) in found.metrics {
            // What is derived from itself would never be known.
            if choice.open.contains(&metric.id) || choice.open.len() > expression::DEPTH {
                is_whole = false;
            } else {
                nodes.push(self.choose(choice, cell, &metric));
            }
        }
        let number = choice.selection.add_input(input.fold, nodes);
        // What is left out here is not left out elsewhere.
        if is_whole {
            choice.inputs.insert(input.clone(), number);
        }
        number
    }
}
