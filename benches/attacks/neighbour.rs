//! The neighbour of an attack: a client that reads one metric again and again. The floor is a second client that calls
//! `GetId` of the bus twice each time, because the bus handles a call of the service and its reply, too.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use zbus::Variant;

use crate::{
    SAMPLED,
    bus::{Bus, Client, Target, call},
};

/// The time from call to call.
const INTERVAL: Duration = Duration::from_millis(4);

pub(crate) struct Neighbour {
    service: JoinHandle<Latencies>,
    bus: JoinHandle<Latencies>,
    is_over: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
}

/// The durations of calls, sorted.
#[derive(Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Neighbour {
    pub(crate) fn begin(bus: &Bus) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let count = Arc::new(AtomicUsize::new(0));
        let options = HashMap::<&str, Variant<'_>>::new();
        let sample = call(SAMPLED, "Sample", &(vec!["memory/physical/used"], options));
        let driver = Target {
            name: "org.freedesktop.DBus",
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
        };
        let id = call(driver, "GetId", &());
        let (over, counted, client) = (is_over.clone(), count.clone(), bus.connect());
        let service = thread::spawn(move || measure(client, &[&sample], &over, &counted));
        let (over, client) = (is_over.clone(), bus.connect());
        let bus = thread::spawn(move || measure(client, &[&id, &id], &over, &AtomicUsize::new(0)));
        Self {
            service,
            bus,
            is_over,
            count,
        }
    }

    /// The number of replies so far.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Stops both clients; returns the latencies of the service and of the bus.
    pub(crate) fn end(self) -> (Latencies, Latencies) {
        self.is_over.store(true, Ordering::Relaxed);
        let answered = "the neighbour is answered";
        (
            self.service.join().expect(answered),
            self.bus.join().expect(answered),
        )
    }
}

fn measure(
    mut client: Client,
    calls: &[&Vec<u8>],
    over: &AtomicBool,
    count: &AtomicUsize,
) -> Latencies {
    let mut latencies = Latencies::default();
    while !over.load(Ordering::Relaxed) {
        let begin = Instant::now();
        for call in calls {
            client.call(call);
        }
        let mut taken = begin.elapsed();
        latencies.0.push(taken);
        // A stall delays all calls that would have been made during it, and counts for each of them.
        while taken > INTERVAL {
            taken -= INTERVAL;
            latencies.0.push(taken);
        }
        count.fetch_add(1, Ordering::Relaxed);
        thread::sleep(INTERVAL.saturating_sub(taken));
    }
    latencies.0.sort_unstable();
    latencies
}

impl Latencies {
    pub(crate) fn p50(&self) -> Duration {
        self.at(50)
    }

    pub(crate) fn p99(&self) -> Duration {
        self.at(99)
    }

    pub(crate) fn max(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }

    fn at(&self, percent: usize) -> Duration {
        let at = self.0.len().saturating_sub(1) * percent / 100;
        self.0.get(at).copied().unwrap_or_default()
    }
}
