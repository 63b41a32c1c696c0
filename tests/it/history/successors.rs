//! A service leaves its history to its successor.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Signal;
use sampled::{
    client::{Frame, SampleOptions, Start},
    reading::Value,
};

use super::{IDS, MINUTE, check_order, every, history, next, row, take};
use crate::support::{bus::Bus, home::Home};

/// The line of the log for a file that is of no use.
const IGNORED: &str = "the history of an earlier service is ignored";

fn file(home: &Home) -> PathBuf {
    home.runtime().join("sampled/history")
}

/// Has a service read some frames.
async fn read(bus: &Bus, frames: usize) -> Vec<Frame> {
    let client = bus.client().await;
    let mut session = client.start(IDS, every(250)).await.unwrap();
    take(&mut session, frames).await
}

/// Ends the service by a signal.
async fn end(bus: &Bus, signal: Signal) {
    let service = bus.owned().await;
    service.signal(signal);
    bus.vacant().await;
}

/// Checks that a session with history has the rows that a predecessor has read, then a gap, then a fresh row.
async fn check_successor(bus: &Bus, seen: &[Frame]) {
    let client = bus.client().await;
    let mut expected: Vec<_> = seen.iter().map(row).collect();
    let rows = history(&client, IDS).await;
    assert_eq!(rows[..seen.len()], expected);
    let start = Start {
        history: MINUTE,
        ..every(60_000)
    };
    let mut window = client.start(IDS, start).await.unwrap();
    let shown = take(&mut window, rows.len() + 1).await;
    let shown: Vec<_> = shown.iter().map(row).collect();
    check_order(&shown.iter().map(|row| row.0).collect::<Vec<_>>());
    expected.extend(rows[seen.len()..].iter().cloned());
    assert_eq!(shown[..seen.len()], expected[..seen.len()]);
    let [.., gap, fresh] = &shown[..] else {
        panic!("{shown:?}");
    };
    assert!(gap.1.iter().all(|value| value.is_nan()), "{shown:?}");
    assert!(fresh.1.iter().all(|value| !value.is_nan()), "{shown:?}");
}

#[test]
fn an_activation_goes_on_after_an_idle_exit() {
    let bus = Bus::activating("--idle-timeout 50ms");
    bus.block_on(async {
        let seen = read(&bus, 3).await;
        bus.vacant().await;
        check_successor(&bus, &seen).await;
        bus.vacant().await;
        // The next one has both, each with its gap.
        let client = bus.client().await;
        let rows = history(&client, IDS).await;
        assert_eq!(rows[..3], seen.iter().map(row).collect::<Vec<_>>());
        let gaps = rows.iter().filter(|row| row.1[0].is_nan()).count();
        assert_eq!((rows.len(), gaps), (6, 2), "{rows:?}");
        let mode = file(&bus).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    });
}

/// A service whose first client is a session without history takes the file over in the middle of a tick.
#[test]
fn each_of_several_successors_has_all_readings() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.extend(read(&bus, 2).await);
            end(&bus, Signal::TERM).await;
        }
        let client = bus.client().await;
        let rows = history(&client, IDS).await;
        let numbers = rows.into_iter().filter(|row| !row.1[0].is_nan());
        let expected: Vec<_> = seen.iter().map(row).collect();
        assert_eq!(numbers.collect::<Vec<_>>(), expected);
    });
    assert!(!bus.log().contains(IGNORED), "{}", bus.log());
}

#[test]
fn an_activation_goes_on_after_a_signal() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let seen = read(&bus, 3).await;
        end(&bus, Signal::TERM).await;
        check_successor(&bus, &seen).await;
    });
}

#[test]
fn a_replacement_goes_on() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let seen = read(&bus, 3).await;
        bus.run(&["restart"]).ok();
        check_successor(&bus, &seen).await;
    });
}

#[test]
fn a_killed_service_loses_only_its_own_readings() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let seen = read(&bus, 3).await;
        end(&bus, Signal::TERM).await;
        read(&bus, 2).await;
        end(&bus, Signal::KILL).await;
        check_successor(&bus, &seen).await;
    });
}

#[test]
fn a_rate_of_a_successor_starts_from_the_last_counter() {
    const RATE: &[&str] = &["cpu/all/usage"];
    let bus = Bus::activating("");
    bus.block_on(async {
        // A baseline is 200 ms to 2 s old: a busy machine may take longer to start a service.
        for _ in 0..20 {
            let client = bus.client().await;
            let mut session = client.start(RATE, every(250)).await.unwrap();
            let seen = take(&mut session, 3).await;
            end(&bus, Signal::TERM).await;
            let client = bus.client().await;
            // Takes 400 ms, for the rate has no baseline.
            let options = SampleOptions {
                window: Some(Duration::from_millis(400)),
                ..SampleOptions::default()
            };
            client.sample(&["network/all"], options).await.unwrap();
            let mut session = client.start(RATE, every(60_000)).await.unwrap();
            let first = next(&mut session).await;
            let age = Duration::from_micros(first.timestamp - seen[2].timestamp);
            end(&bus, Signal::TERM).await;
            if (250..1900).contains(&age.as_millis()) {
                let reading = first.reading(RATE[0]).unwrap();
                assert!(matches!(reading, Ok(Value::Number(_))), "{reading:?}");
                return;
            }
        }
        panic!("the machine is too slow to start a service in 2 s");
    });
}

/// Replaces what a service has left, and checks that the successor ignores it with one line, and leaves its own history.
#[track_caller]
fn check_damaged(damage: impl FnOnce(&Path)) {
    let bus = Bus::activating("");
    bus.block_on(async {
        read(&bus, 2).await;
        end(&bus, Signal::TERM).await;
        damage(&file(&bus));
        // A call that needs no history does not look for it.
        let client = bus.client().await;
        client.list(IDS).await.unwrap();
        client.sample(IDS, SampleOptions::default()).await.unwrap();
        assert!(!bus.log().contains(IGNORED), "{}", bus.log());
        assert_eq!(history(&client, IDS).await, []);
        let seen = read(&bus, 2).await;
        assert_eq!(bus.log().matches(IGNORED).count(), 1, "{}", bus.log());
        if !file(&bus).is_dir() {
            end(&bus, Signal::TERM).await;
            check_successor(&bus, &seen).await;
            assert_eq!(bus.log().matches(IGNORED).count(), 1, "{}", bus.log());
        }
    });
}

#[test]
fn a_truncated_file_is_ignored() {
    check_damaged(|path| {
        let length = path.metadata().unwrap().len();
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(length / 2)
            .unwrap();
    });
    check_damaged(|path| fs::write(path, "").unwrap());
}

#[test]
fn a_damaged_file_is_ignored() {
    let change = |path: &Path, at: usize| {
        let mut content = fs::read(path).unwrap();
        content[at] ^= 1;
        fs::write(path, content).unwrap();
    };
    check_damaged(|path| change(path, 100));
    // The version.
    check_damaged(|path| change(path, 16));
}

#[test]
fn a_huge_file_is_ignored() {
    check_damaged(|path| {
        let file = File::options().write(true).open(path).unwrap();
        file.set_len(1 << 30).unwrap();
    });
}

#[test]
fn what_is_no_regular_file_is_ignored() {
    check_damaged(|path| {
        fs::remove_file(path).unwrap();
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    });
    check_damaged(|path| {
        let moved = path.with_extension("old");
        fs::rename(path, &moved).unwrap();
        symlink(moved, path).unwrap();
    });
    check_damaged(|path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    });
}

#[test]
fn a_file_of_another_user_is_ignored() {
    if !nix::unistd::geteuid().is_root() {
        crate::support::skip::skip("only root can give a file to another user");
        return;
    }
    check_damaged(|path| chown(path, Some(65534), None).unwrap());
}
