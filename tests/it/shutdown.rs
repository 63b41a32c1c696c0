//! A signal ends the service in time, whatever the bus does and whatever was asked for.

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

/// How long the service may take to go after a signal.
const GONE: Duration = Duration::from_secs(3);

const STOPPING: &str = "io.github.sampled.Error.Stopping";

/// The service, started by hand: its stderr is at hand.
fn serve(bus: &Bus, arguments: &[&str]) -> (Child, Process) {
    let mut serve = bus.sampled(&["serve", "--idle-timeout", "never"]);
    let serve = serve.args(arguments).stderr(Stdio::piped()).spawn();
    (serve.expect("spawn"), bus.block_on(bus.owned()))
}

/// Waits until a process waits for something that does not come.
fn until_it_waits(process: &Process) {
    let switches = || {
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).expect("status");
        let line = status.lines().find(|line| line.starts_with("voluntary"));
        line.expect("it is there since Linux 2.6.23").to_owned()
    };
    let start = Instant::now();
    let mut before = switches();
    loop {
        // As long as six frames of the sessions here.
        thread::sleep(Duration::from_millis(300));
        let now = switches();
        if now == before {
            return;
        }
        before = now;
        assert!(start.elapsed() < DEADLINE, "it does not wait");
    }
}

#[test]
fn a_stopped_bus_does_not_keep_it() {
    let bus = Bus::new();
    let (child, daemon) = serve(&bus, &[]);
    bus.stop();
    daemon.signal(Signal::TERM);
    assert!(daemon.ends_within(GONE), "it waits for the bus");
    let run = end(child);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("bus"), "{run:?}");
}

#[test]
fn frames_that_a_stopped_bus_does_not_take_do_not_keep_it() {
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
    until_it_waits(&daemon);
    daemon.signal(Signal::TERM);
    assert!(daemon.ends_within(GONE), "it waits for the bus");
    assert_eq!(end(child).code, Some(0));
    bus.block_on(async { drop(sessions) });
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let bus = Bus::new();
    let (child, daemon) = serve(&bus, &[]);
    bus.stop();
    daemon.signal(Signal::TERM);
    // timeout(1) signals the process and then its group: that is one wish.
    daemon.signal(Signal::INT);
    assert!(!daemon.ends_within(Duration::from_millis(500)));
    let start = Instant::now();
    daemon.signal(Signal::INT);
    daemon.wait();
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    end(child);
}

#[test]
fn a_call_that_waits_is_answered_before_the_end() {
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
    // Behind them on the same way: when this is answered, the other calls wait for their second reading.
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
    assert!(daemon.ends_within(GONE), "it waits for a window");
    assert_eq!(end(child).stderr, "");
}

#[test]
fn all_calls_are_answered_before_the_end() {
    let tree = fixture("server");
    let bus = Bus::new();
    let roots = [format!("{tree}/proc"), format!("{tree}/sys")];
    let (child, daemon) = serve(&bus, &["--procfs", &roots[0], "--sysfs", &roots[1]]);
    // Each takes a good part of a second, and they come one after the other.
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
    // What is answered shows that the bus has delivered what came before it.
    Raw::connect(&bus).call(&ask("List", &vec!["memory"]));
    let begin = Instant::now();
    daemon.signal(Signal::TERM);
    let mut answers = Vec::new();
    for raw in &mut raws {
        answers.extend((0..calls).map(|_| error(&raw.receive()).0));
    }
    let left = GONE.saturating_sub(begin.elapsed());
    assert!(
        daemon.ends_within(left),
        "it resolves what nobody waits for"
    );
    assert_eq!(end(child).stderr, "");
    let stopping = answers.iter().filter(|answer| *answer == STOPPING).count();
    assert!(stopping > 0, "there was too little to do: {answers:?}");
}

/// A call of the table of processes.
fn processes<B: serde::Serialize + zbus::DynamicType>(body: &B) -> Message {
    let call = Message::method_call(sampled::wire::PATH, "Snapshot");
    let call = call.interface(sampled::wire::PROCESSES_INTERFACE);
    let call = call.destination(sampled::wire::NAME).build(body);
    call.expect("it is well formed")
}

fn answers(reply: &Message, call: &Message) -> bool {
    reply.header().reply_serial() == Some(call.primary_header().serial_num())
}
