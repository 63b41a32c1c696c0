//! Sharing, discovery and rates of the store, with sources that count their reads.

mod derived;
mod families;
mod panics;
mod rediscovery;
mod steps;

use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use super::*;
use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Raw, Reading, Value},
    source::{self, About, Source},
};

/// A device of a family: its name and its source.
type Device = (&'static str, fn() -> Counting);

/// The state that a test and a source share.
#[derive(Default)]
struct Watched {
    reads: AtomicU64,
    discoveries: AtomicU64,
    fails: AtomicBool,
    changed: AtomicBool,
    ids: Mutex<Vec<&'static str>>,
    /// Devices of a family, by name.
    devices: Mutex<Vec<Device>>,
}

/// A source whose columns are the number of its reads.
struct Counting {
    about: About<'static>,
    watched: Arc<Watched>,
}

impl Counting {
    fn new(name: &'static str, scope: &'static [&'static str], ids: &[&'static str]) -> Self {
        let watched = Arc::new(Watched::default());
        *watched.ids.lock().unwrap() = ids.to_vec();
        Self {
            about: About::new(name, scope),
            watched,
        }
    }

    fn metric(id: &str, column: usize) -> Metric {
        let formula = match id.ends_with("rate") {
            true => Formula::Rate {
                counter: column,
                scale: 1.0,
            },
            false => Formula::Level(column),
        };
        let object = Object::new("Object", Group::Custom);
        Metric::new(id, object, unit::ONE, Kind::Total, formula)
    }
}

impl Source for Counting {
    fn about(&self) -> About<'_> {
        self.about
    }

    fn discover(&mut self) -> Result<Vec<Metric>, source::Error> {
        self.watched.changed.store(false, Ordering::Relaxed);
        self.watched.discoveries.fetch_add(1, Ordering::Relaxed);
        let ids = self.watched.ids.lock().unwrap();
        let metrics = ids.iter().enumerate();
        Ok(metrics
            .map(|(column, id)| Self::metric(id, column))
            .collect())
    }

    fn changed(&self) -> bool {
        self.watched.changed.load(Ordering::Relaxed)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), source::Error> {
        let reads = self.watched.reads.fetch_add(1, Ordering::Relaxed) + 1;
        if self.watched.fails.load(Ordering::Relaxed) {
            let cause = io::Error::from(io::ErrorKind::PermissionDenied);
            return Err(source::Error::io(Path::new("/proc/there"), cause));
        }
        let ids = self.watched.ids.lock().unwrap();
        columns.extend(ids.iter().map(|_| Raw::Counter(reads)));
        Ok(())
    }
}

fn now() -> Duration {
    monotonic()
}

fn store(source: Counting) -> (Store, Arc<Watched>) {
    let watched = source.watched.clone();
    (Store::new(vec![Provider::source(source)]), watched)
}

fn values(selection: &Selection, frame: &Frame) -> Vec<Reading> {
    let none = Baseline::new();
    selection
        .readings(frame, &none)
        .map(|(_, reading)| reading)
        .collect()
}

#[test]
fn a_young_snapshot_is_shared() {
    let (store, watched) = store(Counting::new("a", &["a/b/*"], &["a/b/c", "a/b/d"]));
    let one = store.resolve(&["a/b/c"]).unwrap();
    let both = store.resolve(&["a"]).unwrap();
    assert_eq!(watched.reads.load(Ordering::Relaxed), 0);
    let moment = now();
    for _ in 0..50 {
        assert_eq!(
            values(&one, &store.read(&one, moment)),
            [Ok(Value::Number(1.0))]
        );
        assert_eq!(values(&both, &store.read(&both, moment)).len(), 2);
    }
    assert_eq!(watched.reads.load(Ordering::Relaxed), 1);
    store.read(&one, now());
    assert_eq!(watched.reads.load(Ordering::Relaxed), 2);
}

#[test]
fn only_matching_sources_are_read() {
    let a = Counting::new("a", &["a/b/*"], &["a/b/c"]);
    let b = Counting::new("b", &["b/b/*"], &["b/b/c"]);
    let (first, second) = (a.watched.clone(), b.watched.clone());
    let store = Store::new([a, b].map(Provider::source).into());
    let selection = store.resolve(&["a/b/c"]).unwrap();
    store.read(&selection, now());
    assert_eq!(first.reads.load(Ordering::Relaxed), 1);
    assert_eq!(second.reads.load(Ordering::Relaxed), 0);
    let states: Vec<_> = store
        .sources()
        .into_iter()
        .map(|source| source.state)
        .collect();
    assert_eq!(states, ["ok", "unused"]);
}

#[test]
fn a_failing_source_is_read_rarely_and_recovers() {
    let (store, watched) = store(Counting::new("a", &["a/b/*"], &["a/b/c"]));
    let selection = store.resolve(&["a"]).unwrap();
    watched.fails.store(true, Ordering::Relaxed);
    for _ in 0..100 {
        let frame = store.read(&selection, now());
        assert_eq!(values(&selection, &frame), [Err(Fault::Denied)]);
    }
    let tried = watched.reads.load(Ordering::Relaxed);
    assert!(tried < 20, "{tried}");
    let state = &store.sources()[0];
    assert_eq!(state.state, "failing");
    assert!(state.error.contains("/proc/there"), "{}", state.error);
    watched.fails.store(false, Ordering::Relaxed);
    // The pause was doubled a few times and is at most 5 s.
    let until = now() + Duration::from_secs(10);
    while values(&selection, &store.read(&selection, now()))[0].is_err() {
        assert!(now() < until, "it does not recover");
    }
    assert_eq!(store.sources()[0].state, "ok");
}

#[test]
fn appearing_and_vanishing_ids_change_selections() {
    let (store, watched) = store(Counting::new("a", &["a/*/*"], &["a/b/c"]));
    let before = store.resolve(&["a"]).unwrap();
    let exact = store.resolve(&["a/b/c"]).unwrap();
    assert!(store.rediscover_changed().is_empty());
    *watched.ids.lock().unwrap() = vec!["a/d/c"];
    watched.changed.store(true, Ordering::Relaxed);
    let changes = store.rediscover_changed();
    assert_eq!(changes.appeared, ["a/d/c".into()]);
    assert_eq!(changes.vanished, ["a/b/c".into()]);
    let after = store.resolve_again(&["a"], &before);
    assert_eq!(&*after.columns[0].metric.id, "a/d/c");
    assert!(store.resolve(&["a/b/c"]).is_err());
    // A selection of the id keeps its column.
    assert!(store.resolve_again(&["a/b/c"], &exact).is_same(&exact));
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap().block_on(future)
}

#[test]
fn a_baseline_is_shared_and_a_window_old() {
    let (store, watched) = store(Counting::new("a", &["a/b/*"], &["a/b/rate"]));
    let selection = store.resolve(&["a"]).unwrap();
    let window = Duration::from_millis(20);
    let (baseline, ready) = store.baseline(&selection, window);
    assert!(ready > now());
    assert!(selection.is_covered(&baseline));
    assert_eq!(watched.reads.load(Ordering::Relaxed), 1);
    // A second caller shares that snapshot, and waits no longer.
    let (_, again) = store.baseline(&selection, window);
    assert_eq!(again, ready);
    assert_eq!(watched.reads.load(Ordering::Relaxed), 1);
    while now() < ready {}
    let frame = store.read(&selection, now());
    let readings: Vec<_> = selection.readings(&frame, &baseline).collect();
    assert!(matches!(readings[0].1, Ok(Value::Number(rate)) if rate > 0.0));
}

#[test]
fn a_source_that_is_off_is_not_read() {
    let (store, watched) = store(Counting::new("a", &["a/b/*"], &["a/b/c"]));
    let selection = store.resolve(&["a"]).unwrap();
    assert_eq!(store.switch_off(&["a".to_owned(), "x".to_owned()]), ["x"]);
    let frame = store.read(&selection, now());
    assert_eq!(values(&selection, &frame), [Err(Fault::Gone)]);
    assert!(store.resolve(&["a"]).is_err());
    assert!(store.resolve(&[]).unwrap().columns.is_empty());
    assert_eq!(watched.reads.load(Ordering::Relaxed), 0);
    store.switch_off(&[]);
    assert!(values(&selection, &store.read(&selection, now()))[0].is_ok());
}

#[test]
fn errors_suggest_a_name() {
    let (store, _) = store(Counting::new("a", &["a/b/*"], &["a/b/usage"]));
    let error = |selector| store.resolve(&[selector]).unwrap_err().to_string();
    assert_eq!(
        error("a/b/usgae"),
        "a/b/usgae: no such metric (nearest: a/b/usage)"
    );
    assert_eq!(error("weather"), "weather: no such metric (sources: a)");
    assert!(error("a//b").contains("a//b"));
}
