//! Metrics from files: kinds of files, and changes while they are read.

use std::{
    fs::{self, File},
    os::unix::net::UnixListener,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use nix::{sys::stat::Mode, unistd::mkfifo};
use sampled::{
    reading::{Fault, Value},
    store::Baseline,
};

use super::place::{Place, number};

const ID: &str = "a/b/c";
const SOURCE: &str = "sources.d/room.toml";

#[test]
fn each_reading_reads_the_file() {
    let place = Place::with_file("scale = 0.001");
    for text in ["21500\n", "-7.5", " 1e3 "] {
        place.write("file", text);
        let value: f64 = text.trim().parse().unwrap();
        place.until(ID, number(value * 0.001));
    }
}

#[test]
fn an_invalid_value_is_quoted() {
    let place = Place::with_file("");
    for (text, shown) in [
        (
            "1,5\n",
            "\"1,5\" is no number: its decimals stand behind a point",
        ),
        ("", "nothing is there, and a number is expected"),
        ("NaN", "\"NaN\" is no number"),
        ("inf", "\"inf\" is no number"),
        ("1e400", "\"1e400\" is too large"),
        ("0x10", "\"0x10\" is no number"),
    ] {
        place.write("file", text);
        place.until(ID, Err(Fault::Malformed));
        assert_eq!(place.error(SOURCE), format!("{ID}: {shown}"));
        place.write("file", "1");
        place.until(ID, number(1.0));
        assert_eq!(place.error(SOURCE), "");
    }
    place.write("file", [0xff, 0, 0x1b]);
    place.until(ID, Err(Fault::Malformed));
    let shown = format!("{ID}: \"\\xff\\x00\\x1b\" is no text in UTF-8");
    assert_eq!(place.error(SOURCE), shown);
}

#[test]
fn paths_that_are_no_regular_file_fail() {
    let place = Place::with_file("");
    let path = place.path("file");
    let is_refused = |what: &str| {
        place.until(ID, Err(Fault::Malformed));
        let error = format!("{}: {what}", path.display());
        assert_eq!(place.error(SOURCE), error);
    };
    let clear = || {
        fs::remove_file(&path).ok();
        fs::remove_dir(&path).ok();
        place.until(ID, Err(Fault::Gone));
    };
    clear();
    fs::create_dir(&path).unwrap();
    is_refused("it is a directory, and a regular file is expected");
    clear();
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    is_refused("it is a FIFO, and a regular file is expected");
    clear();
    let socket = UnixListener::bind(&path).unwrap();
    is_refused("it is a socket, and a regular file is expected");
    drop(socket);
    clear();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    is_refused("it is a device, and a regular file is expected");
    clear();
    place.write("file", "5");
    place.until(ID, number(5.0));
    clear();
}

#[test]
fn files_have_a_limit() {
    let place = Place::with_file("");
    let text = |size: usize| format!("{}7", " ".repeat(size - 1));
    place.write("file", text(64 * 1024));
    place.until(ID, number(7.0));
    place.write("file", text(64 * 1024 + 1));
    place.until(ID, Err(Fault::Malformed));
    assert!(
        place
            .error(SOURCE)
            .ends_with("file: it is larger than 64 KiB")
    );
}

#[test]
fn a_pattern_matches_one_file() {
    let place = Place::new();
    let pattern = place.path("device*/value");
    let text = format!("[metrics.'a/b/c']\nfile = {pattern:?}");
    place.define("room.toml", &text);
    place.until(ID, Err(Fault::Gone));
    for device in ["device3", "device10"] {
        fs::create_dir(place.path(device)).unwrap();
    }
    place.write("device3/value", "3");
    place.until(ID, number(3.0));
    place.write("device10/value", "10");
    place.until(ID, Err(Fault::Malformed));
    let (one, other) = (place.path("device10/value"), place.path("device3/value"));
    let (one, other) = (one.display(), other.display());
    let what = format!("several files have this form ({one}, {other}), and one is meant");
    assert_eq!(
        place.error(SOURCE),
        format!("{}: {what}", pattern.display())
    );
    fs::remove_file(place.path("device3/value")).unwrap();
    place.until(ID, number(10.0));
}

#[test]
fn an_old_file_is_stale() {
    let place = Place::with_file("stale_after = '30s'");
    place.write("file", "5");
    let age = |seconds| {
        let file = File::options()
            .write(true)
            .open(place.path("file"))
            .unwrap();
        let time = SystemTime::now() - Duration::from_secs(seconds);
        file.set_modified(time).unwrap();
    };
    place.until(ID, number(5.0));
    age(3600);
    place.until(ID, Err(Fault::Stale));
    age(0);
    place.until(ID, number(5.0));
}

#[test]
fn a_counter_makes_a_rate() {
    let place = Place::new();
    place.write("file", "100");
    let file = format!("file = {:?}", place.path("file"));
    place.define(
        "room.toml",
        &format!(
            "[metrics.'a/b/c']\n{file}\nkind = 'rate'\nscale = 8\nunit = 'bit/s'\n\
             [metrics.'a/b/d']\n{file}\nkind = 'total'"
        ),
    );
    place.look();
    let selection = place.store.resolve(&[ID, "a/b/d"]).unwrap();
    // Waits for a frame with this content of the file: the blocking pool may answer late.
    let read = |count: f64| loop {
        let frame = place.read(&selection);
        let none = Baseline::new();
        let (_, total) = selection.readings(&frame, &none).nth(1).unwrap();
        if total == number(count) {
            return frame;
        }
        let error = place.error(SOURCE);
        assert!(
            matches!(total, Ok(_) | Err(Fault::Timeout)),
            "{total:?} {error}"
        );
    };
    let before = read(100.0);
    place.write("file", "350");
    let now = read(350.0);
    let elapsed = (now.timestamp - before.timestamp) as f64 / 1e6;
    let baseline = before.into_baseline();
    let Ok(Value::Number(rate)) = selection.readings(&now, &baseline).next().unwrap().1 else {
        panic!("no rate");
    };
    // The clocks of a stamp are read one after the other, so they differ a little.
    let expected = 250.0 * 8.0 / elapsed;
    assert!(
        (expected * 0.5..expected * 2.0).contains(&rate),
        "{rate} {expected}"
    );
}

#[test]
fn a_file_that_is_replaced_is_read_whole() {
    let place = Place::with_file("regex = '^(\\d+) end$'");
    place.write("file", "0 end");
    place.until(ID, number(0.0));
    let (over, path) = (AtomicBool::new(false), place.path("file"));
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..1000 {
                // Longer than a page, so a partial read would not have this end.
                let new = place.path("new");
                fs::write(&new, format!("{number:06000} end")).unwrap();
                fs::rename(&new, &path).unwrap();
            }
            over.store(true, Ordering::SeqCst);
        });
        let mut last = 0.0;
        let mut different = 0;
        while !over.load(Ordering::SeqCst) {
            match place.reading(ID) {
                Ok(Value::Number(number)) => {
                    assert!(number.fract() == 0.0 && (last..1000.0).contains(&number));
                    different += u32::from(number != last);
                    last = number;
                }
                // On a busy machine the answer may be late.
                Err(Fault::Timeout) => {}
                other => panic!("{other:?}: {}", place.error(SOURCE)),
            }
        }
        assert!(different > 0);
    });
    place.until(ID, number(999.0));
}
