//! What `Open` refuses, and the limits of streams.

use std::fs;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sampled::{
    client::{Client, Error, SampleOptions},
    wire::{INTERFACE, NAME, PATH},
};
use tokio::time::timeout;
use zbus::{Message, Variant};

use super::{DAY, Opened, open, open_with};
use crate::{
    calls::fixture,
    sessions::Options,
    support::{bus::Bus, process::DEADLINE, raw::Raw},
};

#[track_caller]
fn assert_refused(opened: Result<Opened, Error>, texts: &[&str]) {
    let error = opened.err().expect("this is refused");
    let shown = format!("{error:?}");
    assert!(texts.iter().all(|text| shown.contains(text)), "{shown}");
}

#[test]
fn intervals_options_and_selectors_are_checked() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let open = async |selector, interval| open(&client, &[selector], interval).await;
        for interval in [0, 999, DAY + 1, u64::MAX] {
            let texts = ["InvalidInterval", "1000 µs", "a day", &interval.to_string()];
            assert_refused(open("memory", interval).await, &texts);
        }
        assert_refused(open("nothing", 1000).await, &["UnknownMetric", "nothing"]);
        assert_refused(open("a//b", 1000).await, &["InvalidSelector", "a//b"]);
        let with = async |key, value: Variant<'static>| {
            let options = Options::from([(key, value)]);
            open_with(&client, &["memory"], 1000, &options).await
        };
        let detached = with("detached", true.into()).await;
        assert_refused(detached, &["InvalidArgs", "detached"]);
        assert!(with("detached", false.into()).await.is_ok());
        assert_refused(with("label", 1_u64.into()).await, &["InvalidArgs", "label"]);
        let options = Options::from([("optional", true.into())]);
        let selectors = ["no/such/metric", "memory/physical/used"];
        let opened = open_with(&client, &selectors, 1000, &options)
            .await
            .unwrap();
        assert_eq!(opened.columns, selectors[1..]);
        let opened = open_with(&client, &selectors[..1], 1000, &options).await;
        assert_refused(opened, &["InvalidArgs", "no selector matches"]);
        let none = Options::new();
        let start = client.proxy().start(&["memory"], 10_000, &none).await;
        let error = Error::from(start.unwrap_err()).to_string();
        assert!(error.contains("Open"), "{error}");
    });
}

#[test]
fn a_stream_has_at_most_511_columns() {
    let tree = fixture("server");
    let bus = Bus::activating(&format!("--procfs {tree}/proc --sysfs {tree}/sys"));
    bus.block_on(async {
        let client = bus.client().await;
        let ids: Vec<_> = client.list(&["cpu"]).await.unwrap().into_keys().collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        let most = open(&client, &ids[..511], 10_000).await.unwrap();
        assert_eq!(most.columns.len(), 511);
        let records = most.read(10).await;
        assert!(records[9].values.iter().any(|value| value.is_finite()));
        let texts = ["LimitExceeded", "512", "511"];
        assert_refused(open(&client, &ids[..512], 10_000).await, &texts);
        assert_refused(
            open(&client, &["cpu"], 10_000).await,
            &["LimitExceeded", "511"],
        );
        assert_eq!(client.sessions().await.unwrap().len(), 1);
    });
}

#[test]
fn a_stream_whose_reads_take_longer_than_its_interval_delays_no_call() {
    let tree = fixture("server");
    let bus = Bus::activating(&format!("--procfs {tree}/proc --sysfs {tree}/sys"));
    bus.block_on(async {
        let (client, other) = (bus.client().await, bus.client().await);
        let ids: Vec<_> = client.list(&[]).await.unwrap().into_keys().collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        let mut streams = Vec::new();
        for ids in ids.chunks(511).take(3) {
            streams.push(open(&client, ids, 1000).await.unwrap());
        }
        for _ in 0..20 {
            let called = other.sample(&["memory/physical/total"], SampleOptions::default());
            timeout(DEADLINE, called)
                .await
                .expect("a reply in time")
                .unwrap();
        }
        for opened in &streams {
            opened.read(1).await;
        }
    });
}

#[test]
fn streams_count_as_sessions() {
    // The test has the read ends.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let bus = Bus::activating("");
    bus.block_on(async {
        let mut clients: Vec<Client> = Vec::new();
        let mut streams = Vec::new();
        for _ in 0..8 {
            let client = bus.client().await;
            for _ in 0..64 {
                let opened = open(&client, &["memory/physical/used"], DAY).await;
                streams.push(opened.unwrap());
            }
            clients.push(client);
        }
        let again = open(&clients[0], &["memory"], DAY).await;
        assert_refused(again, &["LimitExceeded", "at most 64 sessions"]);
        let other = bus.client().await;
        let again = open(&other, &["memory"], DAY).await;
        assert_refused(again, &["LimitExceeded", "at most 512 sessions"]);
        // Each has its first record.
        for opened in &streams {
            opened.read(1).await;
        }
        clients[0].stop(streams[0].session).await.unwrap();
        assert!(open(&other, &["memory"], DAY).await.is_ok());
    });
}

#[test]
fn the_number_of_open_files_is_a_limit() {
    let bus = Bus::executing(&format!(
        "/bin/sh -c 'ulimit -n 40; exec {} serve'",
        crate::support::home::SAMPLED
    ));
    bus.block_on(async {
        let client = bus.client().await;
        let mut streams = Vec::new();
        let error = loop {
            match open(&client, &["memory/physical/used"], DAY).await {
                Ok(opened) => streams.push(opened),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains("RLIMIT_NOFILE"), "{error}");
        assert!(streams.len() < 40, "{}", streams.len());
        let last = streams.pop().unwrap();
        client.stop(last.session).await.unwrap();
        assert!(open(&client, &["memory/physical/used"], DAY).await.is_ok());
    });
}

#[test]
fn a_bus_that_passes_no_descriptors_is_named() {
    let bus = Bus::over_tcp();
    bus.block_on(async {
        let client = bus.client().await;
        let opened = open(&client, &["memory"], 1000).await;
        assert_refused(opened, &["NotSupported", "Start"]);
        assert!(client.sessions().await.unwrap().is_empty());
    });
}

#[test]
fn a_caller_that_takes_no_descriptors_gets_an_error() {
    let bus = Bus::activating("");
    let other = bus.block_on(bus.client());
    let mut raw = Raw::connect_without_descriptors(&bus);
    for _ in 0..3 {
        let open = Message::method_call(PATH, "Open")
            .destination(NAME)
            .interface(INTERFACE)
            .build(&(["memory"].as_slice(), 1000_u64, Options::new()))
            .unwrap();
        raw.send(open.data());
        let reply = raw.reply(&open);
        let header = reply.header();
        let error = header.error_name().expect("an error").to_string();
        assert_eq!(error, "org.freedesktop.DBus.Error.NotSupported");
        let text: String = reply.body().deserialize().unwrap();
        assert!(text.contains("Start"), "{text}");
    }
    bus.block_on(super::until("a session stays", async || {
        other.sessions().await.unwrap().is_empty()
    }));
    let log = fs::read_to_string(bus.dir().join("log")).unwrap();
    assert!(!log.contains("panic"), "{log}");
}
