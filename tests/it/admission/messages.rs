//! Forged, malformed and unusual messages, and unusual connections.

use std::{collections::HashMap, fs, process::Stdio};

use sampled::wire::NAME;
use zbus::{
    Fd, Message,
    message::{Flags, Type},
};

use crate::{
    sessions::{frame, start},
    support::{
        bus::Bus,
        process::{Run, skip},
        raw::{Raw, ask, error, finish},
    },
};

use super::{LIMIT, LONG, no_options};

#[test]
fn a_reused_serial_ends_no_other_call() {
    let bus = Bus::activating("");
    let mut raw = Raw::connect(&bus);
    raw.call(&ask("List", &vec!["memory"]));
    let window = HashMap::from([("window", LONG)]);
    let sample = || Message::method_call(sampled::wire::PATH, "Sample");
    let body = (vec!["cpu/all/usage"], &window);
    // The bus remembers only the serials of calls that expect a reply.
    let silent = finish(sample().with_flags(Flags::NO_REPLY_EXPECTED), &body);
    raw.repeat(&silent, 64);
    raw.repeat(&finish(sample(), &body), 64);
    for _ in 0..64 {
        let reply = loop {
            let message = raw.receive();
            if message.message_type() != Type::Signal {
                break message;
            }
        };
        let (name, text) = error(&reply);
        assert_eq!(name, LIMIT);
        assert!(text.contains("same serial"), "{text}");
    }
    // Calls without a reply still run and count: as many as a client may have.
    let (_, text) = error(&raw.call(&ask("Sources", &())));
    assert!(text.contains("limits.calls"), "{text}");
    // They end without a reply.
    loop {
        let sources = ask("Sources", &());
        raw.send(sources.data());
        let reply = loop {
            let message = raw.receive();
            if message.message_type() != Type::Signal {
                break message;
            }
        };
        let serial = sources.primary_header().serial_num();
        assert_eq!(reply.header().reply_serial(), Some(serial));
        if error(&reply).0.is_empty() {
            break;
        }
    }
}

#[test]
fn a_reply_with_a_descriptor_does_not_close_the_connection() {
    let bus = Bus::without_statistics();
    let mut raw = Raw::connect(&bus);
    let sample = || ask("Sample", &(Vec::<&str>::new(), no_options()));
    let (mut read, mut is_pinged) = (0, false);
    // After this many bytes the client is pinged.
    while read < 300 << 10 {
        let call = sample();
        raw.send(call.data());
        loop {
            let message = raw.receive();
            let header = message.header();
            if header.reply_serial() == Some(call.primary_header().serial_num()) {
                assert_eq!(error(&message), (String::new(), String::new()));
                read += message.data().len();
                break;
            }
            if message.message_type() == Type::MethodCall {
                let stdin = std::io::stdin();
                let pong = Message::method_return(&header);
                let pong = pong.build(&Fd::from(&stdin)).unwrap();
                raw.send_with_descriptors(&pong);
                is_pinged = true;
            }
        }
    }
    assert!(is_pinged);
    assert_eq!(
        raw.call(&ask("Sources", &())).message_type(),
        Type::MethodReturn
    );
}

#[test]
fn a_forged_name_owner_changed_is_ignored() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut session = start(&client, &["memory"], 50).await;
        frame(&mut session).await;
        let victim = client.bus().connection().unique_name().unwrap().to_string();
        let forger = bus.connect().await;
        let bus_name = "org.freedesktop.DBus";
        forger
            .emit_signal(
                Some(NAME),
                "/org/freedesktop/DBus",
                bus_name,
                "NameOwnerChanged",
                &(victim.as_str(), victim.as_str(), ""),
            )
            .await
            .unwrap();
        // Sent on the same connection: when this is answered, the signal has arrived.
        let peer = Some("org.freedesktop.DBus.Peer");
        forger
            .call_method(Some(NAME), sampled::wire::PATH, peer, "Ping", &())
            .await
            .unwrap();
        assert!(client.sessions().await.unwrap().contains_key(&session.id()));
        frame(&mut session).await;
    });
}

#[test]
fn descriptors_are_refused_and_closed() {
    let bus = Bus::activating("");
    let mut raw = Raw::connect(&bus);
    let call = || {
        let stdin = std::io::stdin();
        let descriptors: Vec<_> = (0..10).map(|_| Fd::from(&stdin)).collect();
        ask("List", &descriptors)
    };
    let mut refuse = || {
        let call = call();
        raw.send_with_descriptors(&call);
        let (_, text) = error(&raw.reply(&call));
        assert!(text.contains("no method takes a file descriptor"), "{text}");
    };
    refuse();
    let daemon = bus.block_on(bus.owned());
    let open = || {
        fs::read_dir(format!("/proc/{}/fd", daemon.pid))
            .unwrap()
            .count()
    };
    let before = open();
    for _ in 0..50 {
        refuse();
    }
    assert_eq!(open(), before);
}

#[test]
fn a_client_behind_a_proxy_is_served() {
    let bus = Bus::activating("");
    let proxy = bus.dir().join("proxy");
    let mut command = bus.command("xdg-dbus-proxy");
    let filter = ["--filter", &format!("--talk={NAME}"), "--fd=1"];
    command.arg(bus.address()).arg(&proxy).args(filter);
    let Ok(mut child) = command.stdout(Stdio::piped()).spawn() else {
        return skip("xdg-dbus-proxy is not installed");
    };
    // The proxy writes a byte when it listens.
    let mut byte = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
    let mut sample = bus.sampled(&["sample", "memory/physical/used", "--json"]);
    sample.env(
        "DBUS_SESSION_BUS_ADDRESS",
        format!("unix:path={}", proxy.display()),
    );
    let run = Run::of(&mut sample);
    assert!(run.stderr.is_empty(), "{}", run.stderr);
    assert!(run.ok().contains("memory/physical/used"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_bus_at_a_tcp_address_works() {
    let bus = Bus::over_tcp();
    assert!(bus.address().starts_with("tcp:"), "{}", bus.address());
    let run = bus.run(&["sample", "memory/physical/used", "--json"]);
    assert!(run.stderr.is_empty(), "{}", run.stderr);
    assert!(run.ok().contains("memory/physical/used"));
    bus.block_on(async {
        let client = bus.client().await;
        let mut session = start(&client, &["memory"], 50).await;
        frame(&mut session).await;
    });
}
