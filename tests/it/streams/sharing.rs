//! Equal streams share reads, and all together share the limits of the kernel.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use nix::fcntl::{FcntlArg, fcntl};

use super::{Opened, open, reads};
use crate::{sessions::info, support::bus::Bus};

#[test]
fn equal_streams_share_reads() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let selectors = ["cpu/loadaverages"];
        let opened = join_all((0..8).map(|_| open(&client, &selectors, 10_000))).await;
        let opened: Vec<Opened> = opened.into_iter().map(Result::unwrap).collect();
        let read = join_all(opened.iter().map(|opened| opened.read(40))).await;
        for opened in &opened {
            client.stop(opened.session).await.unwrap();
        }
        let rest = join_all(opened.iter().map(Opened::read_to_end)).await;
        let timestamps: BTreeSet<u64> = read
            .iter()
            .chain(&rest)
            .flatten()
            .map(|record| record.timestamp)
            .collect();
        let reads = reads(&client, selectors[0]).await;
        // A read for each moment, and no more: each record has the timestamp of its read.
        assert_eq!(reads, timestamps.len() as u64);
        // The first records come at moments of their own, the others at moments of the grid.
        let common = |timestamp: &&u64| {
            read.iter().all(|records| {
                let mut records = records.iter();
                records.any(|record| record.timestamp == **timestamp)
            })
        };
        assert!(timestamps.iter().filter(common).count() >= 20);
    });
}

#[test]
fn a_stream_and_a_session_share_reads() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let opened = open(&client, &["memory"], 50_000).await.unwrap();
        let mut session = crate::sessions::start(&client, &["memory"], 50).await;
        let mut times = BTreeSet::new();
        for _ in 0..20 {
            times.insert(crate::sessions::frame(&mut session).await.timestamp);
        }
        client.stop(opened.session).await.unwrap();
        let records = opened.read_to_end().await;
        let shared = records
            .iter()
            .filter(|record| times.contains(&record.timestamp));
        assert!(shared.count() >= 5, "{records:?} {times:?}");
    });
}

#[test]
fn a_quick_stream_has_a_larger_pipe_and_all_together_leave_some_for_others() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let ids: Vec<_> = client.list(&[]).await.unwrap().into_keys().collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).take(50).collect();
        let size = |opened: &Opened| fcntl(&opened.pipe, FcntlArg::F_GETPIPE_SZ).unwrap();
        let mut quick = Vec::new();
        for _ in 0..40 {
            quick.push(open(&client, &ids, 1000).await.unwrap());
        }
        let slow = open(&client, &ids, 1_000_000).await.unwrap();
        assert_eq!(size(&slow), 64 << 10);
        let sizes: Vec<_> = quick.iter().map(size).collect();
        assert_eq!(sizes[0], 512 << 10, "{sizes:?}");
        assert_eq!(sizes[39], 64 << 10, "{sizes:?}");
        let all: i32 = sizes.iter().sum();
        assert!(all <= (16 << 20) + 40 * (64 << 10), "{sizes:?}");
        assert_eq!(info(&client, slow.session).await.unwrap().dropped, 0);
    });
}
