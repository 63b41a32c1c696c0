//! The methods of the interface: correct readings, and errors that name their cause.

mod refusals;

use std::{fs, time::Duration};

use sampled::{
    client::SampleOptions,
    reading::{Fault, Value},
};

use crate::support::bus::Bus;

/// The path of a fixture tree.
pub(crate) fn fixture(tree: &str) -> String {
    format!("{}/tests/fixtures/{tree}", env!("CARGO_MANIFEST_DIR"))
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Number(number) => *number,
        Value::Text(text) => panic!("{text} is no number"),
    }
}

#[test]
fn the_first_sample_of_a_new_service_has_correct_readings() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let selectors = [
            "cpu/all/usage",
            "memory/physical/total",
            "os/kernel/version",
        ];
        let sample = client
            .sample(&selectors, SampleOptions::default())
            .await
            .unwrap();
        assert_eq!(sample.faults, [].into());
        let usage = number(&sample.readings["cpu/all/usage"]);
        assert!((0.0..=100.0).contains(&usage), "{usage}");
        let total = number(&sample.readings["memory/physical/total"]);
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
        assert!(
            meminfo.contains(&format!("{} kB", total / 1024.0)),
            "{total}"
        );
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        assert_eq!(
            sample.readings["os/kernel/version"],
            Value::Text(release.trim().into())
        );
    });
}

#[test]
fn no_selector_selects_every_metric() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let metrics = client.list(&[]).await.unwrap();
        assert!(metrics.len() > 40, "{}", metrics.len());
        for (id, metadata) in &metrics {
            assert_eq!(id.split('/').count(), 3, "{id}");
            assert!(!metadata.name.is_empty(), "{id}");
            assert!(!metadata.description.is_empty(), "{id}");
            assert!(!metadata.source.is_empty(), "{id}");
            assert_eq!(metadata.unit.is_empty(), metadata.kind == "text", "{id}");
            let kinds = ["gauge", "rate", "total", "text"];
            assert!(
                kinds.contains(&metadata.kind.as_str()),
                "{id}: {}",
                metadata.kind
            );
        }
        let sample = client.sample(&[], SampleOptions::default()).await.unwrap();
        let mut ids: Vec<_> = sample.readings.keys().chain(sample.faults.keys()).collect();
        ids.sort();
        assert_eq!(ids, metrics.keys().collect::<Vec<_>>());
    });
}

#[test]
fn a_rate_whose_window_exceeds_the_timeout_is_a_timeout() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let options = SampleOptions {
            window: Some(Duration::from_secs(5)),
            timeout: Some(Duration::from_millis(20)),
            ..SampleOptions::default()
        };
        let selectors = ["cpu/all/usage", "cpu/all/cpuCount"];
        let sample = bus
            .client()
            .await
            .sample(&selectors, options)
            .await
            .unwrap();
        assert_eq!(
            sample.faults,
            [("cpu/all/usage".to_owned(), Fault::Timeout)].into()
        );
        assert!(sample.readings.contains_key("cpu/all/cpuCount"));
    });
}

#[test]
fn max_age_returns_a_shared_reading_and_without_it_each_call_reads() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let timestamp = async |max_age| {
            let options = SampleOptions {
                max_age,
                window: Some(Duration::from_millis(10)),
                ..SampleOptions::default()
            };
            client
                .sample(&["cpu/all/usage", "memory"], options)
                .await
                .unwrap()
                .timestamp
        };
        let first = timestamp(None).await;
        let hour = Some(Duration::from_secs(3600));
        assert_eq!(timestamp(hour).await, first);
        let second = timestamp(None).await;
        assert!(second > first);
        assert_eq!(timestamp(hour).await, second);
    });
}

#[test]
fn a_failing_source_does_not_affect_others_and_recovers() {
    let bus = Bus::new();
    let proc = bus.dir().join("proc");
    fs::create_dir(&proc).unwrap();
    fs::write(proc.join("loadavg"), "1.00 2.00 3.00 1/2 3\n").unwrap();
    let mut daemon = bus
        .sampled(&["serve", "--procfs", proc.to_str().unwrap()])
        .spawn()
        .unwrap();
    bus.block_on(async {
        bus.owned().await;
        let client = bus.client().await;
        let load = "cpu/loadaverages/loadaverage5";
        let memory = "memory/physical/total";
        let error = client.list(&[memory]).await.unwrap_err().to_string();
        assert!(error.contains(memory) && error.contains("proc/meminfo"), "{error}");
        // Without selectors, the metrics that exist.
        let all = client.sample(&[], SampleOptions::default()).await.unwrap();
        assert_eq!(all.readings[load], Value::Number(2.0));
        let meminfo = "MemTotal: 2000 kB\nMemFree: 1000 kB\nMemAvailable: 1500 kB\nBuffers: 1 kB\n\
                       Cached: 2 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nSReclaimable: 3 kB\nShmem: 1 kB\n";
        fs::write(proc.join("meminfo"), meminfo).unwrap();
        let sample = async || client.sample(&[memory, load], SampleOptions::default()).await.unwrap();
        assert_eq!(sample().await.readings[memory], Value::Number(2_048_000.0));
        fs::write(proc.join("meminfo"), "rubbish").unwrap();
        let malformed = sample().await;
        assert_eq!(malformed.faults, [(memory.to_owned(), Fault::Malformed)].into());
        assert_eq!(malformed.readings[load], Value::Number(2.0));
        fs::write(proc.join("meminfo"), meminfo).unwrap();
        assert_eq!(sample().await.faults, [].into());
    });
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn further_clients_need_no_descriptors_and_no_threads() {
    // Selectors that can match no custom metric, because definitions are read on a thread of the pool.
    const QUICK: [&str; 3] = ["cpu", "memory", "os/kernel"];
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        client
            .sample(&QUICK, SampleOptions::default())
            .await
            .unwrap();
        let daemon = bus.owned().await.pid;
        let descriptors = || fs::read_dir(format!("/proc/{daemon}/fd")).unwrap().count();
        let before = descriptors();
        let others: Vec<_> = futures_util::future::join_all((0..10).map(|_| bus.client())).await;
        for other in &others {
            other
                .sample(&QUICK, SampleOptions::default())
                .await
                .unwrap();
        }
        assert_eq!(descriptors(), before);
        let status = fs::read_to_string(format!("/proc/{daemon}/status")).unwrap();
        let threads = status
            .lines()
            .find_map(|line| line.strip_prefix("Threads:\t"));
        assert!(matches!(threads, Some("1" | "2")), "{status}");
    });
}

#[test]
fn the_first_sample_opens_only_the_files_it_needs() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let selectors = ["memory/physical/used"];
        let sample = client.sample(&selectors, SampleOptions::default()).await;
        assert_eq!(sample.unwrap().faults, [].into());
        let daemon = bus.owned().await.pid;
        let descriptors = fs::read_dir(format!("/proc/{daemon}/fd")).unwrap();
        let targets = descriptors.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
        let open: Vec<_> = targets
            .filter(|target| target.starts_with("/proc") || target.starts_with("/sys"))
            .collect();
        assert_eq!(open, [std::path::Path::new("/proc/meminfo")]);
    });
}

#[test]
fn the_roots_of_proc_and_sys_can_be_other_directories() {
    let tree = fixture("server");
    let bus = Bus::activating(&format!(
        "--procfs {tree}/proc --sysfs {tree}/sys --rootfs {tree}"
    ));
    bus.block_on(async {
        let client = bus.client().await;
        let selectors = ["cpu/all/cpuCount", "cpu/*/usage"];
        let options = SampleOptions {
            window: Some(Duration::from_millis(10)),
            ..SampleOptions::default()
        };
        let sample = client.sample(&selectors, options).await.unwrap();
        assert_eq!(sample.readings["cpu/all/cpuCount"], Value::Number(128.0));
        // The files do not change, so there is no rate.
        assert_eq!(sample.faults["cpu/cpu127/usage"], Fault::First);
    });
}

#[test]
fn properties_have_the_version_and_the_idle_timeout() {
    let check = |timeout, expected| {
        let bus = Bus::activating(&format!("--idle-timeout {timeout}"));
        bus.block_on(async {
            let client = bus.client().await;
            let proxy = client.proxy();
            assert_eq!(proxy.version().await.unwrap(), env!("CARGO_PKG_VERSION"));
            assert_eq!(proxy.idle_timeout().await.unwrap(), expected);
        });
    };
    check("7s", 7_000_000);
    check("never", u64::MAX);
}
