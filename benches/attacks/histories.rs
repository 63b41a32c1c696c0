//! Requests for the past, while the ring is as large as the configuration allows.

use std::{
    collections::HashMap,
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use zbus::Variant;

use crate::{
    Raw, SAMPLED,
    bus::{Bus, Incoming, SIGNAL},
    history_file,
    kinds::{Attack, no_options},
    raw::sampler_call,
};

/// The memory of the ring, in bytes.
const RING: usize = 64 << 20;

/// The contents of the ring: many records of one metric, or records of all metrics.
const NARROW: &str = "history-of-64-mb-of-one";
const WIDE: &str = "history-of-64-mb-of-all";
const STARTED: &str = "start-with-64-mb-of-one";

pub(crate) const ALL: [(&str, Attack); 3] = [
    (NARROW, |bus| request(bus, &[ONE], 300)),
    (WIDE, |bus| {
        request(bus, &[ONE], 100);
        request(bus, &[], 100);
    }),
    (STARTED, start),
];

const ONE: &str = "memory/physical/used";

/// The memory of the ring during an attack, in kB.
pub(crate) fn ring(attack: &str) -> u64 {
    let has_one = ALL.iter().any(|(name, _)| *name == attack);
    if has_one { RING as u64 / 1000 } else { 0 }
}

/// Lets a service read and end, and makes its history as long as the ring of the next one is large.
pub(crate) fn prepare(bus: &Bus, attack: &str) {
    let configuration = bus.config().join("sampled");
    fs::create_dir_all(&configuration).expect("directory");
    let text = format!("[history]\nspan = \"1day\"\nbytes = {RING}\n");
    fs::write(configuration.join("config.toml"), text).expect("configuration");
    let metrics = if attack == WIDE { vec![] } else { vec![ONE] };
    let mut panel = bus.connect();
    panel.call(&sampler_call(
        "Start",
        &(metrics, 250_000_u64, no_options()),
    ));
    for _ in 0..10 {
        while panel.next().kind != SIGNAL {}
    }
    panel.quit(SAMPLED);
    let file = history_file::path(&bus.runtime());
    history_file::fill(&file, RING * 15 / 16, Duration::from_micros(100));
    // The next service takes it over.
    panel.call(&sampler_call("History", &(vec![ONE], u64::MAX)));
}

/// Calls for the past of these metrics again and again.
fn request(bus: &Bus, metrics: &[&str], times: usize) {
    let call = sampler_call("History", &(metrics, u64::MAX));
    Raw::connect(bus).repeat_and_read(&call, times);
}

/// Starts sessions that begin with the past: one after the other, each of which is read to its first fresh frame, then many at
/// once.
fn start(bus: &Bus) {
    let history = HashMap::from([("history", Variant::U64(u64::MAX))]);
    let call = sampler_call("Start", &(vec![ONE], 86_400_000_000_u64, history));
    let mut client = bus.connect();
    for _ in 0..16 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("after 1970").as_micros() as u64;
        let reply = client.call(&call);
        let session = *reply.body.first_chunk().expect("the number of a session");
        while frame(&client.next()).is_none_or(|timestamp| timestamp < now) {}
        client.call(&sampler_call("Stop", &u32::from_le_bytes(session)));
    }
    Raw::connect(bus).repeat_and_read(&call, 32);
}

/// The timestamp of a signal `Sampled`.
fn frame(message: &Incoming<'_>) -> Option<u64> {
    let is_frame =
        message.kind == SIGNAL && message.header.windows(8).any(|bytes| bytes == b"Sampled\0");
    let timestamp = message.body[8..].first_chunk().filter(|_| is_frame);
    timestamp.map(|bytes| u64::from_le_bytes(*bytes))
}
