//! The service watches a client once, however many sessions it has.

use std::{collections::HashMap, time::Duration};

use sampled::{
    client::Client,
    wire::{INTERFACE, NAME, PATH, PROCESSES_INTERFACE},
};
use tokio::time::{sleep, timeout};
use zbus::{Message, message::Type};

use crate::{
    sessions::Options,
    support::{
        bus::{Bus, name},
        process::DEADLINE,
        raw::{Raw, error},
    },
};

const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// A call of the bus.
fn call_bus(
    interface: &str,
    method: &str,
    body: &(impl serde::Serialize + zbus::DynamicType),
) -> Message {
    let call = Message::method_call(BUS_PATH, method);
    let call = call.destination(BUS).interface(interface);
    call.build(body).unwrap()
}

/// `Start` on either interface, with a session that is due once a day.
fn start(interface: &str, what: &[&str]) -> Message {
    let day: u64 = 24 * 60 * 60 * 1_000_000;
    let call = Message::method_call(PATH, "Start").interface(interface);
    let call = call.destination(NAME);
    call.build(&(what, day, Options::new())).unwrap()
}

/// `Stop` of a session.
fn stop(session: u32) -> Message {
    let call = Message::method_call(PATH, "Stop").interface(INTERFACE);
    call.destination(NAME).build(&session).unwrap()
}

/// Twenty-five sessions of metrics and as many of processes, all of them asked for at once.
fn start_fifty(client: &mut Raw) -> Vec<u32> {
    let metrics = start(INTERFACE, &["memory/physical/used"]);
    let processes = start(PROCESSES_INTERFACE, &["pid"]);
    client.repeat(&metrics, 25);
    client.repeat_from(1 << 21, &processes, 25);
    let mut sessions = Vec::new();
    while sessions.len() < 50 {
        let message = client.receive();
        match message.message_type() {
            Type::MethodReturn => {
                let started: (u32, Vec<String>) = message.body().deserialize().unwrap();
                sessions.push(started.0);
            }
            Type::Error => panic!("{:?}", error(&message)),
            _ => {}
        }
    }
    sessions
}

/// How many match rules the service has for this client, as the bus counts them.
async fn rules(client: &Client, of: &str) -> usize {
    let bus = client.bus().connection();
    let stats = Some("org.freedesktop.DBus.Debug.Stats");
    let rules = bus.call_method(Some(BUS), BUS_PATH, stats, "GetAllMatchRules", &());
    let rules = rules.await.unwrap().body();
    let rules: HashMap<String, Vec<String>> = rules.deserialize().unwrap();
    let name = name();
    let service = bus.call_method(Some(BUS), BUS_PATH, Some(BUS), "GetNameOwner", &name);
    let service: String = service.await.unwrap().body().deserialize().unwrap();
    let of = format!("'{of}'");
    let own = rules.get(&service).map(Vec::as_slice).unwrap_or_default();
    own.iter().filter(|rule| rule.contains(&of)).count()
}

/// Waits until the service has so many match rules for this client.
async fn until_rules(client: &Client, of: &str, expected: usize) {
    let there = async {
        while rules(client, of).await != expected {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, there)
        .await
        .expect("the rules are as expected");
}

async fn until_no_session(client: &Client) {
    let none = async {
        while !client.sessions().await.unwrap().is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, none).await.expect("the sessions end");
}

#[test]
fn a_client_with_fifty_sessions_is_watched_once() {
    let bus = Bus::activating("");
    let mut client = Raw::connect(&bus);
    let owner = client.name().to_owned();
    // To find out who calls, the bus is asked too, once: that is over before anything is counted.
    let start_one = start(PROCESSES_INTERFACE, &["pid"]);
    let first: (u32, Vec<String>) = client.call(&start_one).body().deserialize().unwrap();
    client.call(&stop(first.0));
    let mut monitor = Raw::connect(&bus);
    let rules_of_monitor = ["type='method_call',member='NameHasOwner'"];
    let body = (rules_of_monitor.as_slice(), 0_u32);
    monitor.call(&call_bus(
        "org.freedesktop.DBus.Monitoring",
        "BecomeMonitor",
        &body,
    ));
    let sessions = start_fifty(&mut client);
    let watcher = bus.block_on(bus.client());
    bus.block_on(async {
        assert_eq!(rules(&watcher, &owner).await, 1);
    });
    // The bus was asked once whether the client is there.
    let end = call_bus(BUS, "NameHasOwner", &"end.of.test");
    client.call(&end);
    let mut asked = 0;
    loop {
        let message = monitor.receive();
        if message.message_type() != Type::MethodCall {
            continue;
        }
        match message.body().deserialize::<&str>() {
            Ok("end.of.test") => break,
            Ok(name) if name == owner => asked += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(asked, 1, "NameHasOwner for the client of 50 sessions");
    // The watch goes with the last session.
    let (last, others) = sessions.split_last().unwrap();
    for session in others {
        assert_eq!(error(&client.call(&stop(*session))).1, "");
    }
    bus.block_on(async {
        assert_eq!(watcher.sessions().await.unwrap().len(), 1);
        assert_eq!(rules(&watcher, &owner).await, 1);
    });
    client.call(&stop(*last));
    bus.block_on(until_rules(&watcher, &owner, 0));
    // A client that has none any more can begin anew, and is watched again.
    start_fifty(&mut client);
    bus.block_on(until_rules(&watcher, &owner, 1));
    drop(client);
    bus.block_on(async {
        until_no_session(&watcher).await;
        until_rules(&watcher, &owner, 0).await;
    });
}

#[test]
fn a_client_that_dies_while_its_starts_share_a_watch_leaves_nothing() {
    let bus = Bus::activating("");
    let watcher = bus.block_on(bus.client());
    bus.block_on(until_no_session(&watcher));
    for read in 0..20 {
        let mut client = Raw::connect(&bus);
        let owner = client.name().to_owned();
        client.repeat(&start(INTERFACE, &["memory/physical/used"]), 25);
        client.repeat_from(1 << 21, &start(PROCESSES_INTERFACE, &["pid"]), 25);
        // It dies at another moment each time.
        for _ in 0..read {
            client.receive();
        }
        drop(client);
        bus.block_on(async {
            until_rules(&watcher, &owner, 0).await;
            until_no_session(&watcher).await;
        });
    }
}
