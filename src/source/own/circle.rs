//! What would be computed from itself.

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
    let mut depths = vec![None; derived.len()];
    let all = 0..derived.len();
    all.map(|at| {
        if let Some(circle) = circle(&sources, at) {
            let ids: Vec<_> = circle.iter().map(|&at| derived[at].0).collect();
            return Some(format!(
                "it is computed from itself: {}",
                ids.join(" from ")
            ));
        }
        let depth = depth(&sources, at, &mut depths);
        (depth > DEPTH).then(|| {
            format!(
                "it is computed from others by more than {DEPTH} expressions one after the other"
            )
        })
    })
    .collect()
}

/// The shortest way from a metric over those that it is computed from to itself.
fn circle(sources: &[Vec<usize>], start: usize) -> Option<Vec<usize>> {
    let mut ways = vec![vec![start]];
    let mut seen = vec![false; sources.len()];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = way.last().copied().unwrap_or(start);
            for &next in &sources[last] {
                let way = || way.iter().copied().chain([next]).collect();
                if next == start {
                    return Some(way());
                }
                if !std::mem::replace(&mut seen[next], true) {
                    longer.push(way());
                }
            }
        }
        ways = longer;
    }
    None
}

/// How many expressions one after the other a metric is computed by. What is in a circle, or more than is
/// allowed, is no deeper than that.
fn depth(sources: &[Vec<usize>], at: usize, depths: &mut [Option<usize>]) -> usize {
    if let Some(depth) = depths[at] {
        return depth;
    }
    // Whoever comes back here goes round in a circle, which is told of those that are in it.
    depths[at] = Some(0);
    let below = sources[at].iter();
    let below = below.map(|&source| depth(sources, source, depths)).max();
    let depth = 1 + below.unwrap_or(0);
    depths[at] = Some(depth);
    depth
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
}
