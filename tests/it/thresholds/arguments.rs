//! Bad input: the error comes at once, and names the culprit.

use std::collections::HashMap;

use sampled::client::{Client, Direction, Error, Start, WatchOptions};
use zbus::Variant;

use super::room::{DESK, Room, expect, quick};
use crate::{limits::limited, sessions::info, support::bus::Bus};

async fn refused(client: &Client, selector: &str, threshold: f64) -> Error {
    let watch = client.watch(selector, threshold, quick()).await;
    watch.err().expect(selector)
}

#[test]
fn texts_have_no_threshold() {
    let room = Room::new(20.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        for (selector, message) in [
            (
                "os/kernel/name",
                "os/kernel/name is a text, which has no threshold",
            ),
            (
                "room/*/name",
                "room/*/name selects only texts, such as room/desk/name, which have no threshold",
            ),
        ] {
            match refused(&client, selector, 1.0).await {
                Error::InvalidArgs(text) => assert_eq!(text, message),
                other => panic!("{other:?}"),
            }
        }
        // Beside numbers they are left out.
        let watch = client.watch("room", 1.0, quick()).await.unwrap();
        assert_eq!(info(&client, watch.id()).await.unwrap().metrics, [DESK]);
    });
}

#[test]
fn selectors_are_checked_as_those_of_a_session() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let unknown = refused(&client, "cpu/all/usag", 1.0).await;
        assert!(
            matches!(&unknown, Error::UnknownMetric(text) if text.contains("cpu/all/usage")),
            "{unknown:?}"
        );
        for selector in ["", "a//b", &"x".repeat(300)] {
            let invalid = refused(&client, selector, 1.0).await;
            assert!(matches!(invalid, Error::InvalidSelector(_)), "{invalid:?}");
        }
        assert!(client.sessions().await.unwrap().is_empty());
    });
}

#[test]
fn an_optional_selector_is_watched_once_it_matches() {
    let room = Room::new(20.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let optional = || WatchOptions {
            optional: true,
            ..quick()
        };
        for (place, selector) in [
            ("door", "room/door/temperature"),
            ("roof", "room/roof/temp*"),
        ] {
            let mut watch = client.watch(selector, 25.0, optional()).await.unwrap();
            room.add(place, 30.0);
            let id = format!("room/{place}/temperature");
            expect(&mut watch, &id, 30.0, Direction::Above).await;
        }
    });
}

#[test]
fn numbers_and_options_are_checked() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let usage = "cpu/all/usage";
        for threshold in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = refused(&client, usage, threshold).await;
            let culprit = format!("threshold {threshold}:");
            assert!(
                matches!(&error, Error::InvalidArgs(text) if text.starts_with(&culprit)),
                "{error:?}"
            );
        }
        let check = async |key: &str, option: Variant<'_>, name: &str| {
            let options = HashMap::from([(key, option)]);
            let error = client.proxy().watch(usage, 50.0, &options).await;
            let error = Error::from(error.expect_err(key));
            assert!(format!("{error:?}").starts_with(name), "{error:?}");
            assert!(error.to_string().starts_with(&format!("option {key}: ")));
        };
        check("hysteresis", Variant::from(f64::NAN), "InvalidArgs").await;
        check("hysteresis", Variant::from(-0.1), "InvalidArgs").await;
        check("hysteresis", Variant::from("5"), "InvalidArgs").await;
        check("direction", Variant::from("sideways"), "InvalidArgs").await;
        check("detached", Variant::from(true), "InvalidArgs").await;
        check("hold", Variant::from(u64::MAX), "InvalidInterval").await;
        check("interval", Variant::from(49_999_u64), "InvalidInterval").await;
        check("label", Variant::from("x".repeat(257)), "LimitExceeded").await;
        assert!(client.sessions().await.unwrap().is_empty());
    });
}

#[test]
fn a_watch_is_a_session_in_the_limits() {
    let bus = limited("[limits]\nsessions = 2\ncolumns = 3");
    bus.block_on(async {
        // The sessions of a client of the library have an owner each, so the calls are made by one connection.
        let client = bus.client().await;
        let none = HashMap::new();
        let watch = async |selector| {
            let watch = client.proxy().watch(selector, 50.0, &none).await;
            watch.map_err(Error::from)
        };
        let exceeds = |result: Result<u32, Error>, limit: &str| {
            assert!(
                matches!(&result, Err(Error::LimitExceeded(text)) if text.contains(limit)),
                "{result:?}"
            );
        };
        exceeds(watch("memory").await, "limits.columns");
        let usage = ["cpu/all/usage"];
        let session = client.proxy().start(&usage, 1_000_000, &none);
        let (session, _) = session.await.unwrap();
        let first = watch("memory/physical/used").await.unwrap();
        exceeds(watch("memory/physical/used").await, "limits.sessions");
        client.stop(session).await.unwrap();
        watch("cpu/all/usage").await.unwrap();
        client.stop(first).await.unwrap();
    });
}

#[test]
fn a_watch_shares_the_reads_of_sessions() {
    let room = Room::new(20.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let start = Start::every_millis(50);
        let mut session = client.start(&[DESK], start).await.unwrap();
        let mut watches = Vec::new();
        for _ in 0..5 {
            watches.push(client.watch("room/*/temp*", 25.0, quick()).await.unwrap());
        }
        let reads = async || {
            let sources = client.sources().await.unwrap();
            let files = sources.iter().filter(|(name, _)| name.contains("desk"));
            files.map(|(_, source)| source.reads).sum::<u64>()
        };
        session.next().await.unwrap();
        let before = reads().await;
        for _ in 0..20 {
            session.next().await.unwrap();
        }
        let count = reads().await - before;
        assert!((10..=30).contains(&count), "{count} reads for 20 frames");
    });
}
