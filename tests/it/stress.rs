//! Callers that never rest, and a daemon that never stays: no call is lost.
//!
//! `SAMPLED_STRESS_SECONDS` says for how long.

use std::{
    env,
    future::pending,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use sampled::client::Client;
use tokio::{runtime::Builder, time::timeout};

use crate::{
    idle_exit::sample,
    support::{bus::Bus, home::Home},
};

/// Eight callers that call and pause for about as long as the daemon lingers.
fn hammer(bus: &Bus, also: impl FnOnce(&AtomicBool) + Send) -> u64 {
    let seconds = env::var("SAMPLED_STRESS_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(4));
    let over = AtomicBool::new(false);
    let calls = AtomicU64::new(0);
    let together = Barrier::new(8);
    let (over, calls, together) = (&over, &calls, &together);
    thread::scope(|scope| {
        scope.spawn(move || also(over));
        for caller in 0..8u64 {
            scope.spawn(move || {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let address = bus.address();
                    let client = sampled::client::Bus::at(address).await.unwrap();
                    let client = Client::on(client).await.unwrap();
                    for round in 0.. {
                        for call in 0..4 {
                            let selector = match (call, round % 16) {
                                (0, 0) => "cpu/all/usage",
                                _ => "memory/physical/used",
                            };
                            assert!(sample(&client, selector, 10).await);
                            calls.fetch_add(1, Ordering::Relaxed);
                        }
                        // All of them pause, so that the daemon gets to leave at all; the pauses are
                        // spread closely about the time at which it does.
                        if together.wait().is_leader() {
                            over.store(Instant::now() >= until, Ordering::Relaxed);
                        }
                        together.wait();
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        let pause = 29_000 + (round * 379 + caller * 137) % 5_000;
                        let pause = Duration::from_micros(pause);
                        timeout(pause, pending::<()>()).await.unwrap_err();
                    }
                });
            });
        }
    });
    calls.load(Ordering::Relaxed)
}

#[test]
fn no_call_is_lost_by_idle_exits() {
    let bus = Bus::activating("--idle-timeout 30ms");
    let calls = hammer(&bus, |_| {});
    let started = bus.log().matches("Successfully activated").count();
    // It has left often enough to prove anything.
    assert!(started > 5, "{started} starts, {calls} calls");
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
    let calls = hammer(&bus, terminate);
    assert!(calls > 100, "{calls}");
}

#[test]
fn no_call_is_lost_by_installing() {
    let home = Home::new();
    home.run(&["install"]).ok();
    let bus = Bus::in_home(home);
    let mut replaced = 0;
    let install = |over: &AtomicBool| {
        while !over.load(Ordering::Relaxed) {
            // Each copy is another program to those that run.
            let run = bus.run(&["install"]);
            replaced += usize::from(run.stderr.contains("replaced process"));
            run.ok();
        }
    };
    let calls = hammer(&bus, install);
    assert!(calls > 100, "{calls}");
    assert!(replaced > 1, "{replaced}");
}

#[test]
fn what_is_kept_stays_so_under_callers() {
    let home = Home::new();
    home.run(&["install"]).ok();
    let bus = Bus::in_home(home);
    bus.run(&["start"]).ok();
    let replace = |over: &AtomicBool| {
        let mut replaced = 0;
        while !over.load(Ordering::Relaxed) {
            for command in ["install", "restart"] {
                let run = bus.run(&[command]);
                let said = [&*run.stdout, &run.stderr].concat();
                assert!(said.contains("started: process"), "{run:?}");
                run.ok();
                let status = bus.run(&["status"]).ok();
                assert!(status.contains("detached by `sampled start`"), "{status}");
            }
            replaced += 1;
        }
        assert!(replaced > 1, "{replaced}");
    };
    let calls = hammer(&bus, replace);
    assert!(calls > 100, "{calls}");
    bus.run(&["stop"]).ok();
}
