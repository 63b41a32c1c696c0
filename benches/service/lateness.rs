//! The lateness of frames, against a loop that only sleeps.

use std::{thread, time::Duration};

use crate::{
    Bench, SELECTORS,
    clock::{monotonic, next_on_grid, realtime_of_boot, sleep_until},
    measure::{compare, median, micros},
    start, timestamp,
};

/// The lateness of frames, against a loop that only sleeps.
pub(crate) fn lateness(bench: &Bench) {
    const INTERVAL: Duration = Duration::from_millis(50);
    const FRAMES: usize = 300;
    let bus = bench.bus();
    // The loop wakes between two frames, so that neither delays the other.
    let sleeper = thread::spawn(|| {
        let mut at = next_on_grid(INTERVAL) + INTERVAL / 2;
        let mut late = Vec::new();
        for _ in 0..2 * FRAMES {
            at += INTERVAL;
            sleep_until(at);
            late.push(micros(monotonic() - at));
        }
        median(late)
    });
    // One session after the other: of two at once, the second would wait for the first.
    let [one, all] = [&["cpu/loadaverages"][..], SELECTORS].map(|selectors| {
        let mut client = bus.connect();
        start(&mut client, selectors, INTERVAL);
        let mut late = Vec::new();
        // The first frame comes at once, and not on the grid.
        while timestamp(&mut client).is_none() {}
        while late.len() < FRAMES {
            if let Some(timestamp) = timestamp(&mut client) {
                let since_boot = timestamp.saturating_sub(realtime_of_boot()).as_nanos();
                late.push((since_boot % INTERVAL.as_nanos()) as f64 / 1e3);
            }
        }
        median(late)
    });
    let floor = sleeper.join().expect("floor");
    println!("  every 50 ms");
    println!("  {:<52} {floor:>9.0} µs late", "clock_nanosleep");
    println!("  {:<52} {one:>9.0} µs late", "frames of one file");
    println!(
        "  {:<52} {all:>9.0} µs late",
        "frames of seven files: the last of them"
    );
    compare("frames of one file / clock_nanosleep", one / floor, 1.25);
    compare("frames of seven files / clock_nanosleep", all / floor, 1.25);
}
