//! Streams: records in a pipe, from `Open` to the end of the pipe.

mod documentation;
mod ends;
mod limits;
mod records;
mod sharing;

use std::{
    collections::HashMap,
    fs::File,
    io::{ErrorKind, Read},
    os::fd::OwnedFd,
    time::Duration,
};

use sampled::client::{Client, Error, Record, RecordStream, StreamOptions};
use tokio::{
    task::spawn_blocking,
    time::{sleep, timeout},
};

use crate::{
    sessions::{Options, info},
    support::process::DEADLINE,
};

const DAY: u64 = 24 * 60 * 60 * 1_000_000;

/// The reply to `Open`.
struct Opened {
    session: u32,
    columns: Vec<String>,
    pipe: OwnedFd,
}

/// Calls `Open` on the client's own connection.
async fn open(client: &Client, selectors: &[&str], interval: u64) -> Result<Opened, Error> {
    open_with(client, selectors, interval, &Options::new()).await
}

async fn open_with(
    client: &Client,
    selectors: &[&str],
    interval: u64,
    options: &Options,
) -> Result<Opened, Error> {
    let reply = client.proxy().open(selectors, interval, options).await;
    let (session, columns, pipe) = reply.map_err(Error::from)?;
    Ok(Opened {
        session,
        columns,
        pipe: pipe.into(),
    })
}

impl Opened {
    /// Reads so many records, in a thread: the read end blocks.
    async fn read(&self, count: usize) -> Vec<Record> {
        let length = 8 * (1 + self.columns.len());
        let mut pipe = File::from(self.pipe.try_clone().unwrap());
        let read = spawn_blocking(move || {
            let mut bytes = vec![0; count * length];
            pipe.read_exact(&mut bytes).unwrap();
            bytes
        });
        let bytes = timeout(DEADLINE, read).await.expect("records in time");
        records(&bytes.unwrap(), length)
    }

    /// Reads to the end of the pipe. Fails unless there are whole records.
    async fn read_to_end(&self) -> Vec<Record> {
        let length = 8 * (1 + self.columns.len());
        let mut pipe = File::from(self.pipe.try_clone().unwrap());
        let read = spawn_blocking(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let bytes = timeout(DEADLINE, read).await.expect("the end in time");
        records(&bytes.unwrap(), length)
    }

    /// Reads what is in the pipe now.
    fn read_available(&self) -> Vec<Record> {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};
        fcntl(&self.pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let mut pipe = File::from(self.pipe.try_clone().unwrap());
        let mut bytes = Vec::new();
        let ended = pipe.read_to_end(&mut bytes).unwrap_err();
        assert_eq!(ended.kind(), ErrorKind::WouldBlock);
        fcntl(&self.pipe, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
        records(&bytes, 8 * (1 + self.columns.len()))
    }
}

fn records(bytes: &[u8], length: usize) -> Vec<Record> {
    assert_eq!(bytes.len() % length, 0, "{} of {length}", bytes.len());
    let records = bytes.chunks(length).map(|record| {
        let mut words = record.chunks(8).map(|word| word.try_into().unwrap());
        Record {
            timestamp: u64::from_le_bytes(words.next().unwrap()),
            values: words.map(f64::from_le_bytes).collect(),
        }
    });
    records.collect()
}

#[track_caller]
fn assert_in_order(records: &[Record]) {
    assert!(
        records.is_sorted_by(|one, next| one.timestamp < next.timestamp),
        "{records:?}"
    );
}

/// Opens a stream by the client library.
async fn stream(client: &Client, selectors: &[&str], milliseconds: u64) -> RecordStream {
    let options = StreamOptions::every_millis(milliseconds);
    client.open(selectors, options).await.expect("a stream")
}

async fn record(stream: &mut RecordStream) -> Record {
    let record = timeout(DEADLINE, stream.next()).await;
    record
        .expect("a record in time")
        .expect("the stream goes on")
}

/// Waits until a condition holds, about which no event tells.
async fn until(what: &str, mut is_it: impl AsyncFnMut() -> bool) {
    let met = async {
        while !is_it().await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, met)
        .await
        .unwrap_or_else(|_| panic!("{what}"));
}

/// Waits until a session has ended.
async fn until_ended(client: &Client, session: u32) {
    until("the session does not end", async || {
        info(client, session).await.is_none()
    })
    .await;
}

/// The labels of all sessions.
async fn labels(client: &Client) -> HashMap<u32, String> {
    let sessions = client.sessions().await.unwrap().into_iter();
    sessions.map(|(id, info)| (id, info.label)).collect()
}

/// How often the source of a selector's metrics was read.
async fn reads(client: &Client, selector: &str) -> u64 {
    let metrics = client.list(&[selector]).await.unwrap();
    let source = &metrics.values().next().expect("a metric").source;
    client.sources().await.unwrap()[source].reads
}
