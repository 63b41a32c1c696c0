//! When a metric crosses, and when it does not.

use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sampled::{
    client::{Direction, WatchOptions},
    reading::Fault,
};

use super::room::{Clock, DESK, Room, crossing, expect, quick, watch};
use crate::sessions::frame;

#[test]
fn it_is_told_once_upwards_and_once_downwards() {
    let room = Room::new(20.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let options = WatchOptions {
            recovery: true,
            ..quick()
        };
        let mut watch = watch(&client, 25.0, options).await;
        let mut clock = Clock::start(&client).await;
        clock.until(20.0).await;
        // The threshold itself is not beyond, and what is not beyond at the start is not told.
        clock.set(&room, 25.0).await;
        assert_eq!(clock.told(&watch).await, 0);
        for (temperature, direction) in [(26.0, Direction::Above), (24.0, Direction::Below)] {
            clock.set(&room, temperature).await;
            clock.frames(3).await;
            expect(&mut watch, DESK, temperature, direction).await;
        }
        clock.frames(3).await;
        assert_eq!(clock.told(&watch).await, 2);
        watch.stop().await.unwrap();
    });
}

#[test]
fn only_the_direction_that_is_asked_for_is_told() {
    let room = Room::new(20.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let low = WatchOptions {
            direction: Direction::Below,
            ..quick()
        };
        let mut above = watch(&client, 25.0, quick()).await;
        let mut below = watch(&client, 15.0, low).await;
        let mut clock = Clock::start(&client).await;
        for temperature in [30.0, 10.0, 30.0, 10.0] {
            clock.set(&room, temperature).await;
        }
        for _ in 0..2 {
            expect(&mut above, DESK, 30.0, Direction::Above).await;
            expect(&mut below, DESK, 10.0, Direction::Below).await;
        }
        assert_eq!(clock.told(&above).await, 2);
        assert_eq!(clock.told(&below).await, 2);
    });
}

#[test]
fn a_metric_that_is_beyond_at_the_start_is_told() {
    let room = Room::new(95.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let options = WatchOptions {
            hold: Duration::from_millis(200),
            ..quick()
        };
        expect(
            &mut watch(&client, 85.0, options).await,
            DESK,
            95.0,
            Direction::Above,
        )
        .await;
        // Not so if its owner knows already; then it is told when it crosses anew.
        let options = WatchOptions {
            recovery: true,
            crossed: vec![DESK.to_owned(), "room/no/temperature".to_owned()],
            ..quick()
        };
        let mut known = watch(&client, 85.0, options).await;
        let mut clock = Clock::start(&client).await;
        clock.until(95.0).await;
        clock.frames(3).await;
        assert_eq!(clock.told(&known).await, 0);
        clock.set(&room, 20.0).await;
        clock.set(&room, 90.0).await;
        expect(&mut known, DESK, 20.0, Direction::Below).await;
        expect(&mut known, DESK, 90.0, Direction::Above).await;
    });
}

#[test]
fn noise_within_the_hysteresis_is_told_once() {
    let room = Room::new(20.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let options = WatchOptions {
            hysteresis: 3.0,
            recovery: true,
            ..quick()
        };
        let mut watch = watch(&client, 25.0, options).await;
        let mut clock = Clock::start(&client).await;
        for temperature in [25.5, 24.5, 25.5, 22.5, 26.0] {
            clock.set(&room, temperature).await;
        }
        expect(&mut watch, DESK, 25.5, Direction::Above).await;
        assert_eq!(clock.told(&watch).await, 1);
        for temperature in [22.0, 24.5, 22.5] {
            clock.set(&room, temperature).await;
        }
        expect(&mut watch, DESK, 22.0, Direction::Below).await;
        assert_eq!(clock.told(&watch).await, 2);
    });
}

#[test]
fn a_spike_that_is_shorter_than_the_hold_is_not_told() {
    let room = Room::new(20.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let hold = |hold| WatchOptions { hold, ..quick() };
        let long = watch(&client, 25.0, hold(Duration::from_secs(3600))).await;
        let mut short = watch(&client, 25.0, hold(Duration::from_millis(300))).await;
        let mut clock = Clock::start(&client).await;
        let written = SystemTime::now();
        clock.set(&room, 30.0).await;
        let crossing = crossing(&mut short).await;
        // No reading before this moment was above. The tick of the first one that was may have begun a moment earlier: a
        // frame waits up to 100 ms for a file.
        let crossed = UNIX_EPOCH + Duration::from_micros(crossing.timestamp);
        let held = crossed.duration_since(written).unwrap();
        assert!(held >= Duration::from_millis(190), "{held:?}");
        clock.set(&room, 20.0).await;
        assert_eq!(clock.told(&long).await, 0);
    });
}

#[test]
fn faults_never_cross() {
    let room = Room::new(20.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let low = WatchOptions {
            direction: Direction::Below,
            ..quick()
        };
        let mut watch = watch(&client, 15.0, low).await;
        let mut clock = Clock::start(&client).await;
        clock.until(20.0).await;
        for text in ["", "nan", "no number"] {
            fs::write(room.file("desk"), text).unwrap();
            while frame(&mut clock.session).await.reading(DESK) != Some(Err(Fault::Malformed)) {}
        }
        fs::remove_file(room.file("desk")).unwrap();
        while frame(&mut clock.session).await.reading(DESK) != Some(Err(Fault::Gone)) {}
        assert_eq!(clock.told(&watch).await, 0);
        clock.set(&room, 10.0).await;
        expect(&mut watch, DESK, 10.0, Direction::Below).await;
        // It has crossed before the fault, and is told once.
        fs::remove_file(room.file("desk")).unwrap();
        while frame(&mut clock.session).await.reading(DESK) != Some(Err(Fault::Gone)) {}
        clock.set(&room, 11.0).await;
        clock.frames(2).await;
        assert_eq!(clock.told(&watch).await, 1);
    });
}

#[test]
fn a_pattern_has_a_side_for_each_metric() {
    let room = Room::new(20.0);
    room.add("window", 30.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let watched = client.watch("room/*/temp*", 25.0, quick()).await;
        let mut watch = watched.unwrap();
        let window = "room/window/temperature";
        expect(&mut watch, window, 30.0, Direction::Above).await;
        room.set("desk", 26.0);
        expect(&mut watch, DESK, 26.0, Direction::Above).await;
        // A metric that appears later is watched from then on.
        room.add("door", 31.0);
        expect(&mut watch, "room/door/temperature", 31.0, Direction::Above).await;
        // One that vanishes is forgotten: it crosses again when it is back.
        room.remove("window");
        let gone = async {
            loop {
                let sessions = client.sessions().await.unwrap();
                let metrics = &sessions[&watch.id()].metrics;
                if !metrics.iter().any(|id| id == window) {
                    break;
                }
            }
        };
        gone.await;
        room.add("window", 32.0);
        expect(&mut watch, window, 32.0, Direction::Above).await;
    });
}

#[test]
fn an_id_that_vanishes_is_forgotten_too() {
    let room = Room::new(30.0);
    room.add("door", 20.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let mut watch = watch(&client, 25.0, quick()).await;
        expect(&mut watch, DESK, 30.0, Direction::Above).await;
        room.remove("desk");
        while client.list(&[DESK]).await.is_ok() {}
        room.add("desk", 31.0);
        expect(&mut watch, DESK, 31.0, Direction::Above).await;
    });
}
