//! `Local` returns the same readings as the service, in the same types.

use std::time::Duration;

use sampled::{
    Local,
    client::{Client, Error, SampleOptions, Start},
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
        local.switch_off(&["os".to_owned()]);
        local.list(&["memory"]).await.unwrap();
        client.list(&["memory"]).await.unwrap();
        let (here, mut there) = (local.sources().await, client.sources().await.unwrap());
        // The process table and custom metrics are not in `Local`.
        for other in ["process-table", "sources.d"] {
            assert!(there.remove(other).is_some(), "{other}");
        }
        assert!(here.keys().eq(there.keys()), "{here:?} {there:?}");
        assert_eq!(here["memory"].metrics, there["memory"].metrics);
        assert_eq!(here["memory"].state, "ok");
        assert_eq!(here["os"].state, "off");
    });
}

#[test]
fn frames_equal_those_of_the_service() {
    with_both(|local, client| async move {
        let every = Duration::from_millis(50);
        let mut here = local.start(&IDS, Start::every(every)).await.unwrap();
        let mut there = client.start(&IDS, Start::every(every)).await.unwrap();
        let (first, other) = (here.next().await, there.next().await.unwrap());
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
                let next = here.next().await;
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
fn an_interval_of_zero_or_too_long_is_refused() {
    with_both(|local, _| async move {
        for interval in [Duration::ZERO, Duration::MAX] {
            let refused = local.start(&IDS, Start::every(interval)).await;
            assert!(matches!(refused, Err(Error::InvalidInterval(_))));
        }
    });
}
