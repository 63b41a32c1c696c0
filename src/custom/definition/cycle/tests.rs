use super::*;

/// The conflicts of these expressions, and the number of steps.
fn find(derived: &[(String, String)]) -> (Vec<Option<String>>, usize) {
    let parsed: Vec<_> = derived
        .iter()
        .map(|(id, text)| (&**id, Expression::parse(text).unwrap()))
        .collect();
    let derived: Vec<_> = parsed.iter().map(|(id, text)| (*id, text)).collect();
    check_in_steps(&derived)
}

#[track_caller]
fn check_all(derived: &[(&str, &str)], expected: &[Option<&str>]) {
    let derived: Vec<_> = derived
        .iter()
        .map(|(id, text)| ((*id).to_owned(), (*text).to_owned()))
        .collect();
    let (found, _) = find(&derived);
    let found: Vec<_> = found.iter().map(Option::as_deref).collect();
    assert_eq!(found, expected);
}

#[test]
fn cycles_are_named() {
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
}

#[test]
fn cycles_go_through_patterns() {
    check_all(
        &[("disk/all/total", "sum(disk/*/total)")],
        &[Some(
            "it is computed from itself: disk/all/total from disk/all/total",
        )],
    );
    check_all(&[("disk/all/total", "sum(disk/a*x/total)")], &[None]);
    // A prefix is a pattern as well.
    check_all(
        &[("a/b/c", "count(a/b)"), ("a/c/c", "count(a/b)")],
        &[Some("it is computed from itself: a/b/c from a/b/c"), None],
    );
    // An id has three segments.
    check_all(
        &[("a/b/c", "a/b/c/d + 1"), ("a/c/c", "sum(a/*/c/*)")],
        &[None, None],
    );
    // A cycle of three by exact ids, and a shorter one by a pattern.
    check_all(
        &[
            ("a/b/c", "a/b/d"),
            ("a/b/d", "a/b/e + sum(a/*/c)"),
            ("a/b/e", "a/b/c"),
        ],
        &[
            Some("it is computed from itself: a/b/c from a/b/d from a/b/c"),
            Some("it is computed from itself: a/b/d from a/b/c from a/b/d"),
            Some("it is computed from itself: a/b/e from a/b/c from a/b/d from a/b/e"),
        ],
    );
}

#[test]
fn an_expression_between_two_cycles_is_on_none() {
    check_all(
        &[
            ("a/b/c", "a/b/c"),
            ("a/b/d", "a/b/c"),
            ("a/b/e", "a/b/d + a/b/e"),
        ],
        &[
            Some("it is computed from itself: a/b/c from a/b/c"),
            None,
            Some("it is computed from itself: a/b/e from a/b/e"),
        ],
    );
}

const TOO_DEEP: &str = "it is computed from others by more than 16 expressions one after the other";

#[test]
fn depth_is_limited() {
    let ids: Vec<_> = (0..=DEPTH).map(|at| format!("a/b/n{at}")).collect();
    // Each depends on the next by id, or by a pattern.
    let exact = |id: &str| format!("{id} + 1");
    let pattern = |id: &str| format!("sum({}*)", id.replace("/b/", "/*/"));
    for below in [&exact as &dyn Fn(&str) -> String, &|id| match id {
        // n1* would match n10 as well.
        "a/b/n1" => exact(id),
        _ => pattern(id),
    }] {
        let texts: Vec<_> = (0..=DEPTH)
            .map(|at| match at {
                0 => "cpu/all/usage".to_owned(),
                _ => below(&ids[at - 1]),
            })
            .collect();
        let all: Vec<_> = ids
            .iter()
            .map(String::as_str)
            .zip(texts.iter().map(String::as_str))
            .collect();
        let mut expected = vec![None; DEPTH];
        check_all(&all[..DEPTH], &expected);
        expected.push(Some(TOO_DEEP));
        check_all(&all, &expected);
    }
}

/// The most definitions of a directory.
const MANY: usize = 16_000;

fn id(number: usize) -> String {
    format!("a/n{number}/x")
}

/// Checks the most steps per expression, for as many expressions as a directory may have. Returns each message and
/// its count.
#[track_caller]
fn check_many(steps: usize, text: impl Fn(usize) -> String) -> Vec<(String, usize)> {
    let derived: Vec<_> = (0..MANY).map(|at| (id(at), text(at))).collect();
    let (found, taken) = find(&derived);
    assert!(taken <= steps * MANY, "{} for each", taken / MANY);
    let mut reported = std::collections::BTreeMap::new();
    for what in found {
        let what = what.unwrap_or_default();
        let form = what.split(": ").next().unwrap_or_default().to_owned();
        *reported.entry(form).or_insert(0) += 1;
        assert!(what.len() < 1000, "{what}");
    }
    reported.into_iter().collect()
}

#[test]
fn many_in_a_chain() {
    let reported = check_many(4, |at| match at {
        0 => "1".to_owned(),
        _ => id(at - 1),
    });
    let deep = (TOO_DEEP.to_owned(), MANY - DEPTH);
    assert_eq!(reported, [(String::new(), DEPTH), deep.clone()]);
    // In the reverse direction.
    let reported = check_many(4, |at| match at + 1 {
        MANY => "1".to_owned(),
        next => id(next),
    });
    assert_eq!(reported, [(String::new(), DEPTH), deep]);
}

#[test]
fn many_in_a_ring() {
    let reported = check_many(4 + SHOWN, |at| id((at + 1) % MANY));
    let what = "it is computed from itself, by way of many others".to_owned();
    assert_eq!(reported, [(what, MANY)]);
}

#[test]
fn many_in_a_star() {
    // All depend on one.
    let reported = check_many(4, |at| match at {
        0 => "1".to_owned(),
        _ => id(0),
    });
    assert_eq!(reported, [(String::new(), MANY)]);
    // The middle depends on all others, and each of them on it: all are on cycles.
    let reported = check_many(100, |at| match at {
        0 => "sum(a/*/x)".to_owned(),
        _ => id(0),
    });
    assert_eq!(reported.iter().map(|(_, count)| count).sum::<usize>(), MANY);
    assert!(!reported.iter().any(|(what, _)| what.is_empty()));
}

#[test]
fn many_in_layers() {
    // Layers of a thousand. Each expression depends on the whole layer below by one pattern, and on one at the bottom.
    let reported = check_many(200, |at| match at / 1000 {
        0 => "1".to_owned(),
        layer => format!("sum(a/n{}*/x) + {}", layer - 1, id(at % 1000)),
    });
    assert_eq!(reported.iter().map(|(_, count)| count).sum::<usize>(), MANY);
}

#[test]
fn many_that_depend_on_all() {
    let reported = check_many(200, |at| format!("sum(a/*/x) + {}", id((at + 1) % MANY)));
    assert_eq!(reported.iter().map(|(_, count)| count).sum::<usize>(), MANY);
    assert!(!reported.iter().any(|(what, _)| what.is_empty()));
}

#[test]
fn patterns_are_limited() {
    let reported = check_many(PATTERNS + 4, |at| format!("sum(cpu/{at}*/usage)"));
    let much = "the expressions of all files have at most 512 different patterns, and this one has another";
    assert_eq!(
        reported,
        [
            (String::new(), PATTERNS),
            (much.to_owned(), MANY - PATTERNS)
        ]
    );
    // One pattern in all expressions counts once.
    let reported = check_many(5, |_| "sum(cpu/*/usage)".to_owned());
    assert_eq!(reported, [(String::new(), MANY)]);
}
