//! A mount whose server is gone: every system call on it blocks for ever. It delays no other metric and no other client.

use std::{fs, path::Path, time::Duration};

use rustix::process::Signal;
use sampled::{
    client::{Client, Sample, SampleOptions, Start},
    reading::Fault,
};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    custom::fixture::{define, sources_d},
    support::{
        bus::Bus,
        hung_mount::Hung,
        process::{DEADLINE, skip},
    },
};

/// The id of the size of a mounted file system.
fn total(mount: &Hung) -> String {
    let point = mount.path().to_str().unwrap().replace('/', "%2F");
    format!("disk/{point}/total")
}

const CUSTOM: &str = "room/desk/temperature";
const QUICK: &str = "memory/physical/total";

/// A service that reads network mounts, and has a custom metric from a file of the mount.
fn bus_with_file_of(hung: &Hung) -> Bus {
    let bus = Bus::activating("");
    let config = bus.config().join("sampled");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "[disk]\nnetwork = true\n").unwrap();
    let file = hung.path().join("temperature");
    let text = format!("[metrics.'{CUSTOM}']\nfile = {file:?}\n");
    define(&sources_d(&bus), "room.toml", &text);
    bus
}

fn threads(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).unwrap().count()
}

/// Waits until a process has no more threads than this. A thread of the pool exits when it has been idle for a while; one
/// that is blocked by a mount stays.
async fn until_threads(pid: u32, most: usize) {
    let start = Instant::now();
    while threads(pid) > most {
        let threads = threads(pid);
        assert!(start.elapsed() < DEADLINE, "{threads} threads, not {most}");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn sample(client: &Client, id: &str) -> Sample {
    let ids = [id];
    let sample = client.sample(&ids, SampleOptions::default());
    timeout(DEADLINE, sample).await.unwrap().unwrap()
}

#[test]
fn a_hung_mount_affects_only_its_own_metrics() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut hung) = Hung::over(dir.path()) else {
        return skip(Hung::NEEDS);
    };
    let bus = bus_with_file_of(&hung);
    let total = total(&hung);
    bus.block_on(async {
        let (client, other) = (bus.client().await, bus.client().await);
        sample(&other, QUICK).await;
        let daemon = bus.owned().await.pid;
        // Another client gets a reading that was taken while this one waits.
        let mut late = Box::pin(sample(&client, &total));
        let mut first = None;
        let late = loop {
            tokio::select! {
                biased;
                quick = sample(&other, QUICK) => {
                    assert!(quick.faults.is_empty());
                    first.get_or_insert(quick.timestamp);
                }
                late = &mut late => break late,
            }
        };
        assert_eq!(late.faults.get(&total), Some(&Fault::Timeout));
        let first = first.expect("another client is answered first");
        assert!(first < late.timestamp, "{first} {}", late.timestamp);
        // A file of the same mount is late, too.
        let late = sample(&client, CUSTOM).await;
        assert_eq!(late.faults.get(CUSTOM), Some(&Fault::Timeout));
        // The mount is known to hang: it takes no further threads, and no call waits for it.
        let all = ["disk", CUSTOM, QUICK];
        let before = threads(daemon);
        for _ in 0..100 {
            timeout(DEADLINE, client.list(&all)).await.unwrap().unwrap();
            let sample = client.sample(&all, SampleOptions::default());
            let sample = timeout(DEADLINE, sample).await.unwrap().unwrap();
            assert_eq!(sample.faults.get(&total), Some(&Fault::Timeout));
            assert!(sample.readings.contains_key(QUICK));
        }
        until_threads(daemon, before + 1).await;
        // A session with its metrics gets its frames.
        let session = client.start(&all, Start::every(Duration::from_millis(50)));
        let mut session = timeout(DEADLINE, session).await.unwrap().unwrap();
        for _ in 0..20 {
            timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        }
        session.stop().await.unwrap();
        // When the program that serves it has ended, its system calls fail.
        hung.end();
        let deadline = Instant::now() + DEADLINE;
        while sample(&client, &total).await.faults.get(&total) == Some(&Fault::Timeout) {
            assert!(Instant::now() < deadline);
        }
    });
    bus.end();
}

/// Whether another client gets readings while a call of `List` waits.
async fn is_answered_during_list(client: &Client, other: &Client) -> bool {
    let mut list = Box::pin(client.list(&[]));
    let mut is_answered = false;
    loop {
        tokio::select! {
            biased;
            quick = sample(other, QUICK) => {
                assert!(quick.faults.is_empty());
                is_answered = true;
            }
            listed = timeout(DEADLINE, &mut list) => {
                assert!(listed.unwrap().unwrap().contains_key(CUSTOM));
                return is_answered;
            }
        }
    }
}

#[test]
fn definitions_on_a_hung_file_system_stay_in_effect() {
    let bus = Bus::activating("");
    let directory = sources_d(&bus);
    let value = bus.dir().join("value");
    fs::write(&value, "5\n").unwrap();
    let definition = |id: &str| format!("[metrics.'{id}']\nfile = {value:?}\n");
    define(&directory, "room.toml", &definition(CUSTOM));
    bus.block_on(async {
        let (client, other) = (bus.client().await, bus.client().await);
        assert!(sample(&client, CUSTOM).await.readings.contains_key(CUSTOM));
        let daemon = bus.owned().await;
        let config = directory.parent().unwrap();
        // One call of `List` waits 10 ms for the definitions, and no other call does. A busy machine may answer none in
        // that time.
        let mut attempts = 0;
        let hung = loop {
            let Some(hung) = Hung::over(config) else {
                return skip(Hung::NEEDS);
            };
            if is_answered_during_list(&client, &other).await {
                break hung;
            }
            drop(hung);
            attempts += 1;
            assert!(attempts < 20, "no call is answered while one waits");
            // The next wait is as long only if the last answer was quick.
            for _ in 0..3 {
                client.list(&[]).await.unwrap();
            }
        };
        // The configuration is on the same file system.
        daemon.signal(Signal::HUP);
        let before = threads(daemon.pid);
        for _ in 0..50 {
            timeout(DEADLINE, client.list(&[])).await.unwrap().unwrap();
            let custom = sample(&client, CUSTOM).await;
            assert!(custom.readings.contains_key(CUSTOM), "{:?}", custom.faults);
        }
        // One thread reads the configuration, and one the metrics.
        until_threads(daemon.pid, before + 2).await;
        let interval = Duration::from_millis(50);
        let session = client.start(&[CUSTOM, QUICK], Start::every(interval));
        let mut session = timeout(DEADLINE, session).await.unwrap().unwrap();
        for _ in 0..10 {
            timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        }
        // The file system answers again, and new definitions take effect.
        drop(hung);
        define(&directory, "other.toml", &definition("room/desk/other"));
        let deadline = Instant::now() + DEADLINE;
        while !client
            .list(&[])
            .await
            .unwrap()
            .contains_key("room/desk/other")
        {
            assert!(Instant::now() < deadline);
        }
    });
    bus.end();
}

#[test]
fn a_sample_that_waits_for_a_command_has_the_files_that_answer() {
    let bus = Bus::activating("");
    let (hangs, answers) = (bus.dir().join("a"), bus.dir().join("z"));
    fs::create_dir(&hangs).unwrap();
    fs::create_dir(&answers).unwrap();
    fs::write(answers.join("value"), "5\n").unwrap();
    let Some(_hung) = Hung::over(&hangs) else {
        return skip(Hung::NEEDS);
    };
    let file = |id: &str, directory: &Path| {
        let file = directory.join("value");
        format!("[metrics.'room/desk/{id}']\nfile = {file:?}\n")
    };
    let slow = "[metrics.'room/desk/slow']\ncommand = 'slow'\n[commands.slow]\nshell = 'sleep 30'\ninterval = '2m'\ntimeout = '1m'\n";
    let text = file("hangs", &hangs) + slow + &file("answers", &answers);
    define(&sources_d(&bus), "room.toml", &text);
    bus.block_on(async {
        let client = bus.client().await;
        // The command already runs when the files are read.
        let options = SampleOptions {
            timeout: Some(Duration::from_millis(100)),
            ..SampleOptions::default()
        };
        let slow = client.sample(&["room/desk/slow"], options);
        timeout(DEADLINE, slow).await.unwrap().unwrap();
        let sample = client.sample(&["room"], SampleOptions::default());
        let sample = timeout(DEADLINE, sample).await.unwrap().unwrap();
        let has = |id: &str| sample.readings.contains_key(&format!("room/desk/{id}"));
        assert_eq!(
            [has("hangs"), has("slow"), has("answers")],
            [false, false, true]
        );
    });
    bus.end();
}

#[test]
fn a_service_starts_while_the_file_system_of_its_configuration_hangs() {
    let bus = Bus::activating("");
    let config = bus.config().join("sampled");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "idle_timeout = '7s'\n").unwrap();
    let Some(hung) = Hung::over(&config) else {
        return skip(Hung::NEEDS);
    };
    let error = "config.toml: it is not read yet, for its file system does not answer";
    bus.block_on(async {
        let client = bus.client().await;
        let quick = sample(&client, QUICK).await;
        assert!(quick.faults.is_empty(), "{:?}", quick.faults);
        assert_eq!(client.proxy().idle_timeout().await.unwrap(), 30_000_000);
        let sources = client.sources().await.unwrap();
        assert!(sources["config.toml"].error.contains(error));
        bus.daemon().await.expect("daemon").signal(Signal::TERM);
        bus.vacant().await;
    });
    // `start` prints it, and so does a command that reads in-process.
    let started = bus.run(&["start"]);
    assert!(started.stderr.contains(error), "{started:?}");
    started.ok();
    bus.run(&["stop"]).ok();
    let listed = bus.run(&["list", "--procfs", "/proc"]);
    assert_eq!(listed.code, Some(1), "{listed:?}");
    assert!(listed.stderr.contains(error), "{listed:?}");
    drop(hung);
    bus.end();
}
