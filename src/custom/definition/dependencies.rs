//! Which expressions each expression is computed from.

use std::collections::HashMap;

use crate::{
    expression::{Expression, Operand},
    pattern,
};

/// How many different patterns the expressions of all files may have: each is compared with every id
/// that is an expression, and again with every metric when one of them is asked for.
pub(super) const PATTERNS: usize = 512;

/// The graph of expressions.
///
/// Each pattern is a node of its own between the expressions that have it and those that it means: a
/// pattern that a thousand expressions have is matched once, and the graph stays small.
pub(super) struct Dependencies {
    /// For each node the nodes that it is computed from: first the expressions, then the patterns.
    below: Vec<Vec<u32>>,
    expressions: usize,
    /// The expressions whose patterns are too many: nothing is known of what they are computed from.
    refused: Vec<usize>,
    /// How many ids were compared with a pattern or looked up.
    pub(super) steps: usize,
}

impl Dependencies {
    /// Those among these expressions, each with its id.
    pub(super) fn new(derived: &[(&str, &Expression)]) -> Self {
        let numbered = derived.iter().zip(0_u32..);
        let ids: HashMap<&str, u32> = numbered.map(|((id, _), number)| (*id, number)).collect();
        let mut graph = Self {
            below: vec![Vec::new(); derived.len()],
            expressions: derived.len(),
            refused: Vec::new(),
            steps: 0,
        };
        let segments: Vec<_> = derived.iter().map(|(id, _)| Segments::of(id)).collect();
        let mut patterns = HashMap::new();
        for (at, (_, expression)) in derived.iter().enumerate() {
            let mut below = Vec::with_capacity(expression.operands().len());
            for Operand { selector, .. } in expression.operands() {
                let length = selector.split('/').count();
                if length > 3 {
                    // No id is as long.
                    continue;
                }
                if length == 3 && !selector.contains('*') {
                    graph.steps = graph.steps.saturating_add(1);
                    below.extend(ids.get(&**selector));
                } else if let Some(&pattern) = patterns.get(selector) {
                    below.push(pattern);
                } else if patterns.len() < PATTERNS {
                    let pattern = graph.add_pattern(selector, &segments);
                    patterns.insert(selector, pattern);
                    below.push(pattern);
                } else {
                    graph.refused.push(at);
                    below.clear();
                    break;
                }
            }
            graph.below[at] = below;
        }
        graph
    }

    fn add_pattern(&mut self, selector: &str, ids: &[Segments<'_>]) -> u32 {
        self.steps = self.steps.saturating_add(ids.len());
        let pattern = Segments::of(selector);
        let meant = ids.iter().zip(0_u32..);
        let meant = meant.filter(|(id, _)| pattern::matches(pattern.iter(), id.iter()));
        let number = u32::try_from(self.below.len()).unwrap_or(u32::MAX);
        self.below.push(meant.map(|(_, number)| number).collect());
        number
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.below.len()
    }

    /// The nodes that one is computed from.
    pub(super) fn below(&self, node: usize) -> &[u32] {
        &self.below[node]
    }

    /// Whether a node is an expression, and no pattern.
    pub(super) fn is_expression(&self, node: usize) -> bool {
        node < self.expressions
    }

    /// The expressions that have more patterns than are left to them.
    pub(super) fn refused(&self) -> &[usize] {
        &self.refused
    }
}

/// The segments of an id, or of a selector, which may have less than three: split once, for each is compared often.
struct Segments<'a>([Option<&'a str>; 3]);

impl<'a> Segments<'a> {
    fn of(text: &'a str) -> Self {
        let mut segments = text.split('/');
        Self([segments.next(), segments.next(), segments.next()])
    }

    fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().copied().flatten()
    }
}
