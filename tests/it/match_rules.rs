//! The service has one match rule for a client, however many sessions the client has.

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
        self,
        bus::Bus,
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

/// `Start` of either interface, of selectors or of fields, with an interval of a day.
fn start(interface: &str, selectors: &[&str]) -> Message {
    let day: u64 = 24 * 60 * 60 * 1_000_000;
    let call = Message::method_call(PATH, "Start").interface(interface);
    let call = call.destination(NAME);
    call.build(&(selectors, day, Options::new())).unwrap()
}

/// `Stop` of a session.
fn stop(session: u32) -> Message {
    let call = Message::method_call(PATH, "Stop").interface(INTERFACE);
    call.destination(NAME).build(&session).unwrap()
}

/// Starts 25 sessions of metrics and 25 of processes by calls that wait for no reply.
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

/// The number of match rules of the service that name a client.
async fn rules(client: &Client, name: &str) -> usize {
    let bus = client.bus().connection();
    let stats = Some("org.freedesktop.DBus.Debug.Stats");
    let rules = bus.call_method(Some(BUS), BUS_PATH, stats, "GetAllMatchRules", &());
    let rules = rules.await.unwrap().body();
    let rules: HashMap<String, Vec<String>> = rules.deserialize().unwrap();
    let sampled = support::bus::name();
    let service = bus.call_method(Some(BUS), BUS_PATH, Some(BUS), "GetNameOwner", &sampled);
    let service: String = service.await.unwrap().body().deserialize().unwrap();
    let name = format!("'{name}'");
    let of_service = rules.get(&service).expect("the rules of the service");
    of_service
        .iter()
        .filter(|rule| rule.contains(&name))
        .count()
}

/// Waits until this many match rules of the service name a client. No signal tells of match rules.
async fn until_rules(client: &Client, name: &str, expected: usize) {
    let reached = async {
        while rules(client, name).await != expected {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, reached)
        .await
        .expect("the rules are as expected");
}

/// Waits until the service has no session. No signal tells a client of the sessions of others.
async fn until_no_session(client: &Client) {
    let none = async {
        while !client.sessions().await.unwrap().is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, none).await.expect("the sessions end");
}

#[test]
fn a_client_with_fifty_sessions_has_one_match_rule() {
    let bus = Bus::activating("");
    let mut client = Raw::connect(&bus);
    let owner = client.name().to_owned();
    // `Start` of processes makes the service identify its caller, which takes calls of the bus. A first session does
    // that before the calls are counted.
    let start_one = start(PROCESSES_INTERFACE, &["pid"]);
    let first: (u32, Vec<String>) = client.call(&start_one).body().deserialize().unwrap();
    client.call(&stop(first.0));
    let mut monitor = Raw::connect(&bus);
    let monitored = ["type='method_call',member='NameHasOwner'"];
    let body = (monitored.as_slice(), 0_u32);
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
    // The service has asked the bus once whether the client exists.
    let end = call_bus(BUS, "NameHasOwner", &"end.of.test");
    client.call(&end);
    let mut questions = 0;
    loop {
        let message = monitor.receive();
        if message.message_type() != Type::MethodCall {
            continue;
        }
        match message.body().deserialize::<&str>() {
            Ok("end.of.test") => break,
            Ok(name) if name == owner => questions += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(questions, 1, "NameHasOwner for the client of 50 sessions");
    // The match rule is removed with the last session.
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
    // The same client can start sessions again, and has a match rule again.
    start_fifty(&mut client);
    bus.block_on(until_rules(&watcher, &owner, 1));
    drop(client);
    bus.block_on(async {
        until_no_session(&watcher).await;
        until_rules(&watcher, &owner, 0).await;
    });
}

#[test]
fn a_client_that_dies_while_its_sessions_start_leaves_no_match_rule() {
    let bus = Bus::activating("");
    let watcher = bus.block_on(bus.client());
    bus.block_on(until_no_session(&watcher));
    for replies in 0..20 {
        let mut client = Raw::connect(&bus);
        let owner = client.name().to_owned();
        client.repeat(&start(INTERFACE, &["memory/physical/used"]), 25);
        client.repeat_from(1 << 21, &start(PROCESSES_INTERFACE, &["pid"]), 25);
        // The client dies at another moment each time.
        for _ in 0..replies {
            client.receive();
        }
        drop(client);
        bus.block_on(async {
            until_rules(&watcher, &owner, 0).await;
            until_no_session(&watcher).await;
        });
    }
}
