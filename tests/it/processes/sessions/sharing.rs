//! Sessions of processes share passes over /proc, and the list of sessions with those of metrics.

use std::{collections::BTreeSet, time::SystemTime};

use futures_util::future::join_all;
use sampled::client::{Error, Start, TableOptions};
use tokio::time::timeout;

use super::next;
use crate::{
    processes::{passes, processes},
    sessions::info,
    support::{bus::Bus, process::DEADLINE},
};

#[test]
fn sessions_of_one_interval_share_passes() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let clients = join_all((0..5).map(|_| processes(&bus))).await;
        let fields: [&[&str]; 2] = [&["pid", "cpu"], &["name", "rss", "state"]];
        let none = TableOptions::default();
        let starts = clients.iter().enumerate().map(async |(index, client)| {
            let every = Start::every_millis(100);
            let started = client.start(fields[index % 2], &none, every);
            started.await.unwrap()
        });
        let mut sessions = join_all(starts).await;
        let mut times = vec![BTreeSet::new(); sessions.len()];
        let five_shared = async {
            loop {
                let changes = join_all(sessions.iter_mut().map(next)).await;
                for (times, change) in times.iter_mut().zip(changes) {
                    times.insert(change.timestamp);
                }
                let is_shared = |time: &&u64| times.iter().all(|times| times.contains(time));
                if times[0].iter().filter(is_shared).count() >= 5 {
                    return;
                }
            }
        };
        timeout(DEADLINE, five_shared).await.expect("shared passes");
        let taken = passes(&bus).await;
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = since_epoch.unwrap().as_micros();
        // A session that has a later frame has all frames of these passes.
        for (session, times) in sessions.iter_mut().zip(&mut times) {
            while times.last().is_none_or(|&last| u128::from(last) <= now) {
                times.insert(next(session).await.timestamp);
            }
        }
        let timestamps: BTreeSet<u64> = times.iter().flatten().copied().collect();
        let count = timestamps.len() as u64;
        assert!(taken <= count, "{taken} passes, {count} timestamps");
    });
}

#[test]
fn both_interfaces_share_the_list_of_sessions() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let (client, processes) = (bus.client().await, processes(&bus).await);
        let labelled = Start {
            label: "top".to_owned(),
            ..Start::every_millis(80)
        };
        let none = TableOptions::default();
        let mut table = processes
            .start(&["pid", "cpu"], &none, labelled)
            .await
            .unwrap();
        let mut metrics = crate::sessions::start(&client, &["memory"], 80).await;
        assert_ne!(table.id(), metrics.id());
        next(&mut table).await;
        crate::sessions::frame(&mut metrics).await;
        let info = info(&client, table.id()).await.unwrap();
        assert_eq!((info.label.as_str(), info.detached), ("top", false));
        assert_eq!(info.fields, ["pid", "cpu"]);
        assert!(info.metrics.is_empty() && info.frames > 0, "{info:?}");
        // Another client can stop neither session, and its `Quit` is refused.
        let error = processes.stop(table.id()).await.unwrap_err();
        assert!(matches!(error, Error::NotOwner(_)), "{error:?}");
        let error = client.stop(table.id()).await.unwrap_err();
        assert!(matches!(error, Error::NotOwner(_)), "{error:?}");
        let error = client.quit().await.unwrap_err();
        assert!(matches!(error, Error::Busy(_)), "{error:?}");
        table.stop().await.unwrap();
        crate::sessions::frame(&mut metrics).await;
        metrics.stop().await.unwrap();
        assert!(client.sessions().await.unwrap().is_empty());
    });
}
