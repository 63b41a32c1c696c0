//! Clients that die, stop or do not listen: they harm only themselves.

use std::{collections::HashMap, process::Stdio};

use rustix::process::Signal;
use sampled::wire::{INTERFACE, NAME, PATH};
use tokio::time::timeout;
use zbus::{Message, Variant};

use crate::{
    calls::fixture,
    sessions::{Options, frame, info, start},
    support::{
        bus::Bus,
        process::{DEADLINE, Process},
    },
};

#[test]
fn a_client_that_is_killed_takes_its_sessions_along() {
    let bus = Bus::activating("--idle-timeout 100ms");
    bus.block_on(async {
        let mut watch = bus.sampled(&["watch", "memory", "--interval", "60ms", "--json"]);
        let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = std::io::BufReader::new(watch.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
        let client = bus.client().await;
        assert_eq!(client.sessions().await.unwrap().len(), 1);
        let daemon = bus.owned().await;
        Process::open(watch.id()).unwrap().signal(Signal::KILL);
        watch.wait().unwrap();
        // With its only client the service goes, and nothing else tells it to.
        bus.vacant().await;
        daemon.wait();
    });
}

#[test]
fn a_client_that_dies_during_start_leaves_nothing() {
    let bus = Bus::activating("--idle-timeout 200ms");
    bus.block_on(async {
        let observer = bus.client().await;
        observer.list(&["memory"]).await.unwrap();
        let body = (["memory"].as_slice(), 60_000u64, Options::new());
        for _ in 0..200 {
            let connection = bus.connect().await;
            let call = Message::method_call(PATH, "Start")
                .destination(NAME)
                .interface(INTERFACE);
            connection.send(&call.build(&body).unwrap()).await.unwrap();
            connection.close().await.unwrap();
        }
        bus.vacant().await;
    });
}

#[test]
fn a_client_that_takes_nothing_harms_only_itself() {
    let tree = fixture("server");
    let arguments = format!("--procfs {tree}/proc --sysfs {tree}/sys");
    let bus = Bus::activating(&arguments);
    bus.block_on(async {
        // Its frames are large, so that what the kernel holds for it is soon used up.
        let mut watch = bus.sampled(&["watch", "cpu", "--interval", "50ms", "--csv"]);
        let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = std::io::BufReader::new(watch.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
        let stopped = Process::open(watch.id()).unwrap();
        stopped.signal(Signal::STOP);
        let client = bus.client().await;
        let victim = *client.sessions().await.unwrap().keys().next().unwrap();
        let owner = info(&client, victim).await.unwrap().owner;
        let connection = client.proxy().inner().connection().clone();
        let held = async || -> u32 {
            let stats = Some("org.freedesktop.DBus.Debug.Stats");
            let (name, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
            let reply =
                connection.call_method(Some(name), path, stats, "GetConnectionStats", &owner);
            let reply = reply.await.unwrap();
            let body = reply.body();
            let stats: HashMap<String, Variant<'_>> = body.deserialize().unwrap();
            u32::try_from(&stats["OutgoingBytes"]).unwrap()
        };
        // The others get their frames all the while.
        let mut healthy = start(&client, &["memory"], 50).await;
        let dropped = async || info(&client, victim).await.unwrap().dropped;
        while dropped().await < 20 {
            frame(&mut healthy).await;
            let held = held().await;
            assert!(held < 256 * 1024, "the bus holds {held} bytes");
        }
        assert_eq!(info(&client, healthy.id()).await.unwrap().dropped, 0);
        // It is given frames again when it takes them.
        let before = info(&client, victim).await.unwrap().frames;
        stopped.signal(Signal::CONT);
        let mut reader = tokio::task::spawn_blocking(move || {
            let mut lines = std::io::BufRead::lines(stdout);
            while lines.next().is_some_and(|line| line.is_ok()) {}
        });
        while info(&client, victim).await.unwrap().frames < before + 20 {
            frame(&mut healthy).await;
        }
        stopped.signal(Signal::KILL);
        watch.wait().unwrap();
        timeout(DEADLINE, &mut reader).await.unwrap().unwrap();
    });
}
