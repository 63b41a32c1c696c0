//! What the store promises to those who share it, with sources of which the reads are counted.

mod derived;
mod panics;

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
    metric::{Kind, Metric, unit},
    rate::Formula,
    reading::{Raw, Reading, Value},
    source::{self, About, Family, NewMember, Source, family::Members},
};

/// A device of a family: its name, and its source.
type Device = (&'static str, fn() -> Counting);

/// What a test sees of a source, and tells it.
#[derive(Default)]
struct Watched {
    reads: AtomicU64,
    looks: AtomicU64,
    fails: AtomicBool,
    changed: AtomicBool,
    ids: Mutex<Vec<&'static str>>,
    /// Devices of a family, by name.
    devices: Mutex<Vec<Device>>,
}

/// A source whose columns count how often it was read.
struct Counting {
    about: About<'static>,
    watched: Arc<Watched>,
}

/// A family of them.
struct Devices {
    watched: Arc<Watched>,
    members: Members,
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
        Metric {
            id: id.into(),
            name: "Name".into(),
            description: "Description".into(),
            unit: unit::ONE.into(),
            kind: Kind::Total,
            minimum: None,
            maximum: None,
            formula: match id.ends_with("rate") {
                true => Formula::Rate {
                    counter: column,
                    scale: 1.0,
                },
                false => Formula::Level(column),
            },
        }
    }
}

impl Source for Counting {
    fn about(&self) -> About<'_> {
        self.about
    }

    fn discover(&mut self) -> Result<Vec<Metric>, source::Error> {
        self.watched.changed.store(false, Ordering::Relaxed);
        self.watched.looks.fetch_add(1, Ordering::Relaxed);
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

impl Family for Devices {
    fn about(&self) -> About<'_> {
        About::new("a", &["a/*/*"])
    }

    fn members(&mut self) -> Result<Vec<NewMember>, source::Error> {
        self.watched.changed.store(false, Ordering::Relaxed);
        let mut probe = self.members.probe();
        for (name, make) in self.watched.devices.lock().unwrap().iter() {
            probe.find(&(*name).to_owned(), || Box::new(make()));
        }
        Ok(probe.finish())
    }

    fn changed(&self) -> bool {
        self.watched.changed.load(Ordering::Relaxed)
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
fn a_reading_that_is_young_enough_is_shared() {
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
fn only_who_may_be_meant_is_asked() {
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
fn a_source_that_keeps_failing_is_left_alone_and_comes_back() {
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
    // The rest is at most 5 s, and was doubled a few times only.
    let until = now() + Duration::from_secs(10);
    while values(&selection, &store.read(&selection, now()))[0].is_err() {
        assert!(now() < until, "it does not come back");
    }
    assert_eq!(store.sources()[0].state, "ok");
}

#[test]
fn what_comes_and_goes_changes_the_catalog() {
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
    // Who has asked for the id keeps its column.
    assert!(store.resolve_again(&["a/b/c"], &exact).is_same(&exact));
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap().block_on(future)
}

/// A family, of which `b` is there.
fn family() -> (Store, Arc<Watched>) {
    let b = || Counting::new("a", &["a/b/*"], &["a/b/c", "a/b/rate"]);
    let watched = Arc::new(Watched::default());
    *watched.devices.lock().unwrap() = vec![("b", b)];
    let family = Provider::family(Devices {
        watched: watched.clone(),
        members: Members::default(),
    });
    (Store::new(vec![family]), watched)
}

/// Has the family find these.
fn find(store: &Store, watched: &Watched, devices: &[Device]) -> Changes {
    *watched.devices.lock().unwrap() = devices.to_vec();
    watched.changed.store(true, Ordering::Relaxed);
    store.rediscover_changed()
}

#[test]
fn a_family_has_members_of_its_own() {
    let (store, watched) = family();
    assert_eq!(store.resolve(&["a/b/c"]).unwrap().columns.len(), 1);
    let mut devices = watched.devices.lock().unwrap().clone();
    devices.push(("d", || Counting::new("a", &["a/d/*"], &["a/d/c"])));
    let changes = find(&store, &watched, &devices);
    assert_eq!(changes.appeared, ["a/d/c".into()]);
    assert_eq!(store.resolve(&["a"]).unwrap().columns.len(), 3);
    assert_eq!(store.sources()[0].metrics, 3);
}

#[test]
fn a_member_that_has_gone_is_dropped_and_found_again() {
    let (store, watched) = family();
    let devices = watched.devices.lock().unwrap().clone();
    let before = store.resolve(&["a/b/c", "a/b/rate"]).unwrap();
    let read = |selection: &Selection, baseline: &Baseline| -> Vec<_> {
        let frame = store.read(selection, now());
        let readings = selection.readings(&frame, baseline);
        readings.map(|(_, reading)| reading).collect()
    };
    let baseline = store.read(&before, now()).into_baseline();
    let cells = || store.lock().cells.iter().count();
    let gone_both = [Err(Fault::Gone), Err(Fault::Gone)];
    for _ in 0..100 {
        assert_eq!(cells(), 2);
        let gone = find(&store, &watched, &[]);
        assert_eq!(gone.vanished, ["a/b/c".into(), "a/b/rate".into()]);
        assert_eq!(cells(), 1);
        assert_eq!(read(&before, &baseline), gone_both);
        let frame = store.read(&before, now());
        let past = store.existing_baseline(&before, &frame, Duration::from_millis(1));
        assert_eq!(past, [None]);
        // What another member has counted is not taken for its.
        let d = || Counting::new("a", &["a/d/*"], &["a/d/c", "a/d/rate"]);
        find(&store, &watched, &[("d", d)]);
        let kept = store.resolve_again(&["a/b/c", "a/b/rate"], &before);
        assert!(kept.is_same(&before));
        assert_eq!(read(&kept, &kept.carry_over(&before, &baseline)), gone_both);
        let back = find(&store, &watched, &devices);
        assert_eq!(back.appeared, gone.vanished);
        let after = store.resolve_again(&["a/b/c", "a/b/rate"], &kept);
        assert!(!after.is_same(&kept));
        let readings = read(&after, &after.carry_over(&before, &baseline));
        assert_eq!(readings, [Ok(Value::Number(1.0)), Err(Fault::First)]);
    }
    // What they have cost is still known: each time a member was read once.
    assert_eq!(store.sources()[0].reads, 101);
}

#[test]
fn a_rate_finds_what_was_read_a_window_ago() {
    let (store, watched) = store(Counting::new("a", &["a/b/*"], &["a/b/rate"]));
    let selection = store.resolve(&["a"]).unwrap();
    let window = Duration::from_millis(20);
    let (baseline, ready) = store.baseline(&selection, window);
    assert!(ready > now());
    assert!(selection.is_covered(&baseline));
    assert_eq!(watched.reads.load(Ordering::Relaxed), 1);
    // Who comes in between shares that reading, and waits no longer.
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
fn a_mistake_is_named() {
    let (store, _) = store(Counting::new("a", &["a/b/*"], &["a/b/usage"]));
    let error = |selector| store.resolve(&[selector]).unwrap_err().to_string();
    assert_eq!(
        error("a/b/usgae"),
        "a/b/usgae: no such metric (nearest: a/b/usage)"
    );
    assert_eq!(error("weather"), "weather: no such metric (sources: a)");
    assert!(error("a//b").contains("a//b"));
}

/// Three sources: of hwmon and of power_supply, which sysfs lists, and one that knows by itself when it has to look.
#[test]
fn who_asks_what_there_is_has_only_what_changed_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_owned();
    let plug = |device: &str| std::fs::create_dir_all(root.join("class").join(device)).unwrap();
    plug("hwmon/hwmon0");
    plug("power_supply/BAT0");
    let roots = source::Roots {
        proc: root.clone(),
        sys: root.clone(),
        root: root.clone(),
    };
    let about = |name, scope, subsystems| Counting {
        about: About::new(name, scope).of_devices(subsystems),
        ..Counting::new(name, scope, &[])
    };
    let chips = about("chips", &["a/*/*"], &["hwmon"]);
    let supplies = about("supplies", &["b/*/*"], &["power_supply"]);
    let other = about("other", &["c/*/*"], &[]);
    let watched = [&chips, &supplies, &other].map(|source| source.watched.clone());
    let looks = || {
        watched
            .each_ref()
            .map(|each| each.looks.load(Ordering::Relaxed))
    };
    let store = Store::new([chips, supplies, other].map(Provider::source).into());
    let store = store.with_listings(DeviceLists::new(&roots));
    store.resolve(&[]).unwrap();
    assert_eq!(looks(), [1, 1, 1]);
    // What was listed before is not known yet.
    block_on(store.rediscover_for(&[]));
    assert_eq!(looks(), [2, 2, 1]);
    block_on(store.rediscover_for(&[]));
    assert_eq!(looks(), [2, 2, 1]);
    plug("power_supply/AC");
    block_on(store.rediscover_for(&["a"]));
    assert_eq!(looks(), [2, 2, 1]);
    block_on(store.rediscover_for(&["//"]));
    assert_eq!(looks(), [2, 2, 1]);
    block_on(store.rediscover_for(&["b"]));
    block_on(store.rediscover_for(&[]));
    assert_eq!(looks(), [2, 3, 1]);
    watched[2].changed.store(true, Ordering::Relaxed);
    block_on(store.rediscover_for(&[]));
    assert_eq!(looks(), [2, 3, 2]);
    // What is not listed is looked for closely.
    block_on(store.rediscover_all_for(&["a"]));
    assert_eq!(looks(), [3, 3, 2]);
}
