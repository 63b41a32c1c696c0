//! Sessions: they send frames on a grid to their owner alone, until they are stopped or the owner leaves.

mod ends;

use std::{
    collections::{BTreeSet, HashMap},
    future::pending,
    time::Duration,
};

use futures_util::{StreamExt, future::join_all};
use nix::time::{ClockId, clock_gettime};
use sampled::{
    client::{Client, Error, Frame, Session, SessionInfo, Start},
    reading::{Fault, Value},
    wire::{INTERFACE, NAME, PATH},
};
use tokio::time::timeout;
use zbus::{Message, MessageStream, Variant, message::Type};

use crate::{
    calls::fixture,
    support::{bus::Bus, process::DEADLINE},
};

pub(crate) async fn start(client: &Client, selectors: &[&str], milliseconds: u64) -> Session {
    client
        .start(selectors, Start::every_millis(milliseconds))
        .await
        .expect("session")
}

pub(crate) async fn frame(session: &mut Session) -> Frame {
    let frame = timeout(DEADLINE, session.next()).await;
    frame
        .expect("a frame in time")
        .expect("the session goes on")
}

async fn frames(session: &mut Session, count: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    for _ in 0..count {
        frames.push(frame(session).await);
    }
    frames
}

/// The properties of a session; `None` if it has ended.
pub(crate) async fn info(client: &Client, session: u32) -> Option<SessionInfo> {
    client.sessions().await.expect("sessions").remove(&session)
}

pub(crate) type Options = HashMap<&'static str, Variant<'static>>;

#[test]
fn frames_are_on_the_grid_of_their_interval() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut session = start(&client, &["cpu/all/cpuCount"], 100).await;
        let frames = frames(&mut session, 8).await;
        let times: Vec<_> = frames.iter().map(|frame| frame.timestamp).collect();
        // The first frame comes at once, the second at least half an interval later, and each later one in another slot
        // of the grid of the monotonic clock. On a busy machine slots are skipped, and no slot has two frames.
        assert!(times[1] - times[0] >= 50_000, "{times:?}");
        let clock = |id| -> Duration { clock_gettime(id).unwrap().into() };
        let boot = clock(ClockId::CLOCK_REALTIME) - clock(ClockId::CLOCK_MONOTONIC);
        let boot = u64::try_from(boot.as_micros()).unwrap();
        // The two clocks are not read at one moment.
        let margin = 100;
        let slots: Vec<_> = times[1..]
            .iter()
            .map(|time| (time - boot + margin) / 100_000)
            .collect();
        assert!(slots.is_sorted_by(|a, b| a < b), "{slots:?} {times:?}");
        session.stop().await.unwrap();
        assert!(client.sessions().await.unwrap().is_empty());
    });
}

#[test]
fn start_sends_its_reply_then_changed_then_the_first_frame() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let connection = bus.connect().await;
        let mut messages = MessageStream::from(&connection);
        let body = (
            ["os/kernel", "cpu/all/usage"].as_slice(),
            60_000u64,
            Options::new(),
        );
        let call = Message::method_call(PATH, "Start")
            .destination(NAME)
            .interface(INTERFACE);
        connection.send(&call.build(&body).unwrap()).await.unwrap();
        let mut seen = Vec::new();
        while seen.len() < 4 {
            let message = timeout(DEADLINE, messages.next())
                .await
                .unwrap()
                .unwrap()
                .unwrap();
            let header = message.header();
            match message.message_type() {
                Type::MethodReturn => seen.push("reply".to_owned()),
                Type::Signal if header.interface().unwrap() == INTERFACE => {
                    let client = connection.unique_name().unwrap().as_str();
                    assert_eq!(header.destination().unwrap().as_str(), client);
                    seen.push(header.member().unwrap().to_string());
                }
                _ => {}
            }
        }
        assert_eq!(seen[..3], ["reply", "Changed", "Sampled"]);
    });
}

#[test]
fn frames_contain_texts_and_faults() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let selectors = ["os/kernel/name", "cpu/all/usage", "cpu/all/cpuCount"];
        let mut session = start(&client, &selectors, 60).await;
        assert_eq!(session.columns(), selectors);
        let first = frame(&mut session).await;
        assert_eq!(
            first.reading("os/kernel/name"),
            Some(Ok(Value::Text("Linux".into())))
        );
        // The first frame has no baseline for a rate; the second has one.
        assert_eq!(first.reading("cpu/all/usage"), Some(Err(Fault::First)));
        assert_eq!(first.reading("cpu/all/wait"), None);
        let second = frame(&mut session).await;
        let Some(Ok(Value::Number(usage))) = second.reading("cpu/all/usage") else {
            panic!("{second:?}");
        };
        assert!((0.0..=100.0).contains(&usage), "{usage}");
        assert_eq!(
            second.reading("os/kernel/name"),
            first.reading("os/kernel/name")
        );
    });
}

#[test]
fn sessions_of_one_interval_share_readings() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let clients = join_all((0..5).map(|_| bus.client())).await;
        let mut sessions =
            join_all(clients.iter().map(|client| start(client, &["memory"], 100))).await;
        // Each client gets its own frames. A shared reading has the same timestamp for all of them.
        let mut times = vec![BTreeSet::new(); sessions.len()];
        let five_shared = async {
            loop {
                let next = join_all(sessions.iter_mut().map(frame)).await;
                for (times, frame) in times.iter_mut().zip(next) {
                    times.insert(frame.timestamp);
                }
                let is_shared = |time: &&u64| times.iter().all(|times| times.contains(time));
                if times[0].iter().filter(is_shared).count() >= 5 {
                    return;
                }
            }
        };
        timeout(DEADLINE, five_shared)
            .await
            .expect("shared readings");
    });
}

#[test]
fn each_session_has_its_own_interval() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut slow = start(&client, &["memory"], 400).await;
        let mut fast = start(&client, &["memory"], 100).await;
        // With equal intervals, one session would never have twice as many frames as the other.
        let twice_as_many = async {
            loop {
                frames(&mut slow, 3).await;
                let slow_frames = info(&client, slow.id()).await.unwrap().frames;
                let fast_frames = info(&client, fast.id()).await.unwrap().frames;
                if fast_frames >= 2 * slow_frames {
                    return;
                }
            }
        };
        timeout(DEADLINE, twice_as_many).await.expect("more frames");
        assert_eq!(
            info(&client, fast.id()).await.unwrap().interval,
            Duration::from_millis(100)
        );
        frame(&mut fast).await;
    });
}

#[test]
fn the_sessions_and_columns_of_a_client_are_limited() {
    let tree = fixture("server");
    let bus = Bus::activating(&format!("--procfs {tree}/proc --sysfs {tree}/sys"));
    bus.block_on(async {
        let client = bus.client().await;
        let other = bus.client().await;
        let (none, hour) = (HashMap::new(), 3_600_000_000);
        let start = async |client: &Client, selector| {
            let started = client.proxy().start(&[selector], hour, &none).await;
            started.map(|(session, _)| session).map_err(Error::from)
        };
        let one = "memory/physical/used";
        let mut last = 0;
        for _ in 0..64 {
            last = start(&client, one).await.unwrap();
        }
        let error = start(&client, one).await.unwrap_err();
        assert!(
            matches!(&error, Error::LimitExceeded(text) if text.contains("64")),
            "{error:?}"
        );
        // Another client has limits of its own.
        let columns = client.list(&["cpu"]).await.unwrap().len();
        assert!((513..=4096).contains(&columns), "{columns}");
        for _ in 0..4096 / columns {
            start(&other, "cpu").await.unwrap();
        }
        let error = start(&other, "cpu").await.unwrap_err();
        assert!(
            matches!(&error, Error::LimitExceeded(text) if text.contains("4096")),
            "{error:?}"
        );
        // A stopped session no longer counts.
        client.stop(last).await.unwrap();
        start(&client, one).await.unwrap();
    });
}

#[test]
fn unread_frames_delay_no_call() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut sessions = Vec::new();
        for _ in 0..40 {
            sessions.push(start(&client, &["memory"], 50).await);
        }
        let mut read = start(&client, &["memory"], 50).await;
        frames(&mut read, 5).await;
        assert_eq!(client.sessions().await.unwrap().len(), 41);
    });
}

#[test]
fn the_service_does_not_wake_without_a_session() {
    let bus = Bus::activating("--idle-timeout never");
    bus.block_on(async {
        let client = bus.client().await;
        let mut session = start(&client, &["cpu"], 50).await;
        frames(&mut session, 3).await;
        session.stop().await.unwrap();
        client.list(&["cpu"]).await.unwrap();
        let daemon = bus.owned().await.pid;
        // The state of the main thread, and how often it has gone to sleep.
        let state_and_sleeps = || {
            let status = std::fs::read_to_string(format!("/proc/{daemon}/status")).unwrap();
            let value = |key: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(key));
                line.unwrap().trim().to_owned()
            };
            (value("State:"), value("voluntary_ctxt_switches:"))
        };
        // No event shows that a process does nothing: it sleeps for a while. First it finishes the calls before.
        let is_idle_for = async |time| {
            let before = state_and_sleeps();
            timeout(time, pending::<()>()).await.unwrap_err();
            before.0.starts_with('S') && state_and_sleeps() == before
        };
        let idle = async { while !is_idle_for(Duration::from_millis(300)).await {} };
        timeout(DEADLINE, idle).await.expect("the service rests");
        assert!(is_idle_for(Duration::from_millis(1500)).await);
    });
}
