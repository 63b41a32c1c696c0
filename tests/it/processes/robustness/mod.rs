//! Many sessions, passes that hang, and the end of the table.

mod clients;
mod crowd;

use std::{
    fs,
    future::pending,
    path::PathBuf,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rustix::process::Signal;
use sampled::client::{Error, SampleOptions, Start, TableOptions};
use tokio::time::timeout;

use super::{passes, processes, sessions::next};
use crate::{
    calls::fixture,
    support::{bus::Bus, hung_mount::Hung, process::skip},
};

/// Waits this long. Nothing signals the end of a thread of another process, or a file that it closes.
async fn pause(milliseconds: u64) {
    let time = Duration::from_millis(milliseconds);
    timeout(time, pending::<()>()).await.unwrap_err();
}

#[test]
fn fifty_sessions_share_one_pass_per_interval() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let clients = join_all((0..5).map(|_| processes(&bus))).await;
        let none = TableOptions::default();
        let mut sessions = Vec::new();
        for client in clients.iter().cycle().take(50) {
            let every = Start::every_millis(200);
            let started = client.start(&["pid", "name", "rss"], &none, every);
            sessions.push(started.await.unwrap());
        }
        for session in &mut sessions {
            next(session).await;
        }
        // Before the count, whose answer may be late.
        let start = Instant::now();
        let before = passes(&bus).await;
        for _ in 0..5 {
            join_all(sessions.iter_mut().map(next)).await;
        }
        let taken = passes(&bus).await - before;
        let intervals = start.elapsed().as_millis() as u64 / 200 + 2;
        assert!(
            taken <= intervals,
            "{taken} passes in {intervals} intervals"
        );
        let daemon = bus.owned().await.pid;
        assert!(threads(daemon).len() <= 3, "{:?}", threads(daemon));
    });
}

/// The names of the threads of a process.
fn threads(pid: u32) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let names =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    names.map(|name| name.trim_end().to_owned()).collect()
}

/// The open files of a process below `/proc`.
fn files(pid: u32) -> Vec<PathBuf> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let files = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    files.filter(|file| file.starts_with("/proc")).collect()
}

#[test]
fn the_table_is_dropped_some_seconds_after_the_last_call() {
    let bus = Bus::activating("--idle-timeout never");
    bus.block_on(async {
        let processes = processes(&bus).await;
        processes.fields().await.unwrap();
        let daemon = bus.owned().await.pid;
        let (threads_before, none_open) = (threads(daemon), files(daemon));
        assert_eq!(none_open, [] as [PathBuf; 0]);
        let (none, options) = (TableOptions::default(), SampleOptions::default());
        let table = processes.snapshot(&["pid"], &none, options);
        table.await.unwrap();
        assert!(files(daemon).len() > 1);
        assert!(threads(daemon).len() > threads_before.len());
        let start = Instant::now();
        while threads(daemon) != threads_before || files(daemon) != none_open {
            pause(50).await;
            assert!(start.elapsed() < crate::support::process::DEADLINE);
        }
        // A later call makes the table again.
        let table = processes.snapshot(&["pid"], &none, options);
        assert!(table.await.unwrap().total > 1);
    });
}

/// Makes a `/proc` with one process; returns the directory of the process.
fn one_process(bus: &Bus) -> PathBuf {
    let proc = bus.dir().join("proc");
    let process = proc.join("42");
    fs::create_dir_all(&process).unwrap();
    let real = fixture("server");
    for file in ["stat", "meminfo", "loadavg"] {
        fs::copy(format!("{real}/proc/{file}"), proc.join(file)).unwrap();
    }
    let line = format!("42 (late) S {}1 0\n", "0 ".repeat(48));
    fs::write(process.join("stat"), line).unwrap();
    process
}

#[test]
fn a_pass_that_hangs_delays_nothing_else() {
    let bus = Bus::new();
    let process = one_process(&bus);
    let Some(hung) = Hung::over(&process) else {
        return skip(Hung::NEEDS);
    };
    let proc = process.parent().unwrap().to_str().unwrap();
    let arguments = ["serve", "--idle-timeout", "never", "--procfs", proc];
    let mut serve = bus.sampled(&arguments).spawn().unwrap();
    bus.block_on(async {
        bus.owned().await;
        let (client, processes) = (bus.client().await, processes(&bus).await);
        let mut metrics = crate::sessions::start(&client, &["memory"], 60).await;
        let none = TableOptions::default();
        let short = SampleOptions {
            timeout: Some(Duration::from_millis(100)),
            ..SampleOptions::default()
        };
        let mut session = processes
            .start(&["pid", "name"], &none, Start::every_millis(60))
            .await
            .unwrap();
        for _ in 0..3 {
            let error = processes.snapshot(&["pid"], &none, short).await;
            let error = error.unwrap_err();
            assert!(matches!(error, Error::Timeout(_)), "{error:?}");
            crate::sessions::frame(&mut metrics).await;
        }
        // All these calls have one hanging thread, and leave no other behind.
        let daemon = bus.owned().await;
        assert!(threads(daemon.pid).len() <= 3, "{:?}", threads(daemon.pid));
        // The file system fails the hanging read, and the frames arrive.
        drop(hung);
        while !next(&mut session).await.came.contains(&42) {}
        crate::sessions::frame(&mut metrics).await;
        drop(session);
        // A service with a hanging pass ends at SIGTERM.
        let other = process.with_file_name("43");
        fs::create_dir(&other).unwrap();
        let _hung = Hung::over(&other).unwrap();
        let error = processes.snapshot(&["pid"], &none, short).await;
        assert!(matches!(error, Err(Error::Timeout(_))), "{error:?}");
        daemon.signal(Signal::TERM);
        daemon.wait();
    });
    assert_eq!(serve.wait().unwrap().code(), Some(0));
}
