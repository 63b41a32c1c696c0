//! Families: members come and go with their devices.

use super::*;
use crate::source::{Family, NewMember, family::Members};

/// A family of counting sources.
struct Devices {
    watched: Arc<Watched>,
    known: Members,
}

impl Family for Devices {
    fn about(&self) -> About<'_> {
        About::new("a", &["a/*/*"])
    }

    fn members(&mut self) -> Result<Vec<NewMember>, source::Error> {
        self.watched.changed.store(false, Ordering::Relaxed);
        let mut probe = self.known.probe();
        for (name, make) in self.watched.devices.lock().unwrap().iter() {
            probe.find(&(*name).to_owned(), || Box::new(make()));
        }
        Ok(probe.finish())
    }

    fn changed(&self) -> bool {
        self.watched.changed.load(Ordering::Relaxed)
    }
}

/// A store with a family that has the member `b`.
fn family() -> (Store, Arc<Watched>) {
    let b = || Counting::new("a", &["a/b/*"], &["a/b/c", "a/b/rate"]);
    let watched = Arc::new(Watched::default());
    *watched.devices.lock().unwrap() = vec![("b", b)];
    let family = Provider::family(Devices {
        watched: watched.clone(),
        known: Members::default(),
    });
    (Store::new(vec![family]), watched)
}

/// Changes the devices of the family and rediscovers it.
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
    let entries = || store.lock().entries.iter().count();
    let gone_both = [Err(Fault::Gone), Err(Fault::Gone)];
    for _ in 0..100 {
        assert_eq!(entries(), 2);
        let gone = find(&store, &watched, &[]);
        assert_eq!(gone.vanished, ["a/b/c".into(), "a/b/rate".into()]);
        assert_eq!(entries(), 1);
        assert_eq!(read(&before, &baseline), gone_both);
        let frame = store.read(&before, now());
        let existing = store.existing_baseline(&before, &frame, Duration::from_millis(1));
        assert_eq!(existing, [None]);
        // The counters of another member are no baseline for it.
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
    // The reads of the dropped members still count: one each.
    assert_eq!(store.sources()[0].reads, 101);
}
