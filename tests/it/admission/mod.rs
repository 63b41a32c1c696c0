//! Admission: clients cannot flood the service, forge messages of the bus, or leave replies unread.
//!
//! - `messages`: forged, malformed and unusual messages, and unusual connections.

mod messages;

use std::{
    collections::HashMap,
    fs,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt};
use sampled::{
    client::{SampleOptions, Start},
    wire::NAME,
};
use zbus::{
    Message, Variant,
    fdo::DBusProxy,
    message::{Flags, Type},
};

use crate::{
    slow_readers::held,
    support::{
        bus::Bus,
        home::SAMPLED,
        process::{DEADLINE, Run},
        raw::{Raw, ask, error, finish},
    },
};

const LIMIT: &str = "io.github.sampled.Error.LimitExceeded";

/// A window of a rate, longer than a busy machine takes to read the calls of a test.
const LONG: Variant<'static> = Variant::U64(4_000_000);

fn no_options() -> HashMap<&'static str, Variant<'static>> {
    HashMap::new()
}

/// A field of /proc/PID/status, in kB.
fn memory(pid: u32, key: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn an_oversized_message_is_refused_without_being_read() {
    let bus = Bus::activating("");
    let mut raw = Raw::connect(&bus);
    assert_eq!(
        raw.call(&ask("List", &vec!["memory"])).message_type(),
        Type::MethodReturn
    );
    let daemon = bus.block_on(bus.owned());
    let before = memory(daemon.pid, "VmHWM:");
    for selectors in [200_000, 5_000_000] {
        let call = ask("List", &vec!["*/*/*"; selectors]);
        let (name, text) = error(&raw.call(&call));
        assert_eq!(name, LIMIT);
        let reason = "a message has at most 1048576 (limits.message_bytes)";
        assert!(
            text.starts_with("the call has") && text.ends_with(reason),
            "{text}"
        );
    }
    let after = memory(daemon.pid, "VmHWM:");
    assert!(after < before + 2048, "{before} kB, then {after} kB");
    // The next message is read.
    assert_eq!(
        raw.call(&ask("List", &vec!["memory"])).message_type(),
        Type::MethodReturn
    );
}

#[test]
fn a_flooding_client_is_refused_and_others_are_served() {
    let bus = Bus::activating("");
    let mut raw = Raw::connect(&bus);
    let window = HashMap::from([("window", LONG)]);
    let calls: Vec<_> = (0..100)
        .map(|_| ask("Sample", &(vec!["cpu/all/usage"], &window)))
        .collect();
    let bytes: Vec<_> = calls.iter().flat_map(|call| call.data().to_vec()).collect();
    raw.send(&bytes);
    let mut refused = 0;
    let mut answered = 0;
    for _ in &calls {
        let reply = loop {
            let message = raw.receive();
            if message.message_type() != Type::Signal {
                break message;
            }
        };
        match error(&reply) {
            (name, _) if name.is_empty() => answered += 1,
            (name, text) => {
                assert_eq!(name, LIMIT);
                assert!(
                    text.contains("at most 64 at a time (limits.calls)"),
                    "{text}"
                );
                // Refusals do not wait for the admitted calls.
                assert_eq!(answered, 0);
                refused += 1;
                if refused == 1 {
                    // Nor do calls of other clients.
                    let mut other = Raw::connect(&bus);
                    let one = ask("Sample", &(vec!["memory/physical/used"], no_options()));
                    assert_eq!(other.call(&one).message_type(), Type::MethodReturn);
                }
            }
        }
    }
    assert_eq!((answered, refused), (64, 36));
}

#[test]
fn the_total_of_calls_is_limited_and_a_clients_only_call_is_admitted() {
    let bus = Bus::activating("");
    fs::create_dir_all(bus.config().join("sampled")).unwrap();
    let config = bus.config().join("sampled/config.toml");
    fs::write(config, "limits.total.calls = 10").unwrap();
    let window = HashMap::from([("window", LONG)]);
    let sample = || ask("Sample", &(vec!["cpu/all/usage"], &window));
    let mut clients: Vec<_> = (0..5).map(|_| Raw::connect(&bus)).collect();
    let first: Vec<_> = clients
        .iter_mut()
        .map(|raw| {
            let calls: Vec<_> = (0..8).map(|_| sample()).collect();
            calls.iter().for_each(|call| raw.send(call.data()));
            calls
        })
        .collect();
    let mut other = Raw::connect(&bus);
    let one = ask("List", &vec!["memory"]);
    assert_eq!(other.call(&one).message_type(), Type::MethodReturn);
    let mut answered = 0;
    for (raw, calls) in clients.iter_mut().zip(first) {
        let mut of_client = 0;
        for _ in calls {
            let reply = loop {
                let message = raw.receive();
                if message.message_type() != Type::Signal {
                    break message;
                }
            };
            match error(&reply) {
                (name, _) if name.is_empty() => of_client += 1,
                (name, text) => {
                    assert_eq!(name, LIMIT);
                    assert!(text.contains("limits.total"), "{text}");
                }
            }
        }
        assert!(of_client > 0, "no call of this client is admitted");
        answered += of_client;
    }
    assert!((9..20).contains(&answered), "{answered}");
}

#[test]
fn a_call_that_expects_no_reply_runs_counts_and_gets_none() {
    let bus = Bus::activating("");
    let mut raw = Raw::connect(&bus);
    let start = ask("Start", &(vec!["memory"], 86_400_000_000_u64, no_options()));
    let (session, _): (u32, Vec<String>) = raw.call(&start).body().deserialize().unwrap();
    let stop = Message::method_call(sampled::wire::PATH, "Stop");
    let stop = finish(stop.with_flags(Flags::NO_REPLY_EXPECTED), &session);
    raw.send(stop.data());
    let sessions = ask("Sessions", &());
    raw.send(sessions.data());
    loop {
        let message = raw.receive();
        let answered = message.header().reply_serial();
        assert_ne!(answered, Some(stop.primary_header().serial_num()));
        if answered == Some(sessions.primary_header().serial_num()) {
            let body = message.body();
            let left: HashMap<u32, HashMap<&str, Variant<'_>>> = body.deserialize().unwrap();
            assert!(left.is_empty(), "{left:?}");
            break;
        }
    }
    // More replies than all buffers hold.
    let sample = Message::method_call(sampled::wire::PATH, "Sample");
    let sample = finish(
        sample.with_flags(Flags::NO_REPLY_EXPECTED),
        &(Vec::<&str>::new(), no_options()),
    );
    raw.repeat(&sample, 2000);
    raw.call(&ask("Sources", &()));
}

#[test]
fn a_client_that_never_reads_does_not_fill_the_bus() {
    let bus = Bus::activating("");
    let mut raw = Raw::connect(&bus);
    let sample = ask("Sample", &(Vec::<&str>::new(), no_options()));
    // The bus queues only some calls for a service that it is starting.
    assert_eq!(raw.call(&sample).message_type(), Type::MethodReturn);
    raw.repeat(&sample, 5000);
    bus.block_on(async {
        let client = bus.client().await;
        // Until nothing was added for longer than the first reading of a rate takes.
        let start = Instant::now();
        let (mut before, mut since) = (0, Instant::now());
        while before == 0 || since.elapsed() < Duration::from_millis(500) {
            assert!(start.elapsed() < DEADLINE, "the bus holds {before} bytes");
            let one = client.sample(&["memory"], SampleOptions::default());
            one.await.unwrap();
            let now = held(client.bus().connection(), raw.name()).await;
            if now != before {
                (before, since) = (now, Instant::now());
            }
            // The limit of 1 MiB, the messages in transit, and errors.
            assert!(now < 4 << 20, "{now} bytes");
        }
    });
}

#[test]
fn clients_that_are_killed_during_calls_leave_nothing_behind() {
    let bus = Bus::activating("--idle-timeout 100ms");
    let sample = ask("Sample", &(Vec::<&str>::new(), no_options()));
    for _ in 0..20 {
        let mut raw = Raw::connect(&bus);
        raw.repeat(&sample, 50);
    }
    bus.block_on(async {
        let client = bus.client().await;
        let session = client
            .start(&["memory"], Start::every(Duration::from_secs(1)))
            .await;
        let daemon = bus.owned().await;
        session.unwrap().stop().await.unwrap();
        drop(client);
        // It exits when it is idle only if it counts no call of a killed client.
        bus.vacant().await;
        daemon.wait();
    });
}

#[test]
fn with_few_descriptors_the_service_works_or_fails_before_it_owns_the_name() {
    let bus = Bus::new();
    bus.block_on(async {
        let connection = bus.connect().await;
        let proxy = DBusProxy::new(&connection).await.unwrap();
        let changes = proxy.receive_name_owner_changed_with_args(&[(0, NAME)]);
        let mut changes = changes.await.unwrap();
        let mut served = 0;
        for descriptors in 4..40 {
            let limit = format!("--nofile={descriptors}:{descriptors}");
            let serve = [&limit, SAMPLED, "serve", "--idle-timeout", "20ms"];
            let run = Run::of(bus.command("prlimit").args(serve));
            // The bus has sent all changes of the owner before this reply.
            proxy.get_id().await.unwrap();
            let mut owned = 0;
            while let Some(Some(_)) = changes.next().now_or_never() {
                owned += 1;
            }
            match run.code {
                Some(0) => {
                    assert_eq!(owned, 2, "{descriptors}: {run:?}");
                    served += 1;
                }
                code => {
                    assert_eq!(owned, 0, "{descriptors}: it has owned the name: {run:?}");
                    assert!(matches!(code, Some(1 | 127)), "{descriptors}: {run:?}");
                    assert!(!run.stderr.is_empty(), "{descriptors}: {run:?}");
                    assert!(!run.stderr.contains("panicked"), "{descriptors}: {run:?}");
                }
            }
        }
        assert!(served > 10, "{served}");
    });
}
