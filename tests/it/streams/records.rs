//! The records: their form, their order, and what is in them.

use std::{
    fs,
    os::fd::AsFd,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use rustix::process::Signal;
use sampled::{
    client::SampleOptions,
    reading::{Fault, Value},
};
use tokio::time::{sleep, timeout};

use super::{assert_in_order, open, record, stream, until};
use crate::{
    custom::fixture::{define, sources_d},
    sessions::info,
    support::{
        bus::Bus,
        process::{DEADLINE, stress_time},
    },
};

#[test]
fn a_record_is_a_timestamp_and_a_number_for_each_column() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let selectors = [
            "memory/physical/total",
            "os/kernel/name",
            "cpu/all/cpuCount",
        ];
        let opened = open(&client, &selectors, 20_000).await.unwrap();
        assert_eq!(opened.columns, selectors);
        let flags = OFlag::from_bits_retain(fcntl(&opened.pipe, FcntlArg::F_GETFL).unwrap());
        assert_eq!(flags & OFlag::O_ACCMODE, OFlag::O_RDONLY);
        assert!(!flags.contains(OFlag::O_NONBLOCK));
        let records = opened.read(5).await;
        assert_in_order(&records);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let age = now.saturating_sub(Duration::from_micros(records[4].timestamp));
        assert!(age < DEADLINE, "{age:?}");
        let options = SampleOptions::default();
        let sample = client.sample(&selectors, options).await.unwrap();
        for record in &records {
            for column in [0, 2] {
                let value = Value::Number(record.values[column]);
                assert_eq!(sample.readings[selectors[column]], value);
            }
            // A text.
            assert!(record.values[1].is_nan());
        }
        let info = info(&client, opened.session).await.unwrap();
        assert!(info.stream);
        assert_eq!(info.metrics, selectors);
        assert_eq!(info.interval, Duration::from_millis(20));
    });
}

#[test]
fn describe_tells_the_reasons_of_nan() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut stream = stream(&client, &["os/kernel/name", "cpu/all/usage"], 60_000).await;
        let first = record(&mut stream).await;
        assert!(first.values.iter().all(|value| value.is_nan()), "{first:?}");
        let described = stream.describe().await.unwrap();
        assert_eq!(described.columns, stream.columns());
        assert_eq!(described.texts["os/kernel/name"], "Linux");
        assert_eq!(described.faults["cpu/all/usage"], Fault::First);
    });
}

#[test]
fn a_thousand_records_a_second_lose_none() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut stream = stream(&client, &["memory", "cpu/loadaverages"], 1).await;
        let mut last = 0;
        let mut count = 0_u64;
        let time = stress_time().unwrap_or(Duration::from_secs(3));
        let reading = async {
            loop {
                let record = record(&mut stream).await;
                assert!(record.timestamp > last, "{last} {record:?}");
                last = record.timestamp;
                count += 1;
            }
        };
        timeout(time, reading).await.unwrap_err();
        let info = info(&client, stream.id()).await.unwrap();
        assert_eq!(info.dropped, 0);
        // A busy machine skips moments, and wakes the service late for others.
        assert!(count > 20 * time.as_secs(), "{count} in {time:?}");
        while count < info.frames {
            record(&mut stream).await;
            count += 1;
        }
    });
}

#[test]
fn moments_that_the_service_misses_are_counted() {
    const PAUSE: Duration = Duration::from_millis(100);
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut stream = stream(&client, &["memory"], 1).await;
        record(&mut stream).await;
        let before = info(&client, stream.id()).await.unwrap();
        let service = bus.owned().await;
        service.stop();
        sleep(PAUSE).await;
        service.signal(Signal::CONT);
        until("the moments of the pause are not counted", async || {
            let after = info(&client, stream.id()).await.unwrap();
            let missed = after.missed - before.missed;
            assert_eq!(after.dropped, 0);
            u128::from(missed) >= PAUSE.as_millis() - 1
        })
        .await;
    });
}

#[test]
fn records_without_room_are_dropped_and_counted() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let (client, other) = (bus.client().await, bus.client().await);
        let opened = open(&client, &["memory"], 1000).await.unwrap();
        // The client asks for a smaller pipe, so that it is full soon.
        let size = fcntl(opened.pipe.as_fd(), FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
        until("nothing is dropped", async || {
            info(&other, opened.session).await.unwrap().dropped >= 20
        })
        .await;
        let called = other.sample(&["memory/physical/used"], SampleOptions::default());
        timeout(DEADLINE, called).await.unwrap().unwrap();
        let records = opened.read_available();
        assert!(records.len() * 8 * (1 + opened.columns.len()) <= size as usize);
        // There is room again.
        let later = opened.read(20).await;
        let gap = later[0].timestamp - records.last().unwrap().timestamp;
        assert!(gap >= 20_000, "{gap}");
        assert_in_order(&[records, later].concat());
    });
}

#[test]
fn columns_stay_the_same_and_a_metric_is_read_again_when_it_is_back() {
    let bus = Bus::activating("");
    let directory = sources_d(&bus);
    let value = bus.dir().join("value");
    fs::write(&value, "5").unwrap();
    let definition =
        |id: &str| format!("[metrics.'room/{id}/warm']\nfile = '{}'\n", value.display());
    define(&directory, "a.toml", &definition("a"));
    define(&directory, "b.toml", &definition("b"));
    bus.block_on(async {
        let client = bus.client().await;
        let mut stream = stream(&client, &["room"], 5).await;
        assert_eq!(stream.columns(), ["room/a/warm", "room/b/warm"]);
        let mut until = async |is_it: &dyn Fn(&[f64]) -> bool| {
            let met = async { while !is_it(&record(&mut stream).await.values) {} };
            timeout(DEADLINE, met).await.expect("such a record");
        };
        until(&|values| values == [5.0, 5.0]).await;
        fs::remove_file(directory.join("a.toml")).unwrap();
        until(&|values| values[0].is_nan() && values[1] == 5.0).await;
        define(&directory, "aa.toml", &definition("aa"));
        let appeared = async {
            while !client
                .list(&["room"])
                .await
                .unwrap()
                .contains_key("room/aa/warm")
            {}
        };
        timeout(DEADLINE, appeared).await.expect("the new metric");
        define(&directory, "a.toml", &definition("a"));
        until(&|values| values == [5.0, 5.0]).await;
        assert_eq!(stream.columns().len(), 2);
    });
}
