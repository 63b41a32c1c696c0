//! Clients and subscribers that do not read their frames: they delay no other client.

use std::{collections::HashMap, process::Stdio};

use futures_util::StreamExt;
use rustix::process::Signal;
use sampled::client::{Client, Start};
use tokio::time::timeout;
use zbus::{Connection, Message, Variant};

use crate::{
    sessions::{frame, info, start},
    support::{
        bus::Bus,
        process::{DEADLINE, Process},
        raw::{Raw, ask},
    },
};

/// The number of bytes that the bus holds for a connection.
pub(crate) async fn held(bus: &Connection, name: &str) -> u32 {
    let stats = bus.call_method(
        Some("org.freedesktop.DBus"),
        "/org/freedesktop/DBus",
        Some("org.freedesktop.DBus.Debug.Stats"),
        "GetConnectionStats",
        &name,
    );
    let stats = stats.await.unwrap().body();
    let stats: HashMap<&str, Variant<'_>> = stats.deserialize().unwrap();
    match stats.get("OutgoingBytes") {
        Some(Variant::U32(held)) => *held,
        other => panic!("{other:?}"),
    }
}

/// The timestamp of a frame; `None` for another message.
fn timestamp(message: &Message) -> Option<u64> {
    let is_frame = message
        .header()
        .member()
        .is_some_and(|member| member == "Sampled");
    let (_, timestamp, _): (u32, u64, Vec<f64>) =
        is_frame.then(|| message.body().deserialize())?.unwrap();
    Some(timestamp)
}

async fn start_detached(client: &Client, selectors: &[&str]) -> u32 {
    let start = Start {
        detached: true,
        ..Start::every_millis(50)
    };
    client.start(selectors, start).await.unwrap().id()
}

#[test]
fn a_detached_session_does_not_end_after_64_frames() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut frames = client.proxy().receive_sampled().await.unwrap();
        let id = start_detached(&bus.client().await, &["memory/physical/used"]).await;
        // An earlier version stopped after 64 frames.
        for _ in 0..100 {
            timeout(DEADLINE, frames.next()).await.unwrap().unwrap();
        }
        let session = info(&client, id).await.unwrap();
        assert!(session.frames >= 100, "{session:?}");
        assert_eq!(session.dropped, 0);
    });
}

#[test]
fn a_subscriber_that_does_not_read_delays_no_other() {
    check_stopped_subscriber(0);
}

#[test]
fn a_subscriber_that_does_not_read_is_found_among_6000_match_rules() {
    // The bus lists these rules in a message of more than one MiB.
    check_stopped_subscriber(6000);
}

/// Checks a subscriber that stops reading, beside this many match rules of another client.
fn check_stopped_subscriber(rules: usize) {
    let bus = Bus::activating("");
    let mut other = Raw::connect(&bus);
    let bus_name = "org.freedesktop.DBus";
    for rule in 0..rules {
        let rule = format!("type='signal',path='/{}/a{rule}'", "x".repeat(200));
        let add = zbus::Message::method_call("/org/freedesktop/DBus", "AddMatch");
        let add = add.destination(bus_name).interface(bus_name);
        other.call(&add.build(&rule).unwrap());
    }
    let mut stopped = bus
        .sampled(&["watch", "memory/physical/used", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    bus.block_on(async {
        let client = bus.client().await;
        let connection = client.bus().connection();
        // A subscriber of all signals, which does not read.
        let mut subscriber = Raw::connect(&bus);
        let rule = "type='signal',interface='io.github.sampled.Sampler1'";
        let add = zbus::Message::method_call("/org/freedesktop/DBus", "AddMatch");
        let add = add
            .destination(bus_name)
            .interface(bus_name)
            .build(&rule)
            .unwrap();
        subscriber.call(&add);
        let mut frames = client.proxy().receive_sampled().await.unwrap();
        let id = start_detached(&bus.client().await, &[]).await;
        // Once the service has found that the subscriber does not read, the bus holds no more bytes for it.
        let mut before = 0;
        let mut unchanged = 0;
        while unchanged < 20 {
            timeout(DEADLINE, frames.next()).await.unwrap().unwrap();
            let now = held(connection, subscriber.name()).await;
            unchanged = if now == before && now > 0 {
                unchanged + 1
            } else {
                0
            };
            before = now;
            assert!(now < 4 << 20, "{now} bytes");
        }
        let session = info(&client, id).await.unwrap();
        assert_eq!(session.dropped, 0);
        // When the subscriber reads again, it gets frames again: those made after this one.
        let last = timeout(DEADLINE, frames.next()).await.unwrap().unwrap();
        let last = *last.args().unwrap().timestamp();
        while timestamp(&subscriber.receive()).is_none_or(|timestamp| timestamp <= last) {}
    });
    stopped.kill().unwrap();
    stopped.wait().unwrap();
}

#[test]
fn a_stopped_client_that_has_answered_pings_gets_no_more_frames() {
    let bus = Bus::without_statistics();
    bus.block_on(async {
        let client = bus.client().await;
        let mut watch = bus
            .sampled(&[
                "watch",
                "memory/physical/used",
                "--interval",
                "50ms",
                "--json",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let session = async || {
            let sessions = client.sessions().await.unwrap();
            sessions.into_values().next()
        };
        // After 100 frames the client has answered some pings.
        let hundred = async { while session().await.is_none_or(|session| session.frames < 100) {} };
        let stdout = watch.stdout.take().unwrap();
        let reader =
            std::thread::spawn(move || std::io::copy(&mut { stdout }, &mut std::io::sink()));
        timeout(DEADLINE, hundred).await.unwrap();
        assert_eq!(session().await.unwrap().dropped, 0);
        let process = Process::open(watch.id()).unwrap();
        process.signal(Signal::STOP);
        let dropped = async { while session().await.unwrap().dropped < 10 {} };
        timeout(DEADLINE, dropped).await.unwrap();
        let frames = session().await.unwrap().frames;
        // The service notices when the client reads again.
        process.signal(Signal::CONT);
        let continued = async { while session().await.unwrap().frames < frames + 20 {} };
        timeout(DEADLINE, continued).await.unwrap();
        watch.kill().unwrap();
        watch.wait().unwrap();
        reader.join().unwrap().unwrap();
    });
}

#[test]
fn a_client_that_answers_no_ping_gets_frames_at_a_limited_rate() {
    let bus = Bus::without_statistics();
    let mut raw = Raw::connect(&bus);
    let none = HashMap::<&str, Variant<'_>>::new();
    for _ in 0..3 {
        let start = ask("Start", &(vec!["memory/physical/used"], 50_000_u64, &none));
        raw.call(&start);
    }
    // Three sessions make 60 frames a second. The client gets all of them until a ping has timed out.
    let sessions = || -> (u64, u64) {
        bus.block_on(async {
            let sessions = bus.client().await.sessions().await.unwrap();
            let sum = |count: fn(&sampled::client::SessionInfo) -> u64| {
                sessions.values().map(count).sum()
            };
            (
                sum(|session| session.frames),
                sum(|session| session.dropped),
            )
        })
    };
    let mut times = Vec::new();
    let mut seen = (0, 0);
    while seen.1 == 0 {
        times.extend(timestamp(&raw.receive()));
        seen = sessions();
    }
    // The client goes on to get frames. Those of the next second may precede the limit, as each session sends a ping.
    while times.len() as u64 <= seen.0 + 121 {
        times.extend(timestamp(&raw.receive()));
    }
    assert!(sessions().1 > seen.1);
    // In each second of the clock the client gets 20 frames at most, so 61 frames are of four seconds. The timestamps tell:
    // a busy machine makes fewer frames in the same time. A frame may be sent a little later than it was made.
    let time = times[times.len() - 1] - times[times.len() - 61];
    assert!(time > 1_900_000, "61 frames in {time} µs");
}

#[test]
fn the_client_library_answers_pings() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let name = client.bus().connection().unique_name().unwrap().to_string();
        let other = bus.connect().await;
        let peer = Some("org.freedesktop.DBus.Peer");
        let pong = other.call_method(Some(name.as_str()), "/any/path", peer, "Ping", &());
        timeout(DEADLINE, pong).await.unwrap().unwrap();
        // The ping costs no frame.
        let mut session = start(&client, &["memory"], 50).await;
        frame(&mut session).await;
    });
}
