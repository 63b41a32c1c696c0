//! Custom metrics from files: kinds of files, and changes while they are read.

use std::{
    fs::{self, File},
    os::unix::net::UnixListener,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

use nix::{sys::stat::Mode, unistd::mkfifo};
use sampled::{
    reading::{Fault, Value},
    store::Baseline,
};

use super::fixture::{Fixture, number};
use crate::support::process::DEADLINE;

const ID: &str = "a/b/c";
const SOURCE: &str = "sources.d/room.toml";

#[test]
fn a_reading_has_the_present_content_of_the_file() {
    let fixture = Fixture::with_file("scale = 0.001");
    for text in ["21500\n", "-7.5", " 1e3 "] {
        fixture.write("file", text);
        let value: f64 = text.trim().parse().unwrap();
        fixture.wait_for(ID, number(value * 0.001));
    }
}

#[test]
fn an_invalid_value_is_quoted() {
    let fixture = Fixture::with_file("");
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
        fixture.write("file", text);
        fixture.wait_for(ID, Err(Fault::Malformed));
        fixture.wait_for_error(SOURCE, &format!("{ID}: {shown}"));
        fixture.write("file", "1");
        fixture.wait_for(ID, number(1.0));
        fixture.wait_for_error(SOURCE, "");
    }
    fixture.write("file", [0xff, 0, 0x1b]);
    fixture.wait_for(ID, Err(Fault::Malformed));
    let shown = format!("{ID}: \"\\xff\\x00\\x1b\" is no text in UTF-8");
    fixture.wait_for_error(SOURCE, &shown);
}

#[test]
fn a_path_that_is_no_regular_file_is_malformed() {
    let fixture = Fixture::with_file("");
    let path = fixture.path("file");
    let is_refused = |reason: &str| {
        fixture.wait_for(ID, Err(Fault::Malformed));
        let error = format!("{}: {reason}", path.display());
        fixture.wait_for_error(SOURCE, &error);
    };
    let clear = || {
        fs::remove_file(&path).ok();
        fs::remove_dir(&path).ok();
        fixture.wait_for(ID, Err(Fault::Gone));
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
    fixture.write("file", "5");
    fixture.wait_for(ID, number(5.0));
    clear();
}

#[test]
fn the_size_of_a_file_is_limited() {
    let fixture = Fixture::with_file("");
    let text = |size: usize| format!("{}7", " ".repeat(size - 1));
    fixture.write("file", text(64 * 1024));
    fixture.wait_for(ID, number(7.0));
    fixture.write("file", text(64 * 1024 + 1));
    fixture.wait_for(ID, Err(Fault::Malformed));
    assert!(
        fixture
            .error(SOURCE)
            .ends_with("file: it is larger than 64 KiB")
    );
}

#[test]
fn a_path_pattern_must_match_one_file() {
    let fixture = Fixture::new();
    let pattern = fixture.path("device*/value");
    let text = format!("[metrics.'a/b/c']\nfile = {pattern:?}");
    fixture.define("room.toml", &text);
    fixture.wait_for(ID, Err(Fault::Gone));
    for device in ["device3", "device10"] {
        fs::create_dir(fixture.path(device)).unwrap();
    }
    fixture.write("device3/value", "3");
    fixture.wait_for(ID, number(3.0));
    fixture.write("device10/value", "10");
    fixture.wait_for(ID, Err(Fault::Malformed));
    let (one, other) = (
        fixture.path("device10/value"),
        fixture.path("device3/value"),
    );
    let (one, other) = (one.display(), other.display());
    let reason = format!("several files have this form ({one}, {other}), and one is meant");
    fixture.wait_for_error(SOURCE, &format!("{}: {reason}", pattern.display()));
    fs::remove_file(fixture.path("device3/value")).unwrap();
    fixture.wait_for(ID, number(10.0));
}

#[test]
fn an_old_file_is_stale() {
    let fixture = Fixture::with_file("stale_after = '30s'");
    fixture.write("file", "5");
    let age = |seconds| {
        let file = File::options()
            .write(true)
            .open(fixture.path("file"))
            .unwrap();
        let time = SystemTime::now() - Duration::from_secs(seconds);
        file.set_modified(time).unwrap();
    };
    fixture.wait_for(ID, number(5.0));
    age(3600);
    fixture.wait_for(ID, Err(Fault::Stale));
    age(0);
    fixture.wait_for(ID, number(5.0));
    // A program wrote it while the clock was wrong.
    let future = SystemTime::now() + Duration::from_secs(3600);
    let file = File::options().write(true).open(fixture.path("file"));
    file.unwrap().set_modified(future).unwrap();
    fixture.wait_for(ID, Err(Fault::Stale));
}

#[test]
fn a_rate_is_the_change_of_a_counter_over_time() {
    let fixture = Fixture::new();
    fixture.write("file", "100");
    let file = format!("file = {:?}", fixture.path("file"));
    fixture.define(
        "room.toml",
        &format!(
            "[metrics.'a/b/c']\n{file}\nkind = 'rate'\nscale = 8\nunit = 'bit/s'\n\
             [metrics.'a/b/d']\n{file}\nkind = 'total'"
        ),
    );
    fixture.rediscover();
    let selection = fixture.store.resolve(&[ID, "a/b/d"]).unwrap();
    // Waits for a frame with this content of the file: the blocking pool may answer late.
    let start = Instant::now();
    let read = |count: f64| loop {
        assert!(start.elapsed() < DEADLINE, "{}", fixture.error(SOURCE));
        let frame = fixture.read(&selection);
        let none = Baseline::new();
        let (_, total) = selection.readings(&frame, &none).nth(1).unwrap();
        if total == number(count) {
            return frame;
        }
        let error = fixture.error(SOURCE);
        assert!(
            matches!(total, Ok(_) | Err(Fault::Timeout)),
            "{total:?} {error}"
        );
    };
    let before = read(100.0);
    let first_is_read = Instant::now();
    // The least time between the two readings, on any machine.
    thread::sleep(Duration::from_millis(200));
    let least = first_is_read.elapsed();
    fixture.write("file", "350");
    let now = read(350.0);
    let most = start.elapsed();
    let baseline = before.into_baseline();
    let Ok(Value::Number(rate)) = selection.readings(&now, &baseline).next().unwrap().1 else {
        panic!("no rate");
    };
    let expected = |time: Duration| 250.0 * 8.0 / time.as_secs_f64();
    assert!(
        (expected(most)..=expected(least)).contains(&rate),
        "{rate} {most:?} {least:?}"
    );
}

#[test]
fn a_file_that_is_replaced_all_the_time_is_read_whole() {
    let fixture = Fixture::with_file("regex = '^(\\d+) end$'");
    fixture.write("file", "0 end");
    fixture.wait_for(ID, number(0.0));
    let (is_over, path) = (AtomicBool::new(false), fixture.path("file"));
    let written = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            while !is_over.load(Ordering::SeqCst) {
                written += 1;
                // Longer than a page, so a partial read would not have this end.
                let new = fixture.path("new");
                fs::write(&new, format!("{written:06000} end")).unwrap();
                fs::rename(&new, &path).unwrap();
            }
            written
        });
        // The writer ends if an assertion of the reader fails.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let start = Instant::now();
            let (mut last, mut different) = (0.0, 0);
            while different < 50 {
                assert!(start.elapsed() < DEADLINE, "{different} different values");
                match fixture.reading(ID) {
                    Ok(Value::Number(number)) => {
                        assert!(number.fract() == 0.0 && number >= last, "{number} {last}");
                        different += u32::from(number != last);
                        last = number;
                    }
                    // On a busy machine the answer may be late.
                    Err(Fault::Timeout) => {}
                    other => panic!("{other:?}: {}", fixture.error(SOURCE)),
                }
            }
        }));
        is_over.store(true, Ordering::SeqCst);
        let written = writer.join().unwrap();
        outcome.map(|()| written)
    });
    let written = written.unwrap_or_else(|panic| resume_unwind(panic));
    fixture.wait_for(ID, number(f64::from(written)));
}
