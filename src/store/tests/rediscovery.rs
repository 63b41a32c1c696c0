//! Discovering again for a caller of `List`.

use super::*;
use crate::source::tests::Tree;

/// The sources of a selection are compared with the kernel's lists every 5 s.
#[test]
fn callers_rediscover_what_they_select() {
    let tree = Tree::new();
    let plug = |device: &str| {
        let directory = tree.root.join("class").join(device);
        std::fs::create_dir_all(directory).unwrap();
    };
    plug("hwmon/hwmon0");
    plug("power_supply/BAT0");
    let roots = tree.roots();
    let about = |name, scope, subsystems| Counting {
        about: About::new(name, scope).of_devices(subsystems),
        ..Counting::new(name, scope, &["a/b/c"])
    };
    let chips = about("chips", &["a/*/*"], &["hwmon"]);
    let supplies = about("supplies", &["b/*/*"], &["power_supply"]);
    let watched = [&chips, &supplies].map(|source| source.watched.clone());
    let store = Store::new([chips, supplies].map(Provider::source).into());
    let store = store.with_listings(DeviceLists::new(&roots));
    store.resolve(&["b"]).unwrap_err();
    let selection = store.resolve(&["a"]).unwrap();
    let check = |second: u64, expected: u64| {
        let now = Duration::from_secs(second);
        let selections = [selection.clone(), selection.clone()];
        block_on(store.rediscover_selected(&selections, now));
        let discoveries = watched[0].discoveries.load(Ordering::Relaxed);
        assert_eq!(discoveries, expected, "{second} s");
        assert_eq!(watched[1].discoveries.load(Ordering::Relaxed), 1);
    };
    check(100, 1);
    check(104, 1);
    // No earlier list is known.
    check(105, 2);
    check(110, 2);
    plug("power_supply/AC");
    check(115, 2);
    plug("hwmon/hwmon1");
    check(119, 2);
    check(120, 3);
    check(125, 3);
}

/// Three sources: of hwmon and of power_supply, which sysfs lists, and one without devices.
#[test]
fn list_rediscovers_only_changed_sources() {
    let tree = Tree::new();
    let plug = |device: &str| {
        let directory = tree.root.join("class").join(device);
        std::fs::create_dir_all(directory).unwrap();
    };
    plug("hwmon/hwmon0");
    plug("power_supply/BAT0");
    let roots = tree.roots();
    let about = |name, scope, subsystems| Counting {
        about: About::new(name, scope).of_devices(subsystems),
        ..Counting::new(name, scope, &[])
    };
    let chips = about("chips", &["a/*/*"], &["hwmon"]);
    let supplies = about("supplies", &["b/*/*"], &["power_supply"]);
    let other = about("other", &["c/*/*"], &[]);
    let watched = [&chips, &supplies, &other].map(|source| source.watched.clone());
    let discoveries = || {
        watched
            .each_ref()
            .map(|each| each.discoveries.load(Ordering::Relaxed))
    };
    let store = Store::new([chips, supplies, other].map(Provider::source).into());
    let store = store.with_listings(DeviceLists::new(&roots));
    store.resolve(&[]).unwrap();
    assert_eq!(discoveries(), [1, 1, 1]);
    // The first call knows no earlier lists.
    block_on(store.rediscover_for(&[]));
    assert_eq!(discoveries(), [2, 2, 1]);
    block_on(store.rediscover_for(&[]));
    assert_eq!(discoveries(), [2, 2, 1]);
    plug("power_supply/AC");
    block_on(store.rediscover_for(&["a"]));
    assert_eq!(discoveries(), [2, 2, 1]);
    block_on(store.rediscover_for(&["//"]));
    assert_eq!(discoveries(), [2, 2, 1]);
    block_on(store.rediscover_for(&["b"]));
    block_on(store.rediscover_for(&[]));
    assert_eq!(discoveries(), [2, 3, 1]);
    watched[2].changed.store(true, Ordering::Relaxed);
    block_on(store.rediscover_for(&[]));
    assert_eq!(discoveries(), [2, 3, 2]);
    // This one ignores the lists.
    block_on(store.rediscover_all_for(&["a"]));
    assert_eq!(discoveries(), [3, 3, 2]);
}
