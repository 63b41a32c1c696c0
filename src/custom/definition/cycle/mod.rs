//! Expressions that would be computed from themselves, or from too many one after the other.

use std::{
    collections::{HashMap, VecDeque},
    iter,
};

use crate::expression::{DEPTH, Expression};

use super::dependencies::{Dependencies, PATTERNS};

/// How many expressions of a cycle a message names.
const SHOWN: usize = 16;

/// How many steps are taken, in all, to find the shortest cycles for messages.
const STEPS: usize = 1 << 20;

/// For each of these metrics why it cannot be computed, if it cannot: it is computed from itself, by way
/// of others perhaps, or from too many one after the other, or there are too many patterns.
pub(in crate::custom) fn check(derived: &[(&str, &Expression)]) -> Vec<Option<String>> {
    check_in_steps(derived).0
}

/// The same, and how many steps it took.
fn check_in_steps(derived: &[(&str, &Expression)]) -> (Vec<Option<String>>, usize) {
    let graph = Dependencies::new(derived);
    let components = Components::new(&graph);
    let depths = components.depths(&graph);
    let mut search = Search::new(&graph, &components);
    let told = |(at, depth): (usize, usize)| {
        if components.is_on_cycle(at, &graph) {
            Some(search.tell(at, derived))
        } else {
            (depth > DEPTH).then(|| {
                format!(
                    "it is computed from others by more than {DEPTH} expressions one after the other"
                )
            })
        }
    };
    let depths = depths.into_iter().take(derived.len()).enumerate();
    let mut conflicts: Vec<_> = depths.map(told).collect();
    for &at in graph.refused() {
        conflicts[at] = Some(format!(
            "the expressions of all files have at most {PATTERNS} different patterns, and this one has \
             another"
        ));
    }
    let steps = [graph.steps, components.steps, search.steps];
    (conflicts, steps.iter().sum())
}

/// The strongly connected components of a graph, found by Tarjan's algorithm without recursion: two nodes
/// are in the same one if each is computed from the other.
struct Components {
    /// For each node the number of its component: those that it is computed from have lower ones.
    of: Vec<u32>,
    /// For each component its nodes.
    nodes: Vec<Vec<u32>>,
    steps: usize,
}

/// A node that is being visited, and how many of those below it have been.
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
        // When each node was met, and the first node on the stack that can be reached from it.
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

    /// Whether a node is computed from itself.
    fn is_on_cycle(&self, node: usize, graph: &Dependencies) -> bool {
        let has_others = self.nodes[self.of[node] as usize].len() > 1;
        has_others
            || graph
                .below(node)
                .iter()
                .any(|&below| below as usize == node)
    }

    /// How many expressions one after the other each node is computed by. What is on a cycle counts as
    /// one, and a pattern as none.
    fn depths(&self, graph: &Dependencies) -> Vec<usize> {
        let mut depths = vec![1; graph.len()];
        // Those that a node is computed from come before it.
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

/// A search for the shortest way from an expression back to itself.
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

    /// What is told of an expression that is on a cycle.
    fn tell(&mut self, start: usize, derived: &[(&str, &Expression)]) -> String {
        match self.cycle(start) {
            Some(cycle) => {
                let ids: Vec<_> = cycle.iter().map(|&at| derived[at].0).collect();
                format!("it is computed from itself: {}", ids.join(" from "))
            }
            None => "it is computed from itself, by way of many others".to_owned(),
        }
    }

    /// The shortest way from an expression over those that it is computed from to itself, if it is short
    /// enough to be told and to be found.
    fn cycle(&mut self, start: usize) -> Option<Vec<usize>> {
        // From where each was reached first, and by how many steps; a pattern is none.
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
