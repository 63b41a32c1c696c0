//! Metrics that are computed from other metrics.

use super::*;
use crate::expression::Expression;

/// The definitions: ids and expressions.
type Definitions = Arc<Mutex<Vec<(&'static str, &'static str)>>>;

/// A source of derived metrics, without columns of its own.
struct Derived {
    definitions: Definitions,
    reads: Arc<AtomicU64>,
}

impl Source for Derived {
    fn about(&self) -> About<'_> {
        About::new("own", &["own/*/*"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, source::Error> {
        let definitions = self.definitions.lock().unwrap();
        let metric = |&(id, expression): &(&str, &str)| Metric {
            kind: Kind::Gauge,
            formula: Formula::Derived(Arc::new(Expression::parse(expression).unwrap())),
            ..Counting::metric(id, 0)
        };
        Ok(definitions.iter().map(metric).collect())
    }

    fn changed(&self) -> bool {
        true
    }

    fn read(&mut self, _: &mut Vec<Raw>) -> Result<(), source::Error> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// A source with `a/x/level` and `a/y/rate`, another with `b/x/level`, and these definitions.
struct Machine {
    store: Store,
    a: Arc<Watched>,
    b: Arc<Watched>,
    definitions: Definitions,
    reads: Arc<AtomicU64>,
}

impl Machine {
    fn new(definitions: &[(&'static str, &'static str)]) -> Self {
        let a = Counting::new("a", &["a/*/*"], &["a/x/level", "a/y/rate"]);
        let b = Counting::new("b", &["b/*/*"], &["b/x/level"]);
        let definitions = Definitions::new(definitions.to_vec().into());
        let derived = Derived {
            definitions: definitions.clone(),
            reads: Arc::default(),
        };
        Self {
            a: a.watched.clone(),
            b: b.watched.clone(),
            definitions,
            reads: derived.reads.clone(),
            store: Store::new(vec![
                Provider::source(derived),
                Provider::source(a),
                Provider::source(b),
            ]),
        }
    }

    fn define(&self, definitions: &[(&'static str, &'static str)]) -> Changes {
        *self.definitions.lock().unwrap() = definitions.to_vec();
        self.store.rediscover_changed()
    }

    /// The readings of some ids.
    fn read(&self, selectors: &[&str]) -> Vec<Reading> {
        let selection = self.store.resolve(selectors).unwrap();
        values(&selection, &self.store.read(&selection, now()))
    }
}

fn number(number: f64) -> Reading {
    Ok(Value::Number(number))
}

#[test]
fn only_the_operands_are_read() {
    let machine = Machine::new(&[("own/a/double", "2 * a/x/level")]);
    assert_eq!(machine.read(&["own/a/double"]), [number(2.0)]);
    assert_eq!(machine.read(&["own/a/double"]), [number(4.0)]);
    assert_eq!(machine.a.reads.load(Ordering::Relaxed), 2);
    assert_eq!(machine.b.reads.load(Ordering::Relaxed), 0);
    assert_eq!(machine.reads.load(Ordering::Relaxed), 0);
    // Both columns share one snapshot.
    let both = machine.read(&["a/x/level", "own/a/double"]);
    assert_eq!(both, [number(3.0), number(6.0)]);
}

#[test]
fn rates_of_operands_have_a_baseline() {
    let machine = Machine::new(&[("own/a/rate", "a/y/rate * 0 + 7")]);
    let selection = machine.store.resolve(&["own/a/rate"]).unwrap();
    let frame = machine.store.read(&selection, now());
    assert!(!selection.is_covered(&vec![None]));
    assert_eq!(values(&selection, &frame), [Err(Fault::First)]);
    let (baseline, ready) = machine.store.baseline(&selection, Duration::from_millis(1));
    assert!(selection.is_covered(&baseline));
    while now() < ready {}
    let frame = machine.store.read(&selection, now());
    let readings: Vec<_> = selection.readings(&frame, &baseline).collect();
    assert_eq!(readings[0].1, number(7.0));
}

#[test]
fn expressions_can_depend_on_expressions() {
    let machine = Machine::new(&[
        ("own/c/c", "own/b/b + own/a/a"),
        ("own/b/b", "own/a/a * 10"),
        ("own/a/a", "a/x/level + b/x/level"),
    ]);
    assert_eq!(machine.read(&["own/c/c"]), [number(22.0)]);
}

#[test]
fn each_expression_is_computed_once() {
    // Each of ten metrics is the sum of the ten below it: without sharing, 10^15 additions.
    let ids: Vec<Vec<&'static str>> = (0..16)
        .map(|level| {
            let id = |number| format!("own/l{level}n{number}/x").leak();
            (0..10).map(|number| &*id(number)).collect()
        })
        .collect();
    let mut definitions: Vec<_> = ids[0].iter().map(|&id| (id, "a/x/level")).collect();
    for (level, ids) in ids.iter().enumerate().skip(1) {
        let below: &'static str = format!("sum(own/l{}n*/x) / 10", level - 1).leak();
        definitions.extend(ids.iter().map(|&id| (id, below)));
    }
    let machine = Machine::new(&definitions);
    assert_eq!(machine.read(&[ids[15][0]]), [number(1.0)]);
}

#[test]
fn patterns_of_many_are_found_and_folded_once() {
    // A thousand sums of the same thousand metrics, each read once.
    let leak = |text: String| -> &'static str { text.leak() };
    let mut definitions: Vec<_> = (0..1000)
        .map(|number| (leak(format!("own/n{number}/x")), "a/x/level"))
        .collect();
    definitions.extend((0..1000).map(|number| {
        (
            leak(format!("own/n{number}/sum")),
            "sum(own/*/x) + b/x/level",
        )
    }));
    let machine = Machine::new(&definitions);
    let selection = machine.store.resolve(&["own/*/sum"]).unwrap();
    assert_eq!(selection.columns.len(), 1000);
    // The columns, the thousand that are summed, `a/x/level` and `b/x/level`.
    assert_eq!(selection.weight(), 1000 + 1000 + 1 + 1);
    let frame = machine.store.read(&selection, now());
    assert!(
        values(&selection, &frame)
            .iter()
            .all(|value| *value == number(1001.0))
    );
    assert_eq!(machine.a.reads.load(Ordering::Relaxed), 1);
}

#[test]
fn patterns_have_a_limit_of_matches() {
    let leak = |text: String| -> &'static str { text.leak() };
    let mut definitions: Vec<_> = (0..2000)
        .map(|number| (leak(format!("own/n{number}/x")), "1"))
        .collect();
    // The patterns differ, and each matches all metrics.
    definitions.extend((0..200).map(|number| {
        let pattern = leak(format!("count(own/{}/x)", "*".repeat(number + 1)));
        (leak(format!("own/n{number:03}/count")), pattern)
    }));
    let machine = Machine::new(&definitions);
    let found = machine.read(&["own/*/count"]);
    let count = |expected| found.iter().filter(|value| **value == expected).count();
    let known = (1 << 18) / 2000;
    let found = (count(number(2000.0)), count(Err(Fault::Malformed)));
    assert_eq!(found, (known, 200 - known));
}

#[test]
fn patterns_match_existing_metrics() {
    let machine = Machine::new(&[
        ("own/a/sum", "sum(*/x/level)"),
        ("own/a/count", "count(b/*/nothing)"),
        ("own/a/max", "max(b/*/nothing)"),
    ]);
    let readings = || machine.read(&["own/a/sum", "own/a/count", "own/a/max"]);
    assert_eq!(readings(), [number(2.0), number(0.0), Err(Fault::Gone)]);
    // A fold leaves out the metrics with faults.
    machine.b.fails.store(true, Ordering::Relaxed);
    assert_eq!(readings()[0], number(2.0));
    machine.a.fails.store(true, Ordering::Relaxed);
    assert_eq!(readings()[0], Err(Fault::Denied));
}

#[test]
fn faults_of_operands_are_passed_on() {
    let machine = Machine::new(&[
        ("own/a/sum", "a/x/level + b/x/level"),
        ("own/a/none", "a/x/level + a/x/other"),
        ("own/a/zero", "1 / (a/x/level - a/x/level)"),
    ]);
    assert_eq!(machine.read(&["own/a/none"]), [Err(Fault::Gone)]);
    assert_eq!(machine.read(&["own/a/zero"]), [Err(Fault::Malformed)]);
    machine.b.fails.store(true, Ordering::Relaxed);
    assert_eq!(machine.read(&["own/a/sum"]), [Err(Fault::Denied)]);
}

#[test]
fn new_metrics_become_operands() {
    let machine = Machine::new(&[("own/a/sum", "sum(b/*/level)")]);
    let before = machine.store.resolve(&["own/a/sum"]).unwrap();
    machine.store.resolve(&["b"]).unwrap();
    *machine.b.ids.lock().unwrap() = vec!["b/x/level", "b/y/level"];
    machine.b.changed.store(true, Ordering::Relaxed);
    assert!(!machine.store.rediscover_changed().is_empty());
    let after = machine.store.resolve_again(&["own/a/sum"], &before);
    assert!(!after.is_same(&before));
    let frame = machine.store.read(&after, now());
    assert_eq!(values(&after, &frame), [number(2.0)]);
}

#[test]
fn a_definition_can_change_and_go() {
    let machine = Machine::new(&[("own/a/a", "1"), ("own/b/b", "2")]);
    let before = machine.store.resolve(&["own/a/a"]).unwrap();
    let changes = machine.define(&[("own/a/a", "3 * a/x/level"), ("own/b/b", "2")]);
    let id = [Arc::from("own/a/a")];
    assert_eq!((&*changes.appeared, &*changes.vanished), (&id[..], &id[..]));
    let after = machine.store.resolve_again(&["own/a/a"], &before);
    assert!(!after.is_same(&before));
    assert_eq!(machine.read(&["own/a/a"]), [number(3.0)]);
    let changes = machine.define(&[("own/b/b", "2")]);
    assert_eq!((changes.appeared.len(), &*changes.vanished), (0, &id[..]));
    assert!(machine.store.resolve(&["own/a/a"]).is_err());
    // A selection of it keeps the column.
    let gone = machine.store.resolve_again(&["own/a/a"], &after);
    assert!(!gone.is_same(&after));
    let frame = machine.store.read(&gone, now());
    assert_eq!(values(&gone, &frame), [Err(Fault::Gone)]);
}

#[test]
fn metrics_of_a_cycle_read_gone() {
    let machine = Machine::new(&[("own/a/a", "own/b/b"), ("own/b/b", "own/a/a + 1")]);
    let gone = [Err(Fault::Gone), Err(Fault::Gone)];
    assert_eq!(machine.read(&["own/a/a", "own/b/b"]), gone);
}
