//! Discoveries in steps, between which others have their turn.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    thread,
};

use super::*;
use crate::store::discovery::STEP;

/// A source that shares what it finds with another one. That takes three steps.
struct Sharing {
    source: Counting,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    steps: usize,
    found: Option<Duration>,
    searches: usize,
}

impl Source for Sharing {
    fn about(&self) -> About<'_> {
        self.source.about()
    }

    fn prepare_discovery(&mut self, since: Duration) -> bool {
        let mut shared = self.shared.lock().unwrap();
        if shared.found.is_some_and(|found| found >= since) {
            return false;
        }
        thread::sleep(STEP);
        shared.steps += 1;
        if shared.steps == 3 {
            shared.steps = 0;
            shared.searches += 1;
            shared.found = Some(now());
        }
        true
    }

    fn discover(&mut self) -> Result<Vec<Metric>, source::Error> {
        self.source.discover()
    }

    fn changed(&self) -> bool {
        self.source.changed()
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), source::Error> {
        self.source.read(columns)
    }
}

struct Machine {
    store: Store,
    watched: [Arc<Watched>; 2],
    shared: Arc<Mutex<Shared>>,
}

impl Machine {
    fn new() -> Self {
        let one = Counting::new("one", &["a/*"], &["a/1"]);
        let other = Counting::new("other", &["b/*"], &["b/1"]);
        let watched = [&one, &other].map(|source| source.watched.clone());
        let shared = Arc::<Mutex<Shared>>::default();
        let sharing = |source| Sharing {
            source,
            shared: shared.clone(),
        };
        let sources = [one, other].map(|source| Provider::source(sharing(source)));
        Self {
            store: Store::new(sources.into()),
            watched,
            shared,
        }
    }

    fn searches(&self) -> usize {
        self.shared.lock().unwrap().searches
    }

    /// Adds a metric to each source.
    fn plug(&self) {
        for (watched, id) in self.watched.iter().zip(["a/2", "b/2"]) {
            watched.ids.lock().unwrap().push(id);
            watched.changed.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn sources_share_what_one_discovery_has_found() {
    let machine = Machine::new();
    machine.store.resolve(&[]).unwrap();
    assert_eq!(machine.searches(), 1);
    machine.plug();
    let changes = block_on(machine.store.rediscover_for(&[]));
    assert_eq!(changes.appeared.len(), 2);
    // Nothing of before is taken for the present.
    assert_eq!(machine.searches(), 2);
}

#[test]
fn a_list_is_resolved_between_the_steps_of_its_discoveries() {
    let machine = Machine::new();
    let mut resolution = Resolution::new(&["a", "b"]);
    let mut steps = 0;
    let selection = loop {
        steps += 1;
        if let Some(selection) = machine.store.resolve_step(&mut resolution).unwrap() {
            break selection;
        }
        assert!(!resolution.is_awaited());
    };
    assert!(steps > 3, "{steps}");
    assert_eq!(selection.columns.len(), 2);
    assert_eq!(machine.searches(), 1);
}

#[test]
fn another_call_finishes_what_a_dropped_one_has_begun() {
    let machine = Machine::new();
    let before = machine.store.resolve(&["a/1"]).unwrap();
    machine.store.resolve(&[]).unwrap();
    machine.plug();
    {
        let mut sweep = pin!(machine.store.rediscover_for(&[]));
        let mut context = Context::from_waker(Waker::noop());
        assert!(sweep.as_mut().poll(&mut context).is_pending());
        // Others have their turn.
        let frame = machine.store.read(&before, now());
        assert_eq!(values(&before, &frame).len(), 1);
        let mut other = pin!(machine.store.rediscover_for(&[]));
        assert_eq!(other.as_mut().poll(&mut context), Poll::Pending);
    }
    let changes = block_on(machine.store.rediscover_for(&["c"]));
    assert_eq!(changes.appeared.len(), 2);
    assert_eq!(machine.store.resolve(&[]).unwrap().columns.len(), 4);
}

/// Sources without a successful discovery are asked once, however long that takes.
#[test]
fn sources_that_fail_do_not_keep_a_list_from_its_end() {
    struct Failing;

    impl Source for Failing {
        fn about(&self) -> About<'_> {
            About::new("failing", &["a/*"])
        }

        fn discover(&mut self) -> Result<Vec<Metric>, source::Error> {
            thread::sleep(STEP);
            let cause = io::Error::from(io::ErrorKind::PermissionDenied);
            Err(source::Error::io(Path::new("/proc/there"), cause))
        }

        fn read(&mut self, _: &mut Vec<Raw>) -> Result<(), source::Error> {
            Ok(())
        }
    }

    let working = Counting::new("working", &["a/*"], &["a/1"]);
    let store = Store::new(vec![
        Provider::source(Failing),
        Provider::source(Failing),
        Provider::source(working),
    ]);
    for selectors in [&["a"][..], &["a/1"], &[]] {
        let selection = block_on(store.wait_and_resolve(selectors)).unwrap();
        assert_eq!(selection.columns.len(), 1, "{selectors:?}");
    }
}

#[test]
fn thousands_of_columns_are_added_in_steps() {
    let ids = (0..50_000).map(|number| &*format!("many/all/{number}").leak());
    let store = Store::new(vec![Provider::source(Counting::new(
        "many",
        &["many/*/*"],
        &ids.collect::<Vec<_>>(),
    ))]);
    for selectors in [&[][..], &["many"], &["many/all/7", "many", "many/*/1*"]] {
        store.lock().forget_resolved();
        let mut resolution = Resolution::new(selectors);
        let mut steps = 0;
        let selection = loop {
            steps += 1;
            if let Some(selection) = store.resolve_step(&mut resolution).unwrap() {
                break selection;
            }
        };
        assert!(steps > 2, "{selectors:?}: {steps}");
        assert_eq!(selection.columns.len(), 50_000, "{selectors:?}");
    }
}
