//! Eight clients call all the time while the service ends and is replaced: no call is lost.
//!
//! `SAMPLED_STRESS_SECONDS` is the least time of each test.

use std::{
    future::pending,
    sync::{
        Barrier, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use sampled::client::{Client, SampleOptions};
use tokio::{runtime::Builder, time::timeout};

use crate::support::{
    bus::Bus,
    home::Home,
    process::{DEADLINE, stress_time},
};

/// Eight clients call, and pause for about as long as the idle timeout of the service. They end when the time is over
/// and enough calls and restarts have happened. `also` runs at the same time, until its flag is set.
#[track_caller]
fn stress(
    bus: &Bus,
    has_restarted_enough: impl Fn() -> bool + Sync,
    also: impl FnOnce(&AtomicBool) + Send,
) {
    let until = Instant::now() + stress_time().unwrap_or(Duration::from_secs(4));
    let over = AtomicBool::new(false);
    let calls = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    let is_enough = || calls.load(Ordering::Relaxed) > 100 && has_restarted_enough();
    // A client that failed still takes part in the barrier, so that the others do not wait for ever.
    let is_over = || {
        let now = Instant::now();
        let is_late = now >= until + DEADLINE;
        is_late || !failures.lock().unwrap().is_empty() || now >= until && is_enough()
    };
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        scope.spawn(|| also(&over));
        for number in 0..8u64 {
            let (over, calls, failures, barrier, is_over) =
                (&over, &calls, &failures, &barrier, &is_over);
            scope.spawn(move || {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let address = bus.address();
                    let client = sampled::client::Bus::at(address).await.unwrap();
                    let client = Client::on(client).await.unwrap();
                    for round in 0.. {
                        for call in 0..4 {
                            let id = match (call, round % 16) {
                                (0, 0) => "cpu/all/usage",
                                _ => "memory/physical/used",
                            };
                            let options = SampleOptions {
                                window: Some(Duration::from_millis(10)),
                                ..SampleOptions::default()
                            };
                            match client.sample(&[id], options).await {
                                Ok(sample) if sample.readings.contains_key(id) => {
                                    calls.fetch_add(1, Ordering::Relaxed);
                                }
                                lost => failures.lock().unwrap().push(format!("{lost:?}")),
                            }
                        }
                        // All of them pause, so that the service is idle at times. The pauses are about
                        // as long as its idle timeout.
                        if barrier.wait().is_leader() {
                            over.store(is_over(), Ordering::Relaxed);
                        }
                        barrier.wait();
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        let pause = 29_000 + (round * 379 + number * 137) % 5_000;
                        let pause = Duration::from_micros(pause);
                        timeout(pause, pending::<()>()).await.unwrap_err();
                    }
                });
            });
        }
    });
    let failures = failures.lock().unwrap();
    assert!(failures.is_empty(), "{failures:?}");
    assert!(is_enough(), "{calls:?} calls, {}", bus.log());
}

/// The number of times that the bus has started the service.
fn activations(bus: &Bus) -> usize {
    bus.log().matches("Successfully activated").count()
}

#[test]
fn no_call_is_lost_by_idle_exits() {
    let bus = Bus::activating("--idle-timeout 30ms");
    stress(&bus, || activations(&bus) > 5, |_| {});
}

#[test]
fn no_call_is_lost_by_sigterm() {
    let bus = Bus::activating("--idle-timeout 30ms");
    let terminate = |over: &AtomicBool| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut quarters = tokio::time::interval(Duration::from_millis(250));
            while !over.load(Ordering::Relaxed) {
                quarters.tick().await;
                if let Some(daemon) = bus.daemon().await {
                    daemon.signal(Signal::TERM);
                }
            }
        });
    };
    stress(&bus, || activations(&bus) > 5, terminate);
}

#[test]
fn no_call_is_lost_by_install() {
    let home = Home::new();
    home.run(&["install"]).ok();
    let bus = Bus::in_home(home);
    let replaced = AtomicUsize::new(0);
    let install = |over: &AtomicBool| {
        while !over.load(Ordering::Relaxed) {
            // It copies the program, and the running service executes the copy before.
            let run = bus.run(&["install"]);
            let has_replaced = run.stderr.contains("replaced process");
            replaced.fetch_add(usize::from(has_replaced), Ordering::Relaxed);
            run.ok();
        }
    };
    stress(&bus, || replaced.load(Ordering::Relaxed) > 1, install);
}

#[test]
fn a_started_service_stays_detached_when_it_is_replaced() {
    let home = Home::new();
    home.run(&["install"]).ok();
    let bus = Bus::in_home(home);
    bus.run(&["start"]).ok();
    let replaced = AtomicUsize::new(0);
    let replace = |over: &AtomicBool| {
        while !over.load(Ordering::Relaxed) {
            for command in ["install", "restart"] {
                let run = bus.run(&[command]);
                let output = [&*run.stdout, &run.stderr].concat();
                assert!(output.contains("started: process"), "{run:?}");
                run.ok();
                let status = bus.run(&["status"]).ok();
                assert!(status.contains("detached by `sampled start`"), "{status}");
            }
            replaced.fetch_add(1, Ordering::Relaxed);
        }
    };
    stress(&bus, || replaced.load(Ordering::Relaxed) > 1, replace);
    bus.run(&["stop"]).ok();
}
