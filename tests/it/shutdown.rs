//! A signal ends the service, also with a stopped bus and pending calls.
//!
//! Three seconds after the signal, SIGALRM kills a service that has not ended by itself. It has then no exit status, so
//! these tests check the status instead of measuring the time.

use std::{
    collections::HashMap,
    fs,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use sampled::client::Start;
use zbus::{Message, Variant};

use crate::{
    calls::fixture,
    idle_exit::end,
    support::{
        bus::Bus,
        process::{DEADLINE, Process},
        raw::{Raw, ask, error},
    },
};

const STOPPING: &str = "io.github.sampled.Error.Stopping";

/// Starts a service whose stderr is a pipe.
fn serve(bus: &Bus, arguments: &[&str]) -> (Child, Process) {
    let mut serve = bus.sampled(&["serve", "--idle-timeout", "never"]);
    let serve = serve.args(arguments).stderr(Stdio::piped()).spawn();
    (serve.expect("spawn"), bus.block_on(bus.owned()))
}

/// Waits until a process with sessions of 50 ms is blocked: it sleeps, and no timer wakes it.
fn until_blocked(process: &Process) {
    // The state, and the number of voluntary context switches. A process that is woken and waits for a CPU is in state R.
    let sleeps = || {
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).expect("status");
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        let switches = field("voluntary_ctxt_switches:").expect("it is there since Linux 2.6.23");
        let state = field("State:").expect("state").trim();
        state.starts_with('S').then(|| switches.trim().to_owned())
    };
    let start = Instant::now();
    let mut before = None;
    loop {
        let now = sleeps();
        if now.is_some() && now == before {
            return;
        }
        before = now;
        assert!(start.elapsed() < DEADLINE, "it is not blocked");
        // The time of six frames.
        thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn a_signal_ends_a_service_whose_bus_is_stopped() {
    let bus = Bus::new();
    let (child, daemon) = serve(&bus, &[]);
    bus.stop();
    daemon.signal(Signal::TERM);
    let run = end(child);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("bus"), "{run:?}");
}

#[test]
fn a_signal_ends_a_service_with_frames_that_a_stopped_bus_does_not_take() {
    let tree = fixture("server");
    let bus = Bus::new();
    let roots = [format!("{tree}/proc"), format!("{tree}/sys")];
    let (child, daemon) = serve(&bus, &["--procfs", &roots[0], "--sysfs", &roots[1]]);
    let sessions = bus.block_on(async {
        let client = bus.client().await;
        let mut sessions = Vec::new();
        for _ in 0..8 {
            let start = Start::every_millis(50);
            sessions.push(client.start(&["cpu"], start).await.expect("session"));
        }
        sessions
    });
    bus.stop();
    until_blocked(&daemon);
    daemon.signal(Signal::TERM);
    assert_eq!(end(child).code, Some(0));
    bus.block_on(async { drop(sessions) });
}

#[test]
fn a_second_signal_ends_the_wait_for_the_bus() {
    let bus = Bus::new();
    let (child, daemon) = serve(&bus, &[]);
    bus.stop();
    // timeout(1) signals the process and then its group: two signals at once count as one.
    daemon.stop();
    daemon.signal(Signal::TERM);
    daemon.signal(Signal::INT);
    daemon.signal(Signal::CONT);
    assert!(!daemon.ends_within(Duration::from_millis(500)));
    daemon.signal(Signal::INT);
    let run = end(child);
    assert_eq!(run.code, Some(0), "{run:?}");
    // Otherwise the message is that the deadline has passed.
    assert!(run.stderr.contains("another signal has come"), "{run:?}");
}

#[test]
fn a_call_that_waits_for_its_window_gets_the_error_stopping() {
    let bus = Bus::new();
    let (child, daemon) = serve(&bus, &[]);
    let [window, timeout] = [9_000_000, 10_000_000].map(Variant::U64);
    let options = HashMap::from([("window", window), ("timeout", timeout)]);
    let calls = [
        ask("Sample", &(vec!["cpu/all/usage"], &options)),
        processes(&(vec!["pid", "cpu"], &options)),
    ];
    let mut raw = Raw::connect(&bus);
    calls.iter().for_each(|call| raw.send(call.data()));
    // The bus delivers in order: when this call is answered, the other ones wait for their second reading.
    raw.call(&ask("List", &vec!["memory"]));
    daemon.signal(Signal::TERM);
    let mut left = calls.len();
    while left > 0 {
        let reply = raw.receive();
        if calls.iter().any(|call| answers(&reply, call)) {
            assert_eq!(error(&reply).0, STOPPING);
            left -= 1;
        }
    }
    let run = end(child);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""));
}

#[test]
fn all_pending_calls_are_answered_before_the_end() {
    let tree = fixture("server");
    let bus = Bus::new();
    let roots = [format!("{tree}/proc"), format!("{tree}/sys")];
    let (child, daemon) = serve(&bus, &["--procfs", &roots[0], "--sysfs", &roots[1]]);
    // Each takes a good part of a second, and the service answers one after the other.
    let stars = |count: usize| "*".repeat(count + 1);
    let all = (0..4096).map(|at| (at / 256, at / 16 % 16, at % 16));
    let patterns = all.map(|(a, b, c)| format!("{}/{}/{}", stars(a), stars(b), stars(c)));
    let patterns: Vec<_> = patterns.collect();
    let call = ask("List", &patterns);
    let mut raws: Vec<_> = (0..12).map(|_| Raw::connect(&bus)).collect();
    let calls = 4;
    for raw in &mut raws {
        raw.repeat(&call, calls);
    }
    // When this call is answered, the bus has delivered those before it.
    Raw::connect(&bus).call(&ask("List", &vec!["memory"]));
    daemon.signal(Signal::TERM);
    let mut answers = Vec::new();
    for raw in &mut raws {
        answers.extend((0..calls).map(|_| error(&raw.receive()).0));
    }
    let run = end(child);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""));
    let stopping = answers.iter().filter(|answer| *answer == STOPPING).count();
    assert!(stopping > 0, "the calls take too little time: {answers:?}");
}

/// A call of `Snapshot`.
fn processes<B: serde::Serialize + zbus::DynamicType>(body: &B) -> Message {
    let call = Message::method_call(sampled::wire::PATH, "Snapshot");
    let call = call.interface(sampled::wire::PROCESSES_INTERFACE);
    let call = call.destination(sampled::wire::NAME).build(body);
    call.expect("it is well formed")
}

fn answers(reply: &Message, call: &Message) -> bool {
    reply.header().reply_serial() == Some(call.primary_header().serial_num())
}
