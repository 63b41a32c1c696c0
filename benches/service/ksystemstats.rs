//! A peer: the same metrics, twice a second, from ksystemstats, the service of KDE's system monitor.

use std::{fs, thread::sleep, time::Duration};

use crate::{
    Bench, HALF_SECOND, SAMPLED,
    bus::{Bus, Target, call},
    compare,
    process::Process,
    start,
};

/// 50 metrics that both services have, with the same ids.
const METRICS: [&str; 50] = [
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
    const TICKS: u32 = 24;
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
    compare("sampled / ksystemstats", sampled / peer, 0.3);
}
