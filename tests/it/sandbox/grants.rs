//! The grants of a program in a sandbox.

use sampled::client::{Error, SampleOptions, Start, StreamOptions, TableOptions, WatchOptions};
use tokio::time::timeout;

use super::{
    APP, INFO, SECRET, Sandbox, assert_denied, configure, define_secret, grant, has_run, reload,
};
use crate::support::{
    bus::Bus,
    process::{DEADLINE, Process, skip},
};

#[test]
fn custom_grants_custom_metrics() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    define_secret(&bus);
    grant(&bus, "custom = true");
    bus.block_on(async {
        let client = sandbox.client().await;
        assert!(client.list(&[]).await.unwrap().contains_key(SECRET));
        let sample = client.sample(&[SECRET], SampleOptions::default()).await;
        assert!(sample.unwrap().readings.contains_key(SECRET));
        assert!(has_run(&bus));
        assert!(client.sources().await.unwrap().contains_key("sources.d"));
        let mut session = client
            .start(&["room"], Start::every_millis(50))
            .await
            .unwrap();
        timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        let options = StreamOptions::every_millis(10);
        let mut stream = client.open(&["room"], options).await.unwrap();
        timeout(DEADLINE, stream.next()).await.unwrap().unwrap();
        // The program has no other grant.
        assert_denied(client.quit().await, &["Quit"]);
        let every = TableOptions::default();
        let processes = sandbox.processes().await;
        let snapshot = processes.snapshot(&["pid"], &every, SampleOptions::default());
        assert_denied(snapshot.await, &["processes = true"]);
    });
}

#[test]
fn the_history_has_custom_metrics_for_a_granted_program_only() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    define_secret(&bus);
    grant(&bus, "custom = false");
    bus.block_on(async {
        let host = bus.client().await;
        let ids = [SECRET, "memory/physical/total"];
        let mut panel = host.start(&ids, Start::every_millis(250)).await.unwrap();
        for _ in 0..3 {
            timeout(DEADLINE, panel.next()).await.unwrap().unwrap();
        }
        let client = sandbox.client().await;
        let span = std::time::Duration::from_secs(60);
        let denied = client.history(&[SECRET], span).await.unwrap_err();
        assert!(matches!(denied, Error::UnknownMetric(_)), "{denied:?}");
        let all = client.history(&["memory", "room*"], span).await;
        assert!(matches!(all, Err(Error::UnknownMetric(_))), "{all:?}");
        let all = client.history(&[], span).await.unwrap();
        assert!(all.columns.iter().any(|id| id == "memory/physical/total"));
        assert!(!all.columns.iter().any(|id| id == SECRET));
        grant(&bus, "custom = true");
        reload(&bus.owned().await);
        let granted = async {
            loop {
                if let Ok(history) = client.history(&[SECRET], span).await {
                    return history;
                }
            }
        };
        let granted = timeout(DEADLINE, granted).await.unwrap();
        // The first frame may lack the metric, whose command has not ended yet.
        assert!(granted.frames.len() >= 2, "{granted:?}");
    });
}

#[test]
fn processes_grants_the_table_without_command_lines() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    grant(&bus, "processes = true");
    bus.block_on(async {
        let processes = sandbox.processes().await;
        let (all, options) = (TableOptions::default(), SampleOptions::default());
        // The default fields, without the one that is not granted.
        let table = processes.snapshot(&[], &all, options).await.unwrap();
        assert!(table.columns.iter().any(|column| column == "name"));
        assert!(!table.columns.iter().any(|column| column == "command_line"));
        let texts = [
            "Processes1.Snapshot",
            "command_line",
            "command-lines = true",
            APP,
        ];
        let named = processes
            .snapshot(&["pid", "command_line"], &all, options)
            .await;
        assert_denied(named, &texts);
        // An order and a filter reveal it as well.
        let ordered = all.clone().ordered_by("-command_line");
        assert_denied(
            processes.snapshot(&["pid"], &ordered, options).await,
            &texts,
        );
        let filtered = all.clone().filtered_by("command_line", "*password*");
        assert_denied(
            processes.snapshot(&["pid"], &filtered, options).await,
            &texts,
        );
        let sums = processes.sums("user", &["rss"], &filtered, options).await;
        assert_denied(sums, &["Processes1.Sums", "command-lines = true"]);
        let every = Start::every_millis(50);
        let started = processes.start(&["pid"], &filtered, every.clone()).await;
        assert_denied(
            started.map(drop),
            &["Processes1.Start", "command-lines = true"],
        );
        let mut session = processes.start(&["pid", "rss"], &all, every).await.unwrap();
        timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        let ended = processes.end(1, 0, 15).await;
        assert_denied(ended, &["Processes1.End", "end = true"]);
    });
    let run = sandbox.run(&bus, &["ps"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("command-lines = true below"), "{run:?}");
    sandbox.run(&bus, &["ps", "--fields", "pid,name"]).ok();
}

#[test]
fn command_lines_and_end_grant_command_lines_and_signals() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    grant(&bus, "processes = true\ncommand-lines = true\nend = true");
    let mut sleeper = bus.command("sleep").arg("1234").spawn().unwrap();
    let process = Process::open(sleeper.id()).unwrap();
    bus.block_on(async {
        let processes = sandbox.processes().await;
        let one = TableOptions::default().filtered_by("command_line", "sleep 1234");
        let one = one.filtered_by("pid", &sleeper.id().to_string());
        let start = loop {
            let fields = ["start_time", "command_line"];
            let table = processes.snapshot(&fields, &one, SampleOptions::default());
            // The child may not have executed `sleep` yet.
            if let [row] = &table.await.unwrap().rows[..] {
                break match row[0] {
                    Ok(sampled::reading::Value::Number(start)) => start as u64,
                    ref other => panic!("{other:?}"),
                };
            }
        };
        processes.end(sleeper.id(), start, 15).await.unwrap();
    });
    process.wait();
    sleeper.wait().unwrap();
}

#[test]
fn a_reload_changes_grants_at_once() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    define_secret(&bus);
    bus.block_on(async {
        let (client, processes) = (sandbox.client().await, sandbox.processes().await);
        let (all, options) = (TableOptions::default(), SampleOptions::default());
        let listed = client.list(&[SECRET]).await;
        assert!(matches!(listed, Err(Error::UnknownMetric(_))));
        assert_denied(processes.snapshot(&["pid"], &all, options).await, &[APP]);
        let daemon = bus.owned().await;
        grant(&bus, "custom = true\nprocesses = true");
        reload(&daemon);
        let end = tokio::time::Instant::now() + DEADLINE;
        while client.list(&[SECRET]).await.is_err() {
            assert!(tokio::time::Instant::now() < end);
        }
        processes.snapshot(&["pid"], &all, options).await.unwrap();
        // A withdrawn grant ends the sessions that need it, and no other.
        let every = || Start::every_millis(50);
        let mut secret = client.start(&["room"], every()).await.unwrap();
        let mut kernel = client
            .start(&["memory/physical/total"], every())
            .await
            .unwrap();
        let mut table = processes.start(&["pid"], &all, every()).await.unwrap();
        let mut host = bus.client().await.start(&["room"], every()).await.unwrap();
        configure(&bus, "");
        reload(&daemon);
        let ended = async {
            let error = loop {
                if let Err(error) = secret.next().await {
                    break error;
                }
            };
            while table.next().await.is_ok() {}
            error
        };
        let error = timeout(DEADLINE, ended).await.unwrap();
        assert_eq!(error.to_string(), "the session is over: denied");
        for _ in 0..3 {
            timeout(DEADLINE, kernel.next()).await.unwrap().unwrap();
            timeout(DEADLINE, host.next()).await.unwrap().unwrap();
        }
        assert!(client.list(&[SECRET]).await.is_err());
        assert_denied(processes.snapshot(&["pid"], &all, options).await, &[APP]);
    });
}

#[test]
fn a_watch_needs_the_grants_of_a_session() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    define_secret(&bus);
    bus.block_on(async {
        let client = sandbox.client().await;
        let quick = || WatchOptions {
            interval: std::time::Duration::from_millis(50),
            ..WatchOptions::default()
        };
        // A metric of the kernel needs none, and its crossings pass the proxy.
        let mut kernel = client
            .watch("memory/physical/total", 0.0, quick())
            .await
            .unwrap();
        timeout(DEADLINE, kernel.next()).await.unwrap().unwrap();
        for selector in [SECRET, "room"] {
            let unknown = client.watch(selector, 0.0, quick()).await.err();
            assert!(
                matches!(unknown, Some(Error::UnknownMetric(_))),
                "{unknown:?}"
            );
        }
        assert!(!has_run(&bus));
        grant(&bus, "custom = true");
        let daemon = bus.daemon().await.unwrap();
        reload(&daemon);
        let mut watch = loop {
            match client.watch(SECRET, 4.0, quick()).await {
                Ok(watch) => break watch,
                Err(Error::UnknownMetric(_)) => {}
                Err(other) => panic!("{other}"),
            }
        };
        let crossing = timeout(DEADLINE, watch.next()).await.unwrap().unwrap();
        assert_eq!(crossing.value, 5.0);
        // Without the grant the watch is over.
        grant(&bus, "");
        reload(&daemon);
        let ended = timeout(DEADLINE, watch.next()).await.unwrap();
        assert!(
            matches!(&ended, Err(Error::Ended(reason)) if reason == "denied"),
            "{ended:?}"
        );
    });
}
