//! What would be computed from itself.

use std::{collections::VecDeque, iter};

use crate::expression::{DEPTH, Expression};

/// For each of these metrics why it cannot be computed, if it cannot: it is computed from itself, by way
/// of others perhaps, or from too many one after the other.
pub(super) fn check(derived: &[(&str, &Expression)]) -> Vec<Option<String>> {
    let sources: Vec<Vec<usize>> = derived
        .iter()
        .map(|(_, expression)| {
            let is_input = |id: &str| {
                let mut inputs = expression.inputs().iter();
                inputs.any(|input| means(&input.selector, id))
            };
            let all = derived.iter().enumerate();
            all.filter(|(_, (id, _))| is_input(id))
                .map(|(at, _)| at)
                .collect()
        })
        .collect();
    let circles: Vec<_> = (0..derived.len()).map(|at| circle(&sources, at)).collect();
    let depths = depths(&sources, &circles);
    let checked = circles.iter().zip(depths);
    checked
        .map(|(circle, depth)| match circle {
            Some(circle) => {
                let ids: Vec<_> = circle.iter().map(|&at| derived[at].0).collect();
                let ids = ids.join(" from ");
                Some(format!("it is computed from itself: {ids}"))
            }
            None => (depth > DEPTH).then(|| {
                format!(
                    "it is computed from others by more than {DEPTH} expressions one after the other"
                )
            }),
        })
        .collect()
}

/// The shortest way from a metric over those that it is computed from to itself.
fn circle(sources: &[Vec<usize>], start: usize) -> Option<Vec<usize>> {
    // From where each was reached first.
    let mut before: Vec<Option<usize>> = vec![None; sources.len()];
    let mut open = VecDeque::from([start]);
    while let Some(at) = open.pop_front() {
        for &next in &sources[at] {
            if next == start {
                let step = |&at: &usize| before[at].filter(|_| at != start);
                let mut way: Vec<_> = iter::successors(Some(at), step).collect();
                way.reverse();
                way.push(start);
                return Some(way);
            }
            if before[next].is_none() {
                before[next] = Some(at);
                open.push_back(next);
            }
        }
    }
    None
}

/// How many expressions one after the other each metric is computed by; of more than is allowed, one more
/// than that. What is in a circle counts as one. No recursion: a chain may be as long as there are
/// definitions.
fn depths(sources: &[Vec<usize>], circles: &[Option<Vec<usize>>]) -> Vec<usize> {
    let mut depths = vec![1_usize; sources.len()];
    for _ in 0..DEPTH {
        let deeper = |(below, circle): (&Vec<usize>, &Option<_>)| {
            let below = below.iter().filter(|_| circle.is_none());
            below
                .map(|&source| depths[source])
                .max()
                .map_or(1, |depth: usize| depth.saturating_add(1))
        };
        depths = sources.iter().zip(circles).map(deeper).collect();
    }
    depths
}

/// Whether a selector means this id: what `selector` says of the selectors of clients.
fn means(selector: &str, id: &str) -> bool {
    let mut segments = id.split('/');
    selector.split('/').all(|pattern| {
        let segment = segments.next();
        segment.is_some_and(|segment| match pattern.contains('*') {
            // No id has another character that means something in a pattern.
            true => glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(segment)),
            false => pattern == segment,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_all(derived: &[(&str, &str)], expected: &[Option<&str>]) {
        let parsed: Vec<_> = derived
            .iter()
            .map(|(id, text)| (*id, Expression::parse(text).unwrap()))
            .collect();
        let derived: Vec<_> = parsed.iter().map(|(id, text)| (*id, text)).collect();
        let found = check(&derived);
        let found: Vec<_> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn circles_are_named() {
        check_all(
            &[
                ("a/b/c", "a/b/d + cpu/all/usage"),
                ("a/b/d", "2 * cpu/all/usage"),
            ],
            &[None, None],
        );
        check_all(
            &[("a/b/c", "a/b/c + 1")],
            &[Some("it is computed from itself: a/b/c from a/b/c")],
        );
        check_all(
            &[
                ("a/b/c", "a/b/d"),
                ("a/b/d", "1 + a/b/e"),
                ("a/b/e", "a/b/c"),
                ("x/y/z", "a/b/c"),
            ],
            &[
                Some("it is computed from itself: a/b/c from a/b/d from a/b/e from a/b/c"),
                Some("it is computed from itself: a/b/d from a/b/e from a/b/c from a/b/d"),
                Some("it is computed from itself: a/b/e from a/b/c from a/b/d from a/b/e"),
                None,
            ],
        );
        check_all(
            &[("disk/all/total", "sum(disk/*/total)")],
            &[Some(
                "it is computed from itself: disk/all/total from disk/all/total",
            )],
        );
        check_all(&[("disk/all/total", "sum(disk/a*x/total)")], &[None]);
    }

    #[test]
    fn depth_is_limited() {
        let ids: Vec<_> = (0..=DEPTH).map(|at| format!("a/b/n{at}")).collect();
        let texts: Vec<_> = (0..=DEPTH)
            .map(|at| match at {
                0 => "cpu/all/usage".to_owned(),
                _ => format!("{} + 1", ids[at - 1]),
            })
            .collect();
        let all: Vec<_> = ids
            .iter()
            .map(String::as_str)
            .zip(texts.iter().map(String::as_str))
            .collect();
        let mut expected = vec![None; DEPTH];
        check_all(&all[..DEPTH], &expected);
        let much = "it is computed from others by more than 16 expressions one after the other";
        expected.push(Some(much));
        check_all(&all, &expected);
    }

    #[test]
    fn a_chain_is_as_long_as_it_likes() {
        const LONG: usize = 100_000;
        let sources: Vec<_> = (1..=LONG).map(|next| vec![next % LONG]).collect();
        assert_eq!(circle(&sources, 0).map(|way| way.len()), Some(LONG + 1));
        let sources: Vec<_> = (0..LONG)
            .map(|at| (at + 1..LONG).take(1).collect())
            .collect();
        let depths = depths(&sources, &vec![None; LONG]);
        assert_eq!(
            (depths[0], depths[LONG - DEPTH], depths[LONG - 1]),
            (DEPTH + 1, DEPTH, 1)
        );
    }
}
