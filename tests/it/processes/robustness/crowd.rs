//! Five thousand processes that start and end.

use std::{os::unix::process::CommandExt, process::Child, time::Duration};

use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::{Pid, Signal, kill_process, kill_process_group},
};
use sampled::client::{SampleOptions, Start, TableOptions};

use super::files;
use crate::{
    processes::{processes, sessions::next},
    support::bus::Bus,
};

/// Thousands of processes, which are killed together.
struct Crowd(Child);

impl Crowd {
    const SIZE: usize = 5000;

    /// Forks of a shell, each of which opens a FIFO that has no writer.
    fn new(bus: &Bus) -> Self {
        let pipe = bus.dir().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let script = format!(
            "i=0; while [ $i -lt {} ]; do (read x < {pipe}) & i=$((i+1)); done; wait",
            Self::SIZE,
            pipe = pipe.display()
        );
        let mut command = bus.command("sh");
        Self(
            command
                .args(["-c", &script])
                .process_group(0)
                .spawn()
                .unwrap(),
        )
    }

    /// Ends the forks. The shell reaps them all, and ends.
    fn end(&mut self, forks: &[u32]) {
        for &fork in forks {
            let fork = Pid::from_raw(i32::try_from(fork).unwrap()).unwrap();
            kill_process(fork, Signal::KILL).unwrap();
        }
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            kill_process_group(Pid::from_child(&self.0), Signal::KILL).ok();
            self.0.wait().ok();
        }
    }
}

#[test]
fn five_thousand_processes_start_and_end() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let processes = processes(&bus).await;
        let mut crowd = Crowd::new(&bus);
        let children = TableOptions::default().filtered_by("parent", &crowd.0.id().to_string());
        let fields = ["pid", "parent", "start_time", "name", "state", "cpu", "rss"];
        let every = Start::every_millis(200);
        let mut session = processes.start(&fields, &children, every).await.unwrap();
        while session.rows().len() < Crowd::SIZE {
            let change = next(&mut session).await;
            assert_eq!(change.gone, [0; 0]);
        }
        let table = processes.snapshot(
            &fields,
            &children,
            SampleOptions {
                timeout: Some(Duration::from_secs(10)),
                ..SampleOptions::default()
            },
        );
        let table = table.await.unwrap();
        assert_eq!(table.rows.len(), Crowd::SIZE);
        assert_eq!(table.matched as usize, Crowd::SIZE);
        let pids: Vec<u32> = session.rows().keys().copied().collect();
        crowd.end(&pids);
        while !session.rows().is_empty() {
            next(&mut session).await;
        }
        // A few pids may have been reused.
        let any = TableOptions::default().filtered_by("name", "sh");
        let table = processes.snapshot(&["pid"], &any, SampleOptions::default());
        let table = table.await.unwrap();
        let left = pids
            .iter()
            .filter(|&&pid| crate::processes::row(&table, pid).is_some());
        assert!(left.count() < 100);
        // The service has closed their files, but has files of the processes that reuse their pids.
        let daemon = bus.owned().await.pid;
        let files = files(daemon);
        let of_crowd = files.iter().filter(|file| {
            let pid = file
                .iter()
                .nth(2)
                .and_then(|name| name.to_str()?.parse().ok());
            pid.is_some_and(|pid| pids.contains(&pid))
        });
        assert!(of_crowd.count() < 100);
    });
}
