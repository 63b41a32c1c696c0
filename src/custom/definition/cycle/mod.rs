//! Finds expressions that depend on themselves, or on too long a chain of others.

use std::{
    collections::{HashMap, VecDeque},
    iter,
};

use crate::expression::{DEPTH, Expression};

use super::dependencies::{Dependencies, PATTERNS};

/// The most expressions of a cycle that a message names.
const SHOWN: usize = 16;

/// The most steps of all searches for the shortest cycles, which only messages need.
const STEPS: usize = 1 << 20;

/// The conflict of each of these metrics, if it has one: it is on a cycle, the chain of expressions that it depends
/// on is too long, or there are too many patterns.
pub(in crate::custom) fn check(derived: &[(&str, &Expression)]) -> Vec<Option<String>> {
    check_in_steps(derived).0
}

/// The same, with the number of steps.
fn check_in_steps(derived: &[(&str, &Expression)]) -> (Vec<Option<String>>, usize) {
    let graph = Dependencies::new(derived);
    let components = Components::new(&graph);
    let depths = components.depths(&graph);
    let mut search = Search::new(&graph, &components);
    let conflict = |(at, depth): (usize, usize)| {
        if components.is_on_cycle(at, &graph) {
            Some(search.message(at, derived))
        } else {
            (depth > DEPTH).then(|| {
                format!(
                    "it is computed from others by more than {DEPTH} expressions one after the other"
                )
            })
        }
    };
    let depths = depths.into_iter().take(derived.len()).enumerate();
    let mut conflicts: Vec<_> = depths.map(conflict).collect();
    for &at in graph.refused() {
        conflicts[at] = Some(format!(
            "the expressions of all files have at most {PATTERNS} different patterns, and this one has \
             another"
        ));
    }
    let steps = [graph.steps, components.steps, search.steps];
    (conflicts, steps.iter().sum())
}

/// The strongly connected components of a graph, found by Tarjan's algorithm without recursion. Two nodes are in
/// the same component if each depends on the other.
struct Components {
    /// For each node the number of its component. The components that it depends on have lower numbers.
    of: Vec<u32>,
    /// For each component its nodes.
    nodes: Vec<Vec<u32>>,
    steps: usize,
}

/// A node that is being visited, and the index of the next node below it.
struct Visit {
    node: usize,
    next: usize,
}

impl Components {
    fn new(graph: &Dependencies) -> Self {
        const NEW: usize = usize::MAX;
        let mut components = Self {
            of: vec![u32::MAX; graph.len()],
            nodes: Vec::new(),
            steps: 0,
        };
        // For each node its index in the order of the visit, and the lowest index on the stack that it reaches.
        let mut met = vec![NEW; graph.len()];
        let mut low = vec![NEW; graph.len()];
        let mut order = 0..;
        let mut stack: Vec<u32> = Vec::new();
        let mut visits = Vec::new();
        for start in 0..graph.len() {
            let mut open = (met[start] == NEW).then_some(start);
            loop {
                if let Some(node) = open.take() {
                    let now = order.next().unwrap_or(NEW);
                    (met[node], low[node]) = (now, now);
                    stack.push(node as u32);
                    visits.push(Visit { node, next: 0 });
                }
                let Some(visit) = visits.last_mut() else {
                    break;
                };
                let node = visit.node;
                components.steps = components.steps.saturating_add(1);
                if let Some(&below) = graph.below(node).get(visit.next) {
                    visit.next = visit.next.saturating_add(1);
                    let below = below as usize;
                    if met[below] == NEW {
                        open = Some(below);
                    } else if components.of[below] == u32::MAX {
                        low[node] = low[node].min(met[below]);
                    }
                    continue;
                }
                visits.pop();
                if let Some(above) = visits.last() {
                    low[above.node] = low[above.node].min(low[node]);
                }
                if low[node] == met[node] {
                    let first = stack.iter().rposition(|&other| other as usize == node);
                    components.add(stack.split_off(first.unwrap_or(stack.len())));
                }
            }
        }
        components
    }

    fn add(&mut self, nodes: Vec<u32>) {
        let number = self.nodes.len() as u32;
        for &node in &nodes {
            self.of[node as usize] = number;
        }
        self.nodes.push(nodes);
    }

    /// Whether a node depends on itself.
    fn is_on_cycle(&self, node: usize, graph: &Dependencies) -> bool {
        let has_others = self.nodes[self.of[node] as usize].len() > 1;
        has_others
            || graph
                .below(node)
                .iter()
                .any(|&below| below as usize == node)
    }

    /// For each node the length of the longest chain of expressions that computes it. A node on a cycle counts as
    /// one, a pattern as none.
    fn depths(&self, graph: &Dependencies) -> Vec<usize> {
        let mut depths = vec![1; graph.len()];
        // The nodes that a node depends on come before it.
        for &node in self.nodes.iter().flatten() {
            let node = node as usize;
            if !self.is_on_cycle(node, graph) {
                let below = graph
                    .below(node)
                    .iter()
                    .map(|&below| depths[below as usize]);
                let own = usize::from(graph.is_expression(node));
                depths[node] = below.max().unwrap_or(0_usize).saturating_add(own);
            }
        }
        depths
    }
}

/// A search for the shortest cycle through an expression.
struct Search<'a> {
    graph: &'a Dependencies,
    components: &'a Components,
    steps: usize,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Dependencies, components: &'a Components) -> Self {
        Self {
            graph,
            components,
            steps: 0,
        }
    }

    /// The message for an expression on a cycle.
    fn message(&mut self, start: usize, derived: &[(&str, &Expression)]) -> String {
        match self.cycle(start) {
            Some(cycle) => {
                let ids: Vec<_> = cycle.iter().map(|&at| derived[at].0).collect();
                format!("it is computed from itself: {}", ids.join(" from "))
            }
            None => "it is computed from itself, by way of many others".to_owned(),
        }
    }

    /// The shortest cycle through an expression, by breadth-first search. `None` beyond the limits on its length and
    /// on the steps.
    fn cycle(&mut self, start: usize) -> Option<Vec<usize>> {
        // For each node its predecessor and its distance in expressions; a pattern adds none.
        let mut before = HashMap::from([(start, (start, 0_usize))]);
        let mut open = VecDeque::from([start]);
        while let Some(at) = open.pop_front() {
            let (_, way) = before[&at];
            if way >= SHOWN || self.steps >= STEPS {
                return None;
            }
            let mut patterns = Vec::new();
            let mut below = self.graph.below(at).iter();
            loop {
                let Some(&next) = below.next() else {
                    match patterns.pop() {
                        Some(pattern) => below = self.graph.below(pattern).iter(),
                        None => break,
                    }
                    continue;
                };
                let next = next as usize;
                self.steps = self.steps.saturating_add(1);
                if next == start {
                    let back = |&at: &usize| (at != start).then(|| before[&at].0);
                    let mut cycle: Vec<_> = iter::successors(Some(at), back).collect();
                    cycle.reverse();
                    cycle.push(start);
                    return Some(cycle);
                }
                if self.components.of[next] != self.components.of[start]
                    || before.contains_key(&next)
                {
                    continue;
                }
                if self.graph.is_expression(next) {
                    before.insert(next, (at, way.saturating_add(1)));
                    open.push_back(next);
                } else {
                    before.insert(next, (at, way));
                    patterns.push(next);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
