//! The dependencies between expressions.

use std::collections::HashMap;

use crate::{
    expression::{Expression, Operand},
    pattern,
};

/// The most different patterns in the expressions of all files. Each pattern is compared with the id of every
/// expression, and again with every metric when a client requests one of these expressions.
pub(super) const PATTERNS: usize = 512;

/// The graph of expressions.
///
/// Each pattern is a node of its own between the expressions that contain it and those that it matches. A
/// pattern in a thousand expressions is then matched once, and the graph stays small.
pub(super) struct Dependencies {
    /// For each node the nodes that it depends on. Expressions come first, then patterns.
    below: Vec<Vec<u32>>,
    expressions: usize,
    /// The expressions with patterns beyond the limit: their dependencies are unknown.
    refused: Vec<usize>,
    /// Counts the ids that were compared with a pattern or looked up.
    pub(super) steps: usize,
}

impl Dependencies {
    /// The dependencies among these expressions, each given with its id.
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
                    // An id has three segments: nothing can match.
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
        let matching = ids.iter().zip(0_u32..);
        let matching = matching.filter(|(id, _)| pattern::matches(pattern.iter(), id.iter()));
        let number = u32::try_from(self.below.len()).unwrap_or(u32::MAX);
        self.below
            .push(matching.map(|(_, number)| number).collect());
        number
    }

    /// The number of nodes.
    pub(super) fn len(&self) -> usize {
        self.below.len()
    }

    /// The nodes that a node depends on.
    pub(super) fn below(&self, node: usize) -> &[u32] {
        &self.below[node]
    }

    /// Whether a node is an expression (and not a pattern).
    pub(super) fn is_expression(&self, node: usize) -> bool {
        node < self.expressions
    }

    /// The expressions with patterns beyond the limit.
    pub(super) fn refused(&self) -> &[usize] {
        &self.refused
    }
}

/// The segments of an id, or of a selector, which may have fewer than three. Split once, because each is compared
/// many times.
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
