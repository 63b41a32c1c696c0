//! The past of ten minutes, for a window that opens on what a panel has read: by the option `history` of `Start` and by
//! `History`, against a minimal service that sends as many bytes in as many messages.
//!
//! Nobody waits ten minutes for it: see `history_file.rs`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use zbus::Variant;

use crate::{
    Bench, METRICS, Options, SAMPLED,
    bus::{Bus, Client, call},
    check, compare,
    floor::FLOOR,
    history_file, median, micros, start, timestamp,
};

const INTERVAL: Duration = Duration::from_millis(250);
const SPAN: Duration = Duration::from_secs(600);
const ROWS: u32 = 2400;
const ROUNDS: usize = 30;

/// The times of one window, in µs: to the last frame of the past, and to the first fresh one.
struct Opened {
    past: f64,
    fresh: f64,
    /// The number of frames of the past.
    rows: u32,
}

pub(crate) fn history(bench: &Bench) {
    let bus = bench.bus();
    let mut panel = bus.connect();
    leave(&bus, &mut panel, METRICS);
    let (_, columns) = start(&mut panel, METRICS, INTERVAL);
    // Its first frame takes the history over.
    while timestamp(&mut panel).is_none() {}
    let mut caller = bus.connect();
    caller.call(&call(FLOOR, "Get", &()));
    let (mut past, mut fresh, mut signals) = (Vec::new(), Vec::new(), Vec::new());
    let (mut replies, mut bytes) = (Vec::new(), Vec::new());
    let (mut rows, mut numbers) = (0, 0);
    for _ in 0..ROUNDS {
        let opened = open(&bus);
        past.push(opened.past);
        fresh.push(opened.fresh);
        rows = opened.rows;
        signals.push(emitted(&mut caller, rows, columns));
        let span = SPAN.as_micros() as u64;
        let begin = Instant::now();
        let reply = caller.call(&call(SAMPLED, "History", &(METRICS, span)));
        replies.push(micros(begin.elapsed()));
        numbers = u32::try_from(reply.body.len() / 8).expect("a count");
        let begin = Instant::now();
        caller.call(&call(FLOOR, "Numbers", &numbers));
        bytes.push(micros(begin.elapsed()));
    }
    let [past, fresh, signals] = [past, fresh, signals].map(median);
    let [replies, bytes] = [replies, bytes].map(median);
    let print = |title: &str, time: f64| println!("  {title:<52} {:>9.2} ms", time / 1e3);
    println!("  a window opens: {rows} frames of {columns} columns of the past, by signals");
    print("minimal service, as many signals", signals);
    print("to the last frame of the past", past);
    print("to the first fresh frame", fresh);
    check("to the first fresh frame, ms", fresh / 1e3, 100.0);
    compare("first fresh frame / minimal service", fresh / signals, 2.0);
    println!("  History of ten minutes, {numbers} numbers");
    print("minimal service, a reply of as many numbers", bytes);
    print("History", replies);
    check("History, ms", replies / 1e3, 100.0);
    compare("History / minimal service", replies / bytes, 2.0);
}

/// Lets a service read for a while and leave a history, which becomes one of ten minutes.
fn leave(bus: &Bus, panel: &mut Client, metrics: &[&str]) {
    start(panel, metrics, INTERVAL);
    for _ in 0..8 {
        while timestamp(panel).is_none() {}
    }
    panel.quit(SAMPLED);
    history_file::stretch(&history_file::path(&bus.runtime()), ROWS, INTERVAL);
}

/// Opens a window: a new client, which starts a session with the past.
fn open(bus: &Bus) -> Opened {
    let mut window = bus.connect();
    let history = Variant::U64(SPAN.as_micros() as u64);
    let options = Options::from([("history", history)]);
    let body = (METRICS, INTERVAL.as_micros() as u64, options);
    let call = call(SAMPLED, "Start", &body);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("after 1970");
    let begin = Instant::now();
    window.call(&call);
    let (mut past, mut rows) = (0.0, 0);
    loop {
        let Some(taken) = timestamp(&mut window) else {
            continue;
        };
        let fresh = micros(begin.elapsed());
        if taken > now {
            return Opened { past, fresh, rows };
        }
        (past, rows) = (fresh, rows + 1);
    }
}

/// The time until the last of so many signals of the minimal service has arrived.
fn emitted(caller: &mut Client, count: u32, columns: u32) -> f64 {
    let begin = Instant::now();
    caller.send(&call(FLOOR, "Emit", &(count, columns)));
    let mut left = count;
    while left > 0 {
        left -= u32::from(timestamp(caller).is_some());
    }
    // The reply comes after the signals.
    caller.next();
    micros(begin.elapsed())
}
