//! `Local` returns the same readings as the service, in the same types.

use std::time::Duration;

use sampled::{
    Local,
    client::{Client, Error, SampleOptions, Start, StreamOptions},
    reading::{Fault, Value},
};
use tokio::time::timeout;

use crate::support::{bus::Bus, process::DEADLINE};

/// A rate, a number and a text.
const IDS: [&str; 3] = ["cpu/all/usage", "memory/physical/total", "os/kernel/name"];

/// Compares `Local` with a client of a service.
fn with_both<F: Future<Output = ()>>(compare: impl FnOnce(Local, Client) -> F) {
    let bus = Bus::activating("--idle-timeout 5s");
    bus.block_on(async { compare(Local::default(), bus.client().await).await });
}

#[test]
fn metadata_and_samples_equal_those_of_the_service() {
    with_both(|local, client| async move {
        let (here, there) = (local.list(&IDS).await, client.list(&IDS).await);
        assert_eq!(here.unwrap(), there.unwrap());
        let usual = SampleOptions::default();
        let (here, there) = (
            local.sample(&IDS, usual).await.unwrap(),
            client.sample(&IDS, usual).await.unwrap(),
        );
        assert_eq!(
            here.readings.keys().collect::<Vec<_>>(),
            there.readings.keys().collect::<Vec<_>>()
        );
        for id in &IDS[1..] {
            assert_eq!(here.readings[*id], there.readings[*id], "{id}");
        }
        assert_eq!(here.faults, there.faults);
    });
}

#[test]
fn errors_equal_those_of_the_service() {
    with_both(|local, client| async move {
        for selector in ["cpu/all/usge", "cpu//usage", "", "nothing/*"] {
            let here = local.list(&[selector]).await.unwrap_err();
            let there = client.list(&[selector]).await.unwrap_err();
            assert_eq!(format!("{here:?}"), format!("{there:?}"));
        }
    });
}

#[test]
fn sources_equal_those_of_the_service() {
    with_both(|local, client| async move {
        local.list(&["memory"]).await.unwrap();
        client.list(&["memory"]).await.unwrap();
        let (here, mut there) = (local.sources().await, client.sources().await.unwrap());
        // `Local` has no custom metrics by default.
        assert!(there.remove("sources.d").is_some());
        assert!(here.keys().eq(there.keys()), "{here:?} {there:?}");
        assert_eq!(here["memory"].metrics, there["memory"].metrics);
        assert_eq!(here["memory"].state, "ok");
    });
}

#[test]
fn frames_equal_those_of_the_service() {
    with_both(|local, client| async move {
        let every = Duration::from_millis(50);
        let mut here = local.start(&IDS, Start::every(every)).await.unwrap();
        let mut there = client.start(&IDS, Start::every(every)).await.unwrap();
        let (first, other) = (here.next().await.unwrap(), there.next().await.unwrap());
        let ids = |frame: &sampled::client::Frame| -> Vec<String> {
            frame.readings().map(|(id, _)| id.to_owned()).collect()
        };
        assert_eq!(ids(&first), ids(&other));
        assert_eq!(first.reading(IDS[0]), Some(Err(Fault::First)));
        for id in &IDS[1..] {
            assert_eq!(first.reading(id), other.reading(id), "{id}");
        }
        // The next frame may come before the counters of the processor have moved.
        let compared = async {
            loop {
                let next = here.next().await.unwrap();
                assert!(next.timestamp > first.timestamp);
                match next.reading(IDS[0]) {
                    Some(Ok(Value::Number(usage))) => return usage,
                    fault => assert_eq!(fault, Some(Err(Fault::First))),
                }
            }
        };
        let usage = timeout(DEADLINE, compared).await.expect("a rate");
        assert!((0.0..=100.0).contains(&usage), "{usage}");
        there.stop().await.unwrap();
    });
}

#[test]
fn bounds_equal_those_of_the_service() {
    with_both(|local, client| async move {
        for interval in [0, 49, 86_400_001, u64::MAX].map(Duration::from_millis) {
            let here = local.start(&IDS, Start::every(interval)).await.err();
            let there = client.start(&IDS, Start::every(interval)).await.err();
            assert!(matches!(here, Some(Error::InvalidInterval(_))), "{here:?}");
            assert_eq!(format!("{here:?}"), format!("{there:?}"));
        }
        let label = Start {
            label: "x".repeat(257),
            ..Start::every_millis(50)
        };
        let here = local.start(&IDS, label.clone()).await.err();
        let there = client.start(&IDS, label).await.err();
        assert_eq!(format!("{here:?}"), format!("{there:?}"));
        for window in [0, 9, 10_001].map(Duration::from_millis) {
            let options = SampleOptions {
                window: Some(window),
                ..SampleOptions::default()
            };
            let here = local.sample(&IDS, options).await.err();
            let there = client.sample(&IDS, options).await.err();
            assert!(matches!(here, Some(Error::InvalidInterval(_))), "{here:?}");
            assert_eq!(format!("{here:?}"), format!("{there:?}"));
        }
    });
}

#[test]
fn a_session_that_is_not_read_drops_frames() {
    with_both(|local, _| async move {
        let mut read = local
            .start(&["memory"], Start::every_millis(50))
            .await
            .unwrap();
        let every = StreamOptions::every_millis(1);
        let mut unread = local.open(&["cpu", "memory"], every).await.unwrap();
        let first = unread.next().await.unwrap();
        // 64 KiB, and the frames between two looks.
        let most = (64 << 10) / (unread.columns().len() * 8) + 3 * 16;
        let (mut kept, mut last) = (0, first.timestamp);
        let until_full = async {
            // As long as four times as many frames take.
            for _ in 0..4 * most / 50 {
                read.next().await.unwrap();
            }
        };
        timeout(10 * DEADLINE, until_full).await.expect("frames");
        while let Ok(frame) = timeout(Duration::ZERO, unread.next()).await {
            let frame = frame.unwrap();
            assert!(frame.timestamp > last);
            (kept, last) = (kept + 1, frame.timestamp);
        }
        assert!(kept <= most, "{kept} of {most}");
        // The session goes on, also when another one has ended.
        drop(read);
        let next = timeout(DEADLINE, unread.next()).await.expect("in time");
        assert!(next.unwrap().timestamp > last);
    });
}
