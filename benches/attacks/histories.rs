//! Requests for the past, while the ring is as large as the configuration allows.

use std::{fs, time::Duration};

use crate::{
    Raw, SAMPLED,
    bus::{Bus, SIGNAL},
    history_file,
    kinds::{Attack, no_options},
    raw::sampler_call,
};

/// The memory of the ring, in bytes.
const RING: usize = 64 << 20;

/// The contents of the ring: many records of one metric, or records of all metrics.
const NARROW: &str = "history-of-64-mb-of-one";
const WIDE: &str = "history-of-64-mb-of-all";

pub(crate) const ALL: [(&str, Attack); 2] = [
    (NARROW, |bus| request(bus, &[ONE], 300)),
    (WIDE, |bus| {
        request(bus, &[ONE], 100);
        request(bus, &[], 100);
    }),
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
