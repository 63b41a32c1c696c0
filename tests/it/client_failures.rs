//! Clients that die, stop or do not read harm no other client.

use std::{collections::HashMap, process::Stdio, time::Instant};

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
fn the_sessions_of_a_killed_client_end() {
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
        // The service exits when it is idle only if the session has ended.
        bus.vacant().await;
        daemon.wait();
    });
}

#[test]
fn a_client_that_dies_during_start_leaves_no_session() {
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
fn a_client_that_does_not_read_loses_frames_and_others_do_not() {
    let tree = fixture("server");
    let arguments = format!("--procfs {tree}/proc --sysfs {tree}/sys");
    let bus = Bus::activating(&arguments);
    bus.block_on(async {
        // Its frames are large, so that they soon fill the buffers of the kernel.
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
        let queued_bytes = async || -> u32 {
            let stats = Some("org.freedesktop.DBus.Debug.Stats");
            let (name, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
            let reply =
                connection.call_method(Some(name), path, stats, "GetConnectionStats", &owner);
            let reply = reply.await.unwrap();
            let body = reply.body();
            let stats: HashMap<String, Variant<'_>> = body.deserialize().unwrap();
            u32::try_from(&stats["OutgoingBytes"]).unwrap()
        };
        // Another client gets its frames all the time.
        let mut healthy = start(&client, &["memory"], 50).await;
        let dropped = async || info(&client, victim).await.unwrap().dropped;
        let deadline = Instant::now() + DEADLINE;
        while dropped().await < 20 {
            assert!(Instant::now() < deadline, "no frame is dropped");
            frame(&mut healthy).await;
            let bytes = queued_bytes().await;
            assert!(bytes < 256 * 1024, "the bus holds {bytes} bytes");
        }
        assert_eq!(info(&client, healthy.id()).await.unwrap().dropped, 0);
        // It gets frames again when it reads again.
        let before = info(&client, victim).await.unwrap().frames;
        stopped.signal(Signal::CONT);
        let mut reader = tokio::task::spawn_blocking(move || {
            let mut lines = std::io::BufRead::lines(stdout);
            while lines.next().is_some_and(|line| line.is_ok()) {}
        });
        let deadline = Instant::now() + DEADLINE;
        while info(&client, victim).await.unwrap().frames < before + 20 {
            assert!(Instant::now() < deadline, "no frame is sent");
            frame(&mut healthy).await;
        }
        stopped.signal(Signal::KILL);
        watch.wait().unwrap();
        timeout(DEADLINE, &mut reader).await.unwrap().unwrap();
    });
}
