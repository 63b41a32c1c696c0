//! Clients of the table that die or do not read.

use std::time::{Duration, Instant};

use sampled::client::{Start, TableOptions, TableSession};

use crate::{
    processes::{Sleeper, processes, sessions::next},
    sessions::info,
    support::bus::Bus,
};

#[test]
fn the_sessions_of_a_client_end_with_it() {
    let bus = Bus::activating("--idle-timeout 60ms");
    // The table is kept for five seconds, and the service must not wait for that. A busy machine may take as long, but
    // not in each of three tries.
    let kept = Duration::from_secs(5);
    let times = (0..3).map(|_| time_to_leave(&bus));
    assert!(times.into_iter().any(|time| time < kept));
}

/// Starts a session whose client leaves; returns the time from then to the end of the service.
fn time_to_leave(bus: &Bus) -> Duration {
    bus.block_on(async {
        let processes = processes(bus).await;
        let every = Start::every_millis(50);
        let none = TableOptions::default();
        let mut session = processes
            .start(&["pid", "cpu"], &none, every)
            .await
            .unwrap();
        let daemon = bus.owned().await;
        for _ in 0..6 {
            next(&mut session).await;
        }
        assert!(daemon.is_running());
        // The kernel closes the connection of a killed process in the same way.
        drop(session);
        let start = Instant::now();
        bus.vacant().await;
        daemon.wait();
        start.elapsed()
    })
}

#[test]
fn after_dropped_frames_a_client_gets_all_changes() {
    let bus = Bus::activating("");
    // Large frames: the process changes all the time, and has a long command line.
    let spin = "while :; do :; done";
    let mut command = bus.command("nice");
    command.args(["-n", "19", "sh", "-c", spin, &"x".repeat(30_000)]);
    let spinner = Sleeper::of(&mut command);
    bus.block_on(async {
        let client = bus.client().await;
        let processes = processes(&bus).await;
        let children =
            TableOptions::default().filtered_by("parent", &std::process::id().to_string());
        let fields = ["pid", "command_line", "cpu_time", "name"];
        let start =
            |milliseconds| processes.start(&fields, &children, Start::every_millis(milliseconds));
        let mut slow = start(50).await.unwrap();
        let mut quick = start(50).await.unwrap();
        let (early, mut late) = (Sleeper::new(&bus), None);
        next(&mut slow).await;
        let mut before = 0;
        loop {
            next(&mut quick).await;
            let info = info(&client, slow.id()).await.unwrap();
            if info.dropped > 2 && late.is_none() {
                // These changes happen while frames are dropped.
                late = Some(Sleeper::new(&bus));
                before = info.dropped;
                early.kill();
            }
            if info.dropped > before + 2 && late.is_some() {
                break;
            }
        }
        let of_quick = info(&client, quick.id()).await.unwrap();
        assert_eq!(of_quick.dropped, 0, "{of_quick:?}");
        let (gone, came) = (early.pid(), late.as_ref().unwrap().pid());
        drop(early);
        let is_right = |session: &TableSession| {
            let rows = session.rows();
            rows.contains_key(&came) && !rows.contains_key(&gone)
        };
        while !is_right(&slow) {
            next(&mut slow).await;
        }
        assert!(slow.rows().contains_key(&spinner.pid()));
    });
}
