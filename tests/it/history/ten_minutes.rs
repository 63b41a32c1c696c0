//! Ten minutes of the past, as a panel leaves them for a window.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use sampled::client::Start;

#[path = "../../../benches/common/history_file.rs"]
#[allow(dead_code, reason = "the benches use the rest of it")]
mod history_file;

use super::{check_order, every, next, take};
use crate::support::{bus::Bus, process::skip};

const TEN_MINUTES: Duration = Duration::from_secs(600);

/// The slots of 250 ms in ten minutes.
const ROWS: usize = 2400;

/// The time between two rows: less than 250 ms, so that none is too old when the test looks.
const STEP: Duration = Duration::from_millis(240);

/// More than 34 numbers.
const SELECTORS: &[&str] = &[
    "memory",
    "cpu/*/usage",
    "cpu/*/user",
    "cpu/*/system",
    "cpu/loadaverages",
];

#[test]
fn a_session_begins_with_ten_minutes_of_34_columns() {
    let boot: Duration = clock_gettime(ClockId::CLOCK_BOOTTIME).unwrap().into();
    if boot < TEN_MINUTES {
        return skip("the machine has just booted: it has no such past");
    }
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let ids = client.list(SELECTORS).await.unwrap().into_keys();
        let ids: Vec<_> = ids.take(34).collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        assert_eq!(ids.len(), 34);
        let mut panel = client.start(&ids, every(250)).await.unwrap();
        take(&mut panel, 8).await;
        panel.stop().await.unwrap();
        client.quit().await.unwrap();
        bus.vacant().await;
        let file = history_file::path(&bus.runtime());
        history_file::stretch(&file, u32::try_from(ROWS).unwrap(), STEP);
        let start = Start {
            history: TEN_MINUTES,
            ..every(60_000)
        };
        let mut window = bus.client().await.start(&ids, start).await.unwrap();
        let past = take(&mut window, ROWS).await;
        let timestamps: Vec<_> = past.iter().map(|frame| frame.timestamp).collect();
        check_order(&timestamps);
        let span = Duration::from_micros(timestamps[ROWS - 1] - timestamps[0]);
        assert_eq!(span, STEP * (u32::try_from(ROWS).unwrap() - 1));
        // The gap between two services, then a fresh frame.
        let [gap, fresh] = [next(&mut window).await, next(&mut window).await];
        assert!(gap.readings().all(|(_, reading)| reading.is_err()));
        assert!(fresh.readings().any(|(_, reading)| reading.is_ok()));
        let sessions = client.sessions().await.unwrap();
        let counts = sessions
            .values()
            .map(|session| (session.frames, session.dropped));
        assert_eq!(counts.collect::<Vec<_>>(), [(1, 0)]);
    });
}
