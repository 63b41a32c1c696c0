//! A mount whose server is gone: every call about it waits for ever. It holds nobody else up.

use std::{fs, path::Path, time::Duration};

use rustix::process::Signal;
use sampled::{
    client::{Client, Sample, SampleOptions, Start},
    reading::Fault,
};
use tokio::time::timeout;

use crate::{
    custom::fixture::{define, sources_d},
    support::{
        bus::Bus,
        hung_mount::Hung,
        process::{DEADLINE, skip},
    },
};

/// The id of what a mounted file system has room for.
fn total(mount: &Hung) -> String {
    let point = mount.path().to_str().unwrap().replace('/', "%2F");
    format!("disk/{point}/total")
}

const OWN: &str = "room/desk/temperature";
const QUICK: &str = "memory/physical/total";

/// A service that asks mounts on the network, and for a file of the mount.
fn beside(hung: &Hung) -> Bus {
    let bus = Bus::activating("");
    let config = bus.config().join("sampled");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "[disk]\nnetwork = true\n").unwrap();
    let file = hung.path().join("temperature");
    let text = format!("[metrics.'{OWN}']\nfile = {file:?}\n");
    define(&sources_d(&bus), "room.toml", &text);
    bus
}

fn threads(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).unwrap().count()
}

async fn sample(client: &Client, id: &str) -> Sample {
    let ids = [id];
    let sample = client.sample(&ids, SampleOptions::default());
    timeout(DEADLINE, sample).await.unwrap().unwrap()
}

#[test]
fn a_hung_mount_costs_its_own_values_alone() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut hung) = Hung::over(dir.path()) else {
        return skip(Hung::NEEDS);
    };
    let bus = beside(&hung);
    let total = total(&hung);
    bus.block_on(async {
        let (client, other) = (bus.client().await, bus.client().await);
        sample(&other, QUICK).await;
        let daemon = bus.owned().await.pid;
        // What hangs is waited for by who has asked, and another is answered meanwhile.
        let mut late = Box::pin(sample(&client, &total));
        let mut answered = 0;
        let late = loop {
            tokio::select! {
                biased;
                late = &mut late => break late,
                quick = sample(&other, QUICK) => {
                    assert!(quick.faults.is_empty());
                    answered += 1;
                }
            }
        };
        assert_eq!(late.faults.get(&total), Some(&Fault::Timeout));
        assert!(answered > 0, "nothing is answered while one waits");
        // A file of the same mount waits behind it.
        let late = sample(&client, OWN).await;
        assert_eq!(late.faults.get(OWN), Some(&Fault::Timeout));
        // It was found out: nobody waits for it any more, however often it is found and asked for.
        let all = ["disk", OWN, QUICK];
        let before = threads(daemon);
        for _ in 0..100 {
            timeout(DEADLINE, client.list(&all)).await.unwrap().unwrap();
            let sample = client.sample(&all, SampleOptions::default());
            let sample = timeout(DEADLINE, sample).await.unwrap().unwrap();
            assert_eq!(sample.faults.get(&total), Some(&Fault::Timeout));
            assert!(sample.readings.contains_key(QUICK));
        }
        assert!(
            threads(daemon) <= before + 1,
            "{before}, {}",
            threads(daemon)
        );
        // A session of it has its frames.
        let session = client.start(&all, Start::every(Duration::from_millis(50)));
        let mut session = timeout(DEADLINE, session).await.unwrap().unwrap();
        for _ in 0..20 {
            timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        }
        session.stop().await.unwrap();
        // When its program has ended, the kernel says so.
        hung.end();
        let end = tokio::time::Instant::now() + DEADLINE;
        while sample(&client, &total).await.faults.get(&total) == Some(&Fault::Timeout) {
            assert!(tokio::time::Instant::now() < end);
        }
    });
    bus.end();
}

#[test]
fn a_hung_home_costs_nothing_that_is_known() {
    let bus = Bus::activating("");
    let directory = sources_d(&bus);
    let value = bus.dir().join("value");
    fs::write(&value, "5\n").unwrap();
    let definition = |id: &str| format!("[metrics.'{id}']\nfile = {value:?}\n");
    define(&directory, "room.toml", &definition(OWN));
    bus.block_on(async {
        let (client, other) = (bus.client().await, bus.client().await);
        assert!(sample(&client, OWN).await.readings.contains_key(OWN));
        let daemon = bus.owned().await;
        let config = directory.parent().unwrap();
        let Some(hung) = Hung::over(config) else {
            return skip(Hung::NEEDS);
        };
        // Who asks what there is waits for the definitions once, and nobody else does.
        let mut list = Box::pin(client.list(&[]));
        let mut answered = 0;
        loop {
            tokio::select! {
                biased;
                listed = timeout(DEADLINE, &mut list) => {
                    assert!(listed.unwrap().unwrap().contains_key(OWN));
                    break;
                }
                quick = sample(&other, QUICK) => {
                    assert!(quick.faults.is_empty());
                    answered += 1;
                }
            }
        }
        assert!(answered > 0, "nothing is answered while one waits");
        // The configuration is there as well.
        daemon.signal(Signal::HUP);
        let before = threads(daemon.pid);
        for _ in 0..50 {
            timeout(DEADLINE, client.list(&[])).await.unwrap().unwrap();
            let own = sample(&client, OWN).await;
            assert!(own.readings.contains_key(OWN), "{:?}", own.faults);
        }
        // One that reads the configuration, and one for what is read otherwise.
        assert!(threads(daemon.pid) <= before + 2);
        let interval = Duration::from_millis(50);
        let session = client.start(&[OWN, QUICK], Start::every(interval));
        let mut session = timeout(DEADLINE, session).await.unwrap().unwrap();
        for _ in 0..10 {
            timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        }
        // It answers again, and what is defined then is heard of.
        drop(hung);
        define(&directory, "other.toml", &definition("room/desk/other"));
        let end = tokio::time::Instant::now() + DEADLINE;
        while !client
            .list(&[])
            .await
            .unwrap()
            .contains_key("room/desk/other")
        {
            assert!(tokio::time::Instant::now() < end);
        }
    });
    bus.end();
}

#[test]
fn who_waits_for_a_command_has_the_files_that_answer() {
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
        // The command runs when the files are asked for.
        let hasty = SampleOptions {
            timeout: Some(Duration::from_millis(100)),
            ..SampleOptions::default()
        };
        let slow = client.sample(&["room/desk/slow"], hasty);
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
fn a_home_that_hangs_at_the_start_is_not_waited_for() {
    let bus = Bus::activating("");
    let config = bus.config().join("sampled");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "idle_timeout = '7s'\n").unwrap();
    let Some(hung) = Hung::over(&config) else {
        return skip(Hung::NEEDS);
    };
    let mistake = "config.toml: it is not read yet, for its file system does not answer";
    bus.block_on(async {
        let client = bus.client().await;
        let quick = sample(&client, QUICK).await;
        assert!(quick.faults.is_empty(), "{:?}", quick.faults);
        assert_eq!(client.proxy().idle_timeout().await.unwrap(), 30_000_000);
        let sources = client.sources().await.unwrap();
        assert!(sources["config.toml"].error.contains(mistake));
        bus.daemon().await.expect("daemon").signal(Signal::TERM);
        bus.vacant().await;
    });
    // A person sees it, at a start and where this process reads by itself.
    let started = bus.run(&["start"]);
    assert!(started.stderr.contains(mistake), "{started:?}");
    started.ok();
    bus.run(&["stop"]).ok();
    let listed = bus.run(&["list", "--procfs", "/proc"]);
    assert_eq!(listed.code, Some(1), "{listed:?}");
    assert!(listed.stderr.contains(mistake), "{listed:?}");
    drop(hung);
    bus.end();
}
