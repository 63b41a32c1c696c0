//! A room with thermometers: a bus whose user has defined metrics that read files.

use std::{fs, path::PathBuf};

use sampled::client::{Client, Crossing, Direction, Session, Start, Watch, WatchOptions};
use tokio::time::{Duration, timeout};

use crate::{
    custom::fixture::{define, number, sources_d},
    sessions::{frame, info},
    support::{bus::Bus, process::DEADLINE},
};

/// The first metric of a room.
pub(crate) const DESK: &str = "room/desk/temperature";

/// A bus whose user has defined `room/<place>/temperature` in degrees Celsius.
pub(crate) struct Room {
    pub(crate) bus: Bus,
}

impl Room {
    /// A room with a thermometer at the desk.
    pub(crate) fn new(temperature: f64) -> Self {
        let room = Self {
            bus: Bus::activating(""),
        };
        room.add("desk", temperature);
        room
    }

    /// Adds a thermometer.
    pub(crate) fn add(&self, place: &str, temperature: f64) {
        self.set(place, temperature);
        let file = self.file(place);
        let text = format!(
            "[metrics.'room/{place}/temperature']\nunit = 'Cel'\nfile = {file:?}\n\
             [metrics.'room/{place}/name']\nkind = 'text'\nfile = {file:?}\n"
        );
        define(&sources_d(&self.bus), &format!("{place}.toml"), &text);
    }

    /// Removes a thermometer.
    pub(crate) fn remove(&self, place: &str) {
        fs::remove_file(sources_d(&self.bus).join(format!("{place}.toml"))).unwrap();
    }

    /// Waits until sessions have read this temperature of the desk.
    pub(crate) fn until_read(&self, temperature: f64) {
        self.bus.block_on(async {
            let mut clock = Clock::start(&self.bus.client().await).await;
            clock.until(temperature).await;
            clock.frames(2).await;
        });
    }

    pub(crate) fn file(&self, place: &str) -> PathBuf {
        self.bus.dir().join(place)
    }

    /// Sets the temperature, so that each read has the old one or the new one.
    pub(crate) fn set(&self, place: &str, temperature: f64) {
        let new = self.bus.dir().join("new");
        fs::write(&new, temperature.to_string()).unwrap();
        fs::rename(new, self.file(place)).unwrap();
    }
}

/// Options with an interval of 50 ms.
pub(crate) fn quick() -> WatchOptions {
    WatchOptions {
        interval: Duration::from_millis(50),
        ..WatchOptions::default()
    }
}

/// A watch of the desk.
pub(crate) async fn watch(client: &Client, threshold: f64, options: WatchOptions) -> Watch {
    client.watch(DESK, threshold, options).await.unwrap()
}

/// The next crossing.
pub(crate) async fn crossing(watch: &mut Watch) -> Crossing {
    let crossing = timeout(DEADLINE, watch.next()).await;
    crossing.expect("a crossing in time").unwrap()
}

/// Checks the id, the value and the direction of the next crossing.
pub(crate) async fn expect(watch: &mut Watch, id: &str, value: f64, direction: Direction) {
    let crossing = crossing(watch).await;
    let seen = (crossing.id.as_str(), crossing.value, crossing.direction);
    assert_eq!(seen, (id, value, direction));
}

/// The frames of a session of the same interval as a watch: when one shows a value, the watch has taken it, too.
pub(crate) struct Clock {
    client: Client,
    pub(crate) session: Session,
}

impl Clock {
    pub(crate) async fn start(client: &Client) -> Self {
        let start = client.start(&[DESK], Start::every_millis(50));
        let mut session = start.await.unwrap();
        // The first frame is not on the grid: a watch has none at that moment.
        frame(&mut session).await;
        Self {
            client: client.clone(),
            session,
        }
    }

    /// Waits until the desk has this temperature.
    pub(crate) async fn until(&mut self, temperature: f64) {
        while frame(&mut self.session).await.reading(DESK) != Some(number(temperature)) {}
    }

    /// Sets the temperature of the desk and waits until the metric has it.
    pub(crate) async fn set(&mut self, room: &Room, temperature: f64) {
        room.set("desk", temperature);
        self.until(temperature).await;
    }

    /// Waits for this many frames.
    pub(crate) async fn frames(&mut self, count: usize) {
        for _ in 0..count {
            frame(&mut self.session).await;
        }
    }

    /// The number of crossings that a watch was told until now.
    pub(crate) async fn told(&self, watch: &Watch) -> u64 {
        info(&self.client, watch.id()).await.unwrap().frames
    }
}
