//! A source that panics fails alone.

use std::time::Instant;

use super::*;
use crate::source::{Deferred, Family, NewMember};

/// The call in which a source panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    WhenAnswered,
    MayHave,
    Discover,
    Members,
    Read,
    Changed,
    Deferred,
    Begin,
    IsAwaited,
    AwaitedUntil,
    Nowhere,
}

/// A source that panics in one call.
struct Panicking {
    at: Arc<Mutex<At>>,
    inner: Counting,
}

impl Panicking {
    fn pass(&self, at: At) {
        let is_here = *self.at.lock().unwrap() == at;
        assert!(!is_here, "this source panics");
    }
}

impl Source for Panicking {
    fn about(&self) -> About<'_> {
        self.inner.about()
    }

    fn discover(&mut self) -> Result<Vec<Metric>, source::Error> {
        self.pass(At::Discover);
        self.inner.discover()
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), source::Error> {
        // Columns pushed before the panic do not count.
        columns.push(Raw::Counter(7));
        let reads = &self.inner.watched.reads;
        reads.fetch_add(1, Ordering::Relaxed);
        self.pass(At::Read);
        columns.clear();
        self.inner.read(columns)
    }

    fn changed(&self) -> bool {
        self.pass(At::Changed);
        self.inner.changed()
    }

    fn may_have(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        self.pass(At::MayHave);
        self.inner.may_have(is_meant)
    }

    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        self.pass(At::Deferred);
        Some(self)
    }
}

impl Deferred for Panicking {
    fn when_answered(&mut self, _: Answered) {
        self.pass(At::WhenAnswered);
    }

    fn begin(&mut self, _: Duration) {
        self.pass(At::Begin);
    }

    fn awaited_until(&self) -> Option<Instant> {
        self.pass(At::AwaitedUntil);
        None
    }

    fn is_awaited(&self) -> bool {
        self.pass(At::IsAwaited);
        false
    }
}

/// A family that panics when it is asked for its members, or finds none.
struct PanickingFamily(Panicking);

impl Family for PanickingFamily {
    fn about(&self) -> About<'_> {
        self.0.about()
    }

    fn members(&mut self) -> Result<Vec<NewMember>, source::Error> {
        self.0.pass(At::Members);
        Ok(Vec::new())
    }

    fn changed(&self) -> bool {
        self.0.changed()
    }
}

/// A source `a` that panics, and a source `b` that works.
fn beside_another(at: At) -> (Store, Arc<Mutex<At>>, Arc<Watched>) {
    store_of(at, Provider::source)
}

fn store_of(
    at: At,
    provider: impl FnOnce(Panicking) -> Provider,
) -> (Store, Arc<Mutex<At>>, Arc<Watched>) {
    let inner = Counting::new("a", &["a/b/*"], &["a/b/c"]);
    let watched = inner.watched.clone();
    let at = Arc::new(Mutex::new(at));
    let panicking = Panicking {
        at: at.clone(),
        inner,
    };
    let working = Counting::new("b", &["b/b/*"], &["b/b/c"]);
    let store = Store::new(vec![provider(panicking), Provider::source(working)]);
    (store, at, watched)
}

/// The problem of the first source. Checks that the second has none.
#[track_caller]
fn problem(store: &Store) -> Option<String> {
    let [a, b] = &store.sources()[..] else {
        panic!("two sources");
    };
    assert_eq!((b.state, &*b.error), ("ok", ""));
    (a.state == "failing").then(|| a.error.clone())
}

#[track_caller]
fn has_panicked(store: &Store) {
    let problem = problem(store).expect("it is failing");
    let expected = "it has panicked: this source panics (src/store/tests/panics.rs:";
    assert!(problem.starts_with(expected), "{problem}");
}

#[test]
fn a_read_that_panics_is_a_fault() {
    let (store, at, watched) = beside_another(At::Read);
    let selection = store.resolve(&["a", "b"]).unwrap();
    let read = || values(&selection, &store.read(&selection, now()));
    for expected in 1..100 {
        let expected = Ok(Value::Number(f64::from(expected)));
        assert_eq!(read(), [Err(Fault::Malformed), expected]);
    }
    has_panicked(&store);
    let tried = watched.reads.load(Ordering::Relaxed);
    assert!(tried < 20, "{tried}");
    *at.lock().unwrap() = At::Nowhere;
    let until = now() + Duration::from_secs(10);
    while read()[0].is_err() {
        assert!(now() < until, "it does not recover");
    }
    assert_eq!(problem(&store), None);
}

#[test]
fn a_discovery_that_panics_is_tried_again() {
    let (store, at, _) = beside_another(At::Discover);
    assert_eq!(store.resolve(&[]).unwrap().columns.len(), 1);
    has_panicked(&store);
    let error = store.resolve(&["a/b/c"]).unwrap_err().to_string();
    assert!(error.contains("it has panicked"), "{error}");
    *at.lock().unwrap() = At::Nowhere;
    assert_eq!(store.resolve(&[]).unwrap().columns.len(), 2);
    assert_eq!(problem(&store), None);
}

#[test]
fn a_panic_outside_of_a_read_costs_no_reading() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    for call in [
        At::WhenAnswered,
        At::MayHave,
        At::Changed,
        At::Deferred,
        At::Begin,
        At::IsAwaited,
        At::AwaitedUntil,
    ] {
        let (store, at, watched) = beside_another(call);
        let selection = store.resolve(&["a", "b"]).unwrap();
        runtime.block_on(store.prefetch(&selection, now(), Duration::MAX));
        assert!(store.rediscover_changed().is_empty());
        let readings = values(&selection, &store.read(&selection, now()));
        assert!(readings.iter().all(Result::is_ok), "{call:?}: {readings:?}");
        if !matches!(call, At::WhenAnswered | At::MayHave) {
            has_panicked(&store);
        }
        *at.lock().unwrap() = At::Nowhere;
        watched.changed.store(true, Ordering::Relaxed);
        store.rediscover_changed();
        assert_eq!(problem(&store), None);
    }
}

#[test]
fn a_family_that_panics_is_discovered_again() {
    let family = |panicking| Provider::family(PanickingFamily(panicking));
    for call in [At::Members, At::Changed] {
        let (store, at, watched) = store_of(call, family);
        assert_eq!(store.resolve(&[]).unwrap().columns.len(), 1);
        assert!(store.rediscover_changed().is_empty());
        has_panicked(&store);
        *at.lock().unwrap() = At::Nowhere;
        watched.changed.store(true, Ordering::Relaxed);
        store.rediscover_changed();
        assert_eq!(problem(&store), None);
    }
}
