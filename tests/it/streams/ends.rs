//! The end of a stream: by its reader, its owner, `Stop`, or the end of the service.

use std::fs;

use futures_util::StreamExt;
use rustix::process::Signal;
use sampled::{
    client::{Error, StreamOptions},
    wire::{INTERFACE, NAME, PATH},
};
use tokio::time::timeout;
use zbus::{Message, message::Flags};

use super::{DAY, labels, open, reads, record, stream, until, until_ended};
use crate::{
    sessions::{Options, info},
    support::{bus::Bus, process::DEADLINE},
};

#[test]
fn a_closed_pipe_ends_the_session_at_once() {
    let bus = Bus::activating("--idle-timeout 100ms");
    bus.block_on(async {
        let client = bus.client().await;
        let mut ended = client.proxy().receive_ended().await.unwrap();
        for interval in [1000, DAY] {
            let opened = open(&client, &["memory"], interval).await.unwrap();
            opened.read(1).await;
            drop(opened.pipe);
            let signal = timeout(DEADLINE, ended.next()).await.unwrap().unwrap();
            let signal = signal.args().unwrap();
            assert_eq!(
                (*signal.session(), signal.reason().as_str()),
                (opened.session, "closed")
            );
            assert!(info(&client, opened.session).await.is_none());
        }
        // Nothing keeps the service.
        bus.vacant().await;
    });
}

#[test]
fn an_open_stream_keeps_the_service() {
    let bus = Bus::activating("--idle-timeout 50ms");
    bus.block_on(async {
        let client = bus.client().await;
        let mut stream = stream(&client, &["memory"], 20).await;
        let first = record(&mut stream).await.timestamp;
        while record(&mut stream).await.timestamp < first + 300_000 {}
        stream.stop().await.unwrap();
        bus.vacant().await;
    });
}

#[test]
fn the_pipe_ends_when_its_owner_leaves_or_stops_it() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let other = bus.client().await;
        let client = bus.client().await;
        let opened = open(&client, &["memory"], DAY).await.unwrap();
        let error = other.stop(opened.session).await.unwrap_err();
        assert!(matches!(error, Error::NotOwner(_)), "{error:?}");
        client.stop(opened.session).await.unwrap();
        assert_eq!(opened.read_to_end().await.len(), 1);
        let opened = open(&client, &["memory"], DAY).await.unwrap();
        opened.read(1).await;
        drop(client);
        assert!(opened.read_to_end().await.is_empty());
        until_ended(&other, opened.session).await;
    });
}

#[test]
fn the_client_library_tells_the_reason_of_the_end() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        for (signal, reason) in [
            (Signal::TERM, "the session is over: stopping"),
            (Signal::KILL, "the session is over: the service has gone"),
        ] {
            let mut stream = stream(&client, &["memory"], 5).await;
            record(&mut stream).await;
            bus.owned().await.signal(signal);
            let end = async {
                loop {
                    if let Err(error) = stream.next().await {
                        return error.to_string();
                    }
                }
            };
            assert_eq!(timeout(DEADLINE, end).await.unwrap(), reason);
            // It stays at its end.
            assert!(matches!(stream.next().await, Err(Error::Ended(_))));
            bus.vacant().await;
        }
    });
}

#[test]
fn a_dropped_stream_ends_its_session() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let options = StreamOptions {
            label: "a graph".to_owned(),
            ..StreamOptions::every_millis(50)
        };
        let stream = client.open(&["memory"], options).await.unwrap();
        let id = stream.id();
        assert_eq!(labels(&client).await[&id], "a graph");
        drop(stream);
        until_ended(&client, id).await;
    });
}

#[test]
fn a_reply_that_nobody_takes_leaves_no_session() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let before = reads(&client, "cpu/loadaverages").await;
        let open = Message::method_call(PATH, "Open")
            .destination(NAME)
            .interface(INTERFACE)
            .with_flags(Flags::NO_REPLY_EXPECTED)
            .build(&(["cpu/loadaverages"].as_slice(), 1000_u64, Options::new()))
            .unwrap();
        let connection = bus.connect().await;
        connection.send(&open).await.unwrap();
        // The call was carried out when the next one of this client is.
        let proxy = connection.call_method(Some(NAME), PATH, Some(INTERFACE), "Sessions", &());
        proxy.await.unwrap();
        until("the session stays", async || {
            client.sessions().await.unwrap().is_empty()
        })
        .await;
        assert!(reads(&client, "cpu/loadaverages").await <= before + 1);
    });
}

#[test]
fn streams_leave_no_descriptors_behind() {
    let bus = Bus::activating("--idle-timeout never");
    bus.block_on(async {
        let client = bus.client().await;
        client.list(&["memory"]).await.unwrap();
        let daemon = bus.owned().await.pid;
        let descriptors = || fs::read_dir(format!("/proc/{daemon}/fd")).unwrap().count();
        let open_and_close = async |count| {
            for turn in 0..count {
                let opened = open(&client, &["memory"], 10_000).await.unwrap();
                match turn % 2 {
                    0 => client.stop(opened.session).await.unwrap(),
                    _ => {
                        drop(opened.pipe);
                        until_ended(&client, opened.session).await;
                    }
                }
            }
        };
        open_and_close(2).await;
        let before = descriptors();
        open_and_close(100).await;
        until("descriptors stay open", async || {
            // A call lets the service drop what has ended.
            client.sessions().await.unwrap();
            descriptors() <= before
        })
        .await;
    });
}
