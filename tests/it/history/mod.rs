//! The history: what sessions have read, as frames for others.

mod keep;
mod successors;
mod ten_minutes;

use std::time::Duration;

use sampled::client::{Client, Error, Frame, Session, Start};
use tokio::time::timeout;

use crate::support::{bus::Bus, process::DEADLINE};

const MINUTE: Duration = Duration::from_secs(60);

/// A number that always has a value, and one that differs from read to read.
const IDS: &[&str] = &["memory/physical/total", "os/system/uptime"];

fn every(milliseconds: u64) -> Start {
    Start::every_millis(milliseconds)
}

async fn next(session: &mut Session) -> Frame {
    timeout(DEADLINE, session.next()).await.unwrap().unwrap()
}

async fn take(session: &mut Session, frames: usize) -> Vec<Frame> {
    let mut taken = Vec::new();
    for _ in 0..frames {
        taken.push(next(session).await);
    }
    taken
}

/// The timestamp and the values of a frame; NaN where there is none.
fn row(frame: &Frame) -> (u64, Vec<f64>) {
    let values = frame.readings().map(|(_, reading)| match reading {
        Ok(sampled::reading::Value::Number(number)) => number,
        _ => f64::NAN,
    });
    (frame.timestamp, values.collect())
}

/// Fails unless each row is later than the one before.
#[track_caller]
fn check_order(timestamps: &[u64]) {
    let is_sorted = timestamps.is_sorted_by(|one, next| one < next);
    assert!(is_sorted, "{timestamps:?}");
}

async fn history(client: &Client, selectors: &[&str]) -> Vec<(u64, Vec<f64>)> {
    client.history(selectors, MINUTE).await.unwrap().frames
}

#[test]
fn a_session_begins_with_what_another_has_read() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let mut panel = bus.client().await.start(IDS, every(250)).await.unwrap();
        let seen = take(&mut panel, 6).await;
        let start = Start {
            history: MINUTE,
            ..every(60_000)
        };
        let mut window = bus.client().await.start(IDS, start).await.unwrap();
        let begin = next(&mut window).await;
        // The first frame of the panel, with the same timestamp and values.
        assert_eq!(row(&begin), row(&seen[0]));
        let mut rows = vec![row(&begin)];
        let shown = take(&mut window, 5).await;
        rows.extend(shown.iter().map(row));
        assert_eq!(rows, seen.iter().map(row).collect::<Vec<_>>());
        // The panel may have read once more; the first fresh frame is newer than all of it.
        let last = history(&bus.client().await, IDS).await;
        let mut timestamps: Vec<_> = rows.iter().map(|(timestamp, _)| *timestamp).collect();
        while timestamps.last() < last.last().map(|(timestamp, _)| timestamp) {
            let frame = next(&mut window).await;
            assert!(row(&frame).1[1] > 0.0);
            timestamps.push(frame.timestamp);
        }
        check_order(&timestamps);
    });
}

#[test]
fn the_past_is_counted_neither_as_frames_nor_as_backlog() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut panel = client.start(IDS, every(50)).await.unwrap();
        take(&mut panel, 30).await;
        let start = Start {
            history: MINUTE,
            ..every(60_000)
        };
        let mut window = client.start(IDS, start).await.unwrap();
        take(&mut window, 5).await;
        let sessions = client.sessions().await.unwrap();
        let window = &sessions[&window.id()];
        assert_eq!((window.frames, window.dropped), (1, 0));
    });
}

#[test]
fn the_call_returns_what_sessions_have_read() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        // Nobody has read anything.
        let none = client.history(IDS, MINUTE).await.unwrap();
        assert_eq!(none.columns, IDS);
        assert_eq!(none.frames, []);
        let mut panel = client.start(IDS, every(250)).await.unwrap();
        let seen = take(&mut panel, 4).await;
        let all = history(&client, IDS).await;
        assert_eq!(all[..4], seen.iter().map(row).collect::<Vec<_>>());
        // Other columns, in another order; a text and a metric that nobody reads have no values.
        let others = [IDS[1], "os/kernel/name", "memory/physical/free"];
        let frames = history(&client, &others).await;
        for (row, expected) in frames.iter().zip(&all) {
            assert_eq!((row.0, row.1[0]), (expected.0, expected.1[1]));
            assert!(row.1[1].is_nan() && row.1[2].is_nan());
        }
        // Nothing is read for the history.
        let reads = async || client.sources().await.unwrap()["os"].reads;
        panel.stop().await.unwrap();
        let before = reads().await;
        history(&client, IDS).await;
        assert_eq!(reads().await, before);
    });
}

#[test]
fn spans_of_every_length_are_answered_at_once() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut panel = client.start(IDS, every(250)).await.unwrap();
        take(&mut panel, 2).await;
        let frames = async |span| {
            let history = client.proxy().history(IDS, span).await;
            history.unwrap().1.len()
        };
        assert_eq!(frames(0).await, 0);
        assert_eq!(frames(1).await, 0);
        assert!(frames(u64::MAX).await >= 2);
        assert!(frames(3_600_000_000_000).await >= 2);
        for selector in ["cpu/all/usge", "cpu//usage"] {
            let error = client.history(&[selector], MINUTE).await.unwrap_err();
            let is_named = matches!(error, Error::UnknownMetric(_) | Error::InvalidSelector(_));
            assert!(is_named && error.to_string().contains(selector), "{error}");
        }
    });
}

#[test]
fn a_fast_session_is_thinned_to_four_readings_a_second() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut panel = client.start(IDS, every(50)).await.unwrap();
        let seen = take(&mut panel, 45).await;
        let kept = history(&client, IDS).await;
        let span = seen[44].timestamp - seen[0].timestamp;
        let expected = usize::try_from(span / 250_000).unwrap();
        assert!(
            (expected..=expected + 3).contains(&kept.len()),
            "{} in {span} us",
            kept.len()
        );
        for (timestamp, _) in &kept[..kept.len() - 1] {
            let is_seen = seen.iter().any(|frame| frame.timestamp == *timestamp);
            assert!(is_seen, "{timestamp}");
        }
    });
}

#[test]
fn a_gap_has_a_row_of_nan() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut panel = client.start(IDS, every(250)).await.unwrap();
        let first = take(&mut panel, 2).await;
        panel.stop().await.unwrap();
        // Nobody reads while another session of other metrics has eight frames.
        let mut other = client
            .start(&["memory/swap/total"], every(250))
            .await
            .unwrap();
        take(&mut other, 8).await;
        let mut panel = client.start(IDS, every(250)).await.unwrap();
        let second = take(&mut panel, 2).await;
        let rows = history(&client, IDS).await;
        let at = |frame: &Frame| {
            rows.iter()
                .position(|row| row.0 == frame.timestamp)
                .unwrap()
        };
        let gap = &rows[at(&first[1]) + 1..at(&second[0])];
        assert_eq!(gap.len(), 1, "{rows:?}");
        assert!(gap[0].1.iter().all(|value| value.is_nan()));
        check_order(&rows.iter().map(|row| row.0).collect::<Vec<_>>());
        // The other session has no gap: its rows are there, too, and have no value of what nobody has read.
        let both = [IDS[0], "memory/swap/total"];
        let rows = history(&client, &both).await;
        let between = rows
            .iter()
            .filter(|row| row.1[0].is_nan() && !row.1[1].is_nan());
        assert!(between.count() >= 6, "{rows:?}");
    });
}
