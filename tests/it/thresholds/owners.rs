//! A watch belongs to its owner, as a session does.

use std::time::Duration;

use sampled::client::{Direction, Error, ThresholdInfo, WatchOptions};
use tokio::time::timeout;

use super::room::{DESK, Room, quick, watch};
use crate::{sessions::info, support::process::DEADLINE};

#[test]
fn sessions_lists_a_watch_with_its_threshold() {
    let room = Room::new(20.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let options = WatchOptions {
            direction: Direction::Below,
            hysteresis: 2.5,
            hold: Duration::from_secs(10),
            label: "cold".to_owned(),
            recovery: true,
            ..WatchOptions::default()
        };
        let cold = watch(&client, 15.0, options).await;
        let cold = info(&client, cold.id()).await.unwrap();
        assert_eq!(cold.metrics, [DESK]);
        assert_eq!((cold.label.as_str(), cold.detached), ("cold", false));
        assert_eq!(cold.interval, Duration::from_secs(1));
        assert_eq!((cold.frames, cold.dropped), (0, 0));
        let expected = ThresholdInfo {
            value: 15.0,
            direction: "below".to_owned(),
            hysteresis: 2.5,
            hold: Duration::from_secs(10),
            recovery: true,
        };
        assert_eq!(cold.threshold, Some(expected));
        let both = WatchOptions {
            recovery: true,
            ..quick()
        };
        let both = watch(&client, 15.0, both).await;
        let threshold = info(&client, both.id()).await.unwrap().threshold.unwrap();
        assert_eq!(threshold.direction, "both");
    });
}

#[test]
fn only_the_owner_stops_a_watch() {
    let room = Room::new(20.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let mut ours = watch(&client, 25.0, quick()).await;
        let id = ours.id();
        // Each watch of the library has a connection of its own.
        assert!(matches!(client.stop(id).await, Err(Error::NotOwner(_))));
        let owner = info(&client, id).await.unwrap().owner;
        assert!(owner.starts_with(':'));
        let busy = client.quit().await;
        assert!(matches!(busy, Err(Error::Busy(_))), "{busy:?}");
        let daemon = room.bus.daemon().await.unwrap();
        daemon.signal(rustix::process::Signal::TERM);
        let ended = timeout(DEADLINE, ours.next()).await.unwrap();
        assert!(
            matches!(&ended, Err(Error::Ended(reason)) if reason == "stopping"),
            "{ended:?}"
        );
        let stopped = watch(&client, 25.0, quick()).await;
        let id = stopped.id();
        stopped.stop().await.unwrap();
        assert!(info(&client, id).await.is_none());
        assert!(matches!(
            client.stop(id).await,
            Err(Error::NoSuchSession(_))
        ));
    });
}

#[test]
fn a_watch_ends_with_its_owner() {
    let room = Room::new(20.0);
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let owner = watch(&client, 25.0, quick()).await;
        let id = owner.id();
        assert!(info(&client, id).await.is_some());
        drop(owner);
        while info(&client, id).await.is_some() {}
    });
}
