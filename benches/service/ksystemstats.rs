//! A peer: the same metrics from ksystemstats, the service of KDE's system monitor, twice a second and by a call.

use std::{fs, thread::sleep, time::Duration};

use crate::{
    Bench, HALF_SECOND, SAMPLED,
    bus::{Bus, Client, Target, call},
    idle::at_rest,
    measure::{compare, interleave_calls, print},
    process::Process,
    sample_call, start,
};

/// 50 metrics that both services have, with the same ids.
pub(crate) const METRICS: [&str; 50] = [
    "cpu/all/usage",
    "cpu/all/user",
    "cpu/all/system",
    "cpu/all/wait",
    "cpu/all/cpuCount",
    "cpu/all/coreCount",
    "cpu/cpu0/usage",
    "cpu/cpu0/user",
    "cpu/cpu0/system",
    "cpu/cpu0/wait",
    "cpu/cpu1/usage",
    "cpu/cpu1/user",
    "cpu/cpu1/system",
    "cpu/cpu1/wait",
    "cpu/loadaverages/loadaverage1",
    "cpu/loadaverages/loadaverage5",
    "cpu/loadaverages/loadaverage15",
    "memory/physical/application",
    "memory/physical/applicationPercent",
    "memory/physical/buffer",
    "memory/physical/bufferPercent",
    "memory/physical/cache",
    "memory/physical/cachePercent",
    "memory/physical/free",
    "memory/physical/freePercent",
    "memory/physical/total",
    "memory/physical/used",
    "memory/physical/usedPercent",
    "memory/swap/free",
    "memory/swap/total",
    "memory/swap/used",
    "os/system/name",
    "os/kernel/prettyName",
    "disk/all/read",
    "disk/all/write",
    "disk/all/total",
    "disk/all/used",
    "disk/all/usedPercent",
    "disk/all/free",
    "disk/all/freePercent",
    "network/all/download",
    "network/all/upload",
    "network/all/downloadBits",
    "network/all/uploadBits",
    "network/all/totalDownload",
    "network/all/totalUpload",
    "os/system/uptime",
    "os/system/hostname",
    "os/kernel/name",
    "os/kernel/version",
];

/// The name in Plasma 5, and in Plasma 6.
const NAMES: [&str; 2] = ["org.kde.ksystemstats", "org.kde.ksystemstats1"];

pub(crate) fn ksystemstats(bench: &Bench) {
    let file = |name: &&str| {
        fs::exists(format!("/usr/share/dbus-1/services/{name}.service")).unwrap_or(false)
    };
    let Some(name) = NAMES.into_iter().find(file) else {
        return println!(
            "  left out: ksystemstats is not installed (Debian: apt install ksystemstats)"
        );
    };
    let ksystemstats = Target {
        name,
        path: "/",
        interface: name,
    };
    let bus = Bus::activating(&[
        (SAMPLED, format!("{} serve", bench.sampled)),
        (
            ksystemstats,
            "/usr/bin/env QT_QPA_PLATFORM=offscreen /usr/bin/ksystemstats".to_owned(),
        ),
    ]);
    let mut clients = [bus.connect(), bus.connect()];
    start(&mut clients[0], &METRICS, HALF_SECOND);
    clients[1].call(&call(ksystemstats, "subscribe", &METRICS.as_slice()));
    let services = [clients[0].owner(SAMPLED), clients[1].owner(ksystemstats)];
    sleep(Duration::from_secs(2));
    ticks(&services);
    // ksystemstats ends without a subscriber.
    let [session, mut subscriber] = clients;
    drop(session);
    subscriber.call(&call(ksystemstats, "unsubscribe", &METRICS.as_slice()));
    at_rest("ksystemstats, subscribed to nothing", &[&services[1]]);
    calls(subscriber, ksystemstats, &services);
}

/// The CPU time of a tick of a subscription.
fn ticks(services: &[Process; 2]) {
    const TICKS: u32 = 24;
    let before = services.each_ref().map(Process::cpu_of_threads);
    sleep(TICKS * HALF_SECOND);
    let after = services.each_ref().map(Process::cpu_of_threads);
    let [sampled, peer] = [0, 1].map(|index| (after[index] - before[index]) / f64::from(TICKS));
    println!(
        "  {} metrics at 2 Hz: CPU time a tick, all threads",
        METRICS.len()
    );
    println!("  {:<52} {peer:>9.1} µs", "ksystemstats");
    println!("  {:<52} {sampled:>9.1} µs", "sampled");
    compare("sampled / ksystemstats", sampled / peer, 0.25);
}

/// A call for 20 metrics. ksystemstats replies with values that its subscription has read up to half a second before;
/// `Sample` reads them.
fn calls(mut client: Client, ksystemstats: Target, services: &[Process; 2]) {
    let metrics = &METRICS[..20];
    let data = call(ksystemstats, "sensorData", &metrics);
    let sample = sample_call(metrics);
    client.call(&sample);
    sleep(Duration::from_secs(1));
    let [sampled, peer] = services;
    let sides = [(sampled, &sample), (peer, &data)];
    let [sample, data] = interleave_calls(&mut client, sides);
    print("sensorData, 20 metrics", data);
    print("Sample, 20 metrics", sample);
    compare("Sample / sensorData", sample.time / data.time, 0.85);
}
