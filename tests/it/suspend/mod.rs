//! A suspend of the machine while a service runs: frames, streams, samples and the history afterwards.

pub(crate) mod sleep;

use std::time::Duration;

use sampled::{
    client::{Frame, SampleOptions, Session, Start, StreamOptions},
    reading::{Fault, Reading, Value},
};
use tokio::time::timeout;

use crate::support::{bus::Bus, home::SAMPLED, process::DEADLINE};
use sleep::{is_impossible, suspend};

const HOURS: u64 = 8 * 60 * 60;

/// A gauge that counts suspended time, a text, and a rate.
const UPTIME: &str = "os/system/uptime";
const NAME: &str = "os/kernel/name";
const RATE: &str = "cpu/all/contextSwitches";
const IDS: &[&str] = &[UPTIME, NAME, RATE];

/// A bus whose service may enter namespaces: in a unit, which this looks like, the unit confines it and not the service.
fn bus() -> Bus {
    Bus::executing(&format!(
        "/usr/bin/env NOTIFY_SOCKET=/nonexistent {SAMPLED} serve"
    ))
}

async fn next(session: &mut Session) -> Frame {
    let frame = timeout(DEADLINE, session.next()).await;
    frame.expect("in time").expect("a frame")
}

fn number(frame: &Frame, id: &str) -> Result<f64, Fault> {
    match frame.reading(id).expect("a column")? {
        Value::Number(number) => Ok(number),
        Value::Text(text) => panic!("{id} is {text}"),
    }
}

/// Frames until one is of another kind than those before a suspend: the last one before, and that one.
async fn across(session: &mut Session, mut before: Frame) -> (Frame, Frame) {
    loop {
        let frame = next(session).await;
        let uptime = |frame: &Frame| number(frame, UPTIME);
        match (uptime(&before), uptime(&frame)) {
            (Ok(earlier), Ok(uptime)) if uptime < earlier + 60.0 => before = frame,
            _ => return (before, frame),
        }
    }
}

#[test]
fn a_session_has_a_gap_and_then_fresh_values() {
    if is_impossible() {
        return;
    }
    let bus = bus();
    bus.block_on(async {
        let client = bus.client().await;
        let mut session = client.start(IDS, Start::every_millis(250)).await.unwrap();
        next(&mut session).await;
        let before = next(&mut session).await;
        assert!(number(&before, RATE).is_ok());
        suspend(&bus.owned().await, HOURS);
        let (before, gap) = across(&mut session, before).await;
        assert_eq!(number(&gap, UPTIME), Err(Fault::Gap));
        assert_eq!(number(&gap, RATE), Err(Fault::Gap));
        let name: Reading = Ok(Value::Text("Linux".into()));
        assert_eq!(gap.reading(NAME), Some(name.clone()));
        let fresh = next(&mut session).await;
        assert!(before.timestamp < gap.timestamp && gap.timestamp < fresh.timestamp);
        assert!(number(&fresh, UPTIME).unwrap() > HOURS as f64);
        assert_eq!(number(&fresh, RATE), Err(Fault::Gap));
        assert_eq!(fresh.reading(NAME), Some(name));
        let after = next(&mut session).await;
        assert!(number(&after, RATE).unwrap() >= 0.0);
        assert!(number(&after, UPTIME).is_ok());
        // The session has a gap once for each suspend.
        suspend(&bus.owned().await, HOURS);
        let (_, gap) = across(&mut session, after).await;
        assert_eq!(number(&gap, UPTIME), Err(Fault::Gap));
        assert!(number(&next(&mut session).await, UPTIME).unwrap() > 2.0 * HOURS as f64);
    });
}

#[test]
fn a_stream_has_a_record_of_nan() {
    if is_impossible() {
        return;
    }
    let bus = bus();
    bus.block_on(async {
        let client = bus.client().await;
        let options = StreamOptions::every(Duration::from_millis(20));
        let mut stream = client.open(&[UPTIME], options).await.unwrap();
        let mut next = async || {
            let record = timeout(DEADLINE, stream.next()).await;
            record.expect("in time").expect("a record")
        };
        let mut before = next().await;
        suspend(&bus.owned().await, HOURS);
        let gap = loop {
            let record = next().await;
            if record.values[0].is_nan() {
                break record;
            }
            assert!(record.values[0] < before.values[0] + 60.0, "no gap");
            before = record;
        };
        let fresh = next().await;
        assert!(fresh.values[0] > HOURS as f64);
        assert!(before.timestamp < gap.timestamp && gap.timestamp < fresh.timestamp);
        assert!(!next().await.values[0].is_nan());
    });
}

#[test]
fn a_sample_is_of_this_side_of_a_suspend() {
    if is_impossible() {
        return;
    }
    let bus = bus();
    bus.block_on(async {
        let client = bus.client().await;
        let old = SampleOptions {
            max_age: Some(DEADLINE),
            ..SampleOptions::default()
        };
        let mut uptimes = Vec::new();
        for _ in 0..2 {
            let sample = client.sample(IDS, old).await.unwrap();
            // Its baseline is not from before the suspend: it would have no value.
            assert!(sample.faults.is_empty(), "{:?}", sample.faults);
            match sample.readings[UPTIME] {
                Value::Number(uptime) => uptimes.push(uptime),
                ref other => panic!("{other:?}"),
            }
            suspend(&bus.owned().await, HOURS);
        }
        // No reading of before the suspend, although it would be young enough by the monotonic clock.
        assert!(uptimes[1] > uptimes[0] + HOURS as f64, "{uptimes:?}");
        // Nor a baseline for the first frame of a session.
        let mut session = client.start(IDS, Start::every_millis(250)).await.unwrap();
        assert_eq!(number(&next(&mut session).await, RATE), Err(Fault::First));
    });
}

#[test]
fn the_history_has_a_gap_however_short_the_suspend() {
    if is_impossible() {
        return;
    }
    let bus = bus();
    bus.block_on(async {
        let client = bus.client().await;
        let mut session = client.start(&[UPTIME], Start::every_millis(1000)).await;
        let session = session.as_mut().unwrap();
        next(session).await;
        next(session).await;
        suspend(&bus.owned().await, 1);
        while number(&next(session).await, UPTIME) != Err(Fault::Gap) {}
        next(session).await;
        let rows = client.history(&[UPTIME], DEADLINE).await.unwrap().frames;
        let values: Vec<_> = rows.iter().map(|(_, values)| values[0]).collect();
        let gap = values.iter().position(|value| value.is_nan());
        let gap = gap.unwrap_or_else(|| panic!("{rows:?}"));
        assert_eq!(values.iter().filter(|value| value.is_nan()).count(), 1);
        assert!(rows.is_sorted_by_key(|(timestamp, _)| *timestamp));
        // Behind the last reading, as in the session.
        assert!(rows[gap].0 <= rows[gap - 1].0 + 250_000 && gap + 1 < rows.len());
    });
}
