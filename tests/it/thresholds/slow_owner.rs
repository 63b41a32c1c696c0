//! An owner that does not read: nothing grows, and what it has to be told is told when it reads again.

use std::collections::{HashMap, HashSet};

use zbus::Variant;

use super::room::{Clock, Room};
use crate::{
    custom::fixture::{define, sources_d},
    sessions::info,
    slow_readers::held,
    support::raw::{Raw, ask},
};

/// The number of metrics that read one file.
const METRICS: usize = 200;

#[test]
fn what_was_not_read_is_told_later() {
    let room = Room::new(20.0);
    let file = room.file("desk");
    let metrics = (0..METRICS).map(|number| {
        format!("[metrics.'wall/{number}/temperature']\nunit = 'Cel'\nfile = {file:?}\n")
    });
    define(
        &sources_d(&room.bus),
        "wall.toml",
        &metrics.collect::<String>(),
    );
    room.bus.block_on(async {
        let client = room.bus.client().await;
        let connection = client.bus().connection();
        let mut owner = Raw::connect(&room.bus);
        let options = HashMap::from([
            ("interval", Variant::from(50_000_u64)),
            ("direction", Variant::from("both")),
        ]);
        let watch = owner.call(&ask("Watch", &("wall", 25.0, &options)));
        let watch: u32 = watch.body().deserialize().unwrap();
        let mut clock = Clock::start(&client).await;
        // The owner reads nothing. Crossings are told until the service notices, and then no more.
        let (mut told, mut unchanged, mut is_hot) = (0, 0, false);
        while unchanged < 20 {
            is_hot = !is_hot;
            clock.set(&room, if is_hot { 30.0 } else { 20.0 }).await;
            let now = info(&client, watch).await.unwrap().frames;
            unchanged = if now == told && now > 0 {
                unchanged + 1
            } else {
                0
            };
            told = now;
            let bytes = held(connection, owner.name()).await;
            assert!(bytes < 2 << 20, "{bytes} bytes");
        }
        // The last crossing of each metric is told when the owner reads again.
        clock.set(&room, 20.0).await;
        clock.set(&room, 31.0).await;
        let mut told = HashSet::new();
        while told.len() < METRICS {
            let message = owner.receive();
            let header = message.header();
            if header.member().is_none_or(|member| member != "Crossed") {
                continue;
            }
            let body = message.body();
            let (id, value, direction): (u32, f64, &str) = {
                let (_, _, id, value, direction): (u32, u64, &str, f64, &str) =
                    body.deserialize().unwrap();
                let number = id.split('/').nth(1).unwrap();
                (number.parse().unwrap(), value, direction)
            };
            if (value, direction) == (31.0, "above") {
                told.insert(id);
            }
        }
        let info = info(&client, watch).await.unwrap();
        assert!(info.dropped > 0, "{info:?}");
    });
}
