//! The calls that a program in a sandbox without grants may make, and those that it may not.

use futures_util::StreamExt;
use sampled::client::{Error, SampleOptions, Start, TableOptions};
use tokio::time::timeout;

use super::{APP, INFO, SECRET, Sandbox, define_secret, has_run, refused};
use crate::{
    custom::fixture::{define, sources_d},
    support::{
        bus::Bus,
        process::{DEADLINE, skip},
    },
};

const QUICK: &str = "memory/physical/total";

#[test]
fn kernel_metrics_and_own_sessions_are_permitted() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    bus.block_on(async {
        let client = sandbox.client().await;
        assert!(client.list(&["memory"]).await.unwrap().contains_key(QUICK));
        let sample = client.sample(&["cpu", QUICK], SampleOptions::default());
        assert!(sample.await.unwrap().readings.contains_key(QUICK));
        let mut session = client
            .start(&["cpu", QUICK], Start::every_millis(50))
            .await
            .unwrap();
        for _ in 0..3 {
            timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        }
        session.stop().await.unwrap();
        // The program sees everything of its own sessions.
        let label = [("label", zbus::Variant::from("mine"))].into();
        let started = client.proxy().start(&[QUICK], 50_000, &label).await;
        let (own, _) = started.unwrap();
        assert_eq!(client.sessions().await.unwrap()[&own].label, "mine");
        client.stop(own).await.unwrap();
        let processes = sandbox.processes().await;
        assert!(
            processes
                .fields()
                .await
                .unwrap()
                .contains_key("command_line")
        );
    });
}

#[test]
fn custom_metrics_are_hidden_and_do_not_run() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    define_secret(&bus);
    bus.block_on(async {
        let client = sandbox.client().await;
        let is_shown = |id: &str| id.starts_with("room");
        for selectors in [&[][..], &["*"], &["*/*/*"], &[QUICK, "*"]] {
            let listed = client.list(selectors).await.unwrap();
            assert!(!listed.is_empty() && !listed.keys().any(|id| is_shown(id)));
            let sample = client.sample(selectors, SampleOptions::default());
            let sample = sample.await.unwrap();
            let mut ids = sample.readings.keys().chain(sample.faults.keys());
            assert!(!ids.any(|id| is_shown(id)));
        }
        // The id, a prefix, a pattern, and a misspelt id.
        for selector in [SECRET, "room", "room/*/secret", "room/desk/secre"] {
            let every = Start::every_millis(50);
            let errors = [
                client.list(&[selector]).await.map(drop),
                client
                    .sample(&[selector], SampleOptions::default())
                    .await
                    .map(drop),
                client.start(&[QUICK, selector], every).await.map(drop),
            ];
            for error in errors {
                let Err(Error::UnknownMetric(text)) = error else {
                    panic!("{selector}: {error:?}");
                };
                let key = format!("custom = true below [sandbox.\"{APP}\"]");
                assert!(text.contains(&key), "{text}");
                let after = text.strip_prefix(selector).unwrap();
                assert!(!after.contains("room"), "{text}");
            }
        }
        let sources = client.sources().await.unwrap();
        assert!(sources.contains_key("memory"));
        assert!(!sources.keys().any(|name| name.contains("sources.d")));
        // Programs outside see all of it; their sessions' columns are hidden as well.
        let host = bus.client().await;
        let theirs = host.start(&[QUICK], Start::every_millis(50)).await.unwrap();
        assert!(host.sources().await.unwrap().contains_key("sources.d"));
        assert!(!has_run(&bus));
        let mut own = host
            .start(&[SECRET], Start::every_millis(50))
            .await
            .unwrap();
        timeout(DEADLINE, own.next()).await.unwrap().unwrap();
        let sessions = client.sessions().await.unwrap();
        assert!(
            sessions
                .values()
                .all(|session| !session.metrics.iter().any(|id| is_shown(id)))
        );
        assert_eq!(sessions.len(), 2);
        own.stop().await.unwrap();
        theirs.stop().await.unwrap();
    });
}

#[test]
fn later_definitions_are_hidden_as_well() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    bus.block_on(async {
        let (client, host) = (sandbox.client().await, bus.client().await);
        let mut told = client.proxy().receive_catalog_changed().await.unwrap();
        let mut announced = host.proxy().receive_catalog_changed().await.unwrap();
        // A client that has never made a call.
        let listener = bus.client().await;
        let mut heard = listener.proxy().receive_catalog_changed().await.unwrap();
        let all = client.start(&["*"], Start::every_millis(50)).await;
        let mut all = all.unwrap();
        let mut theirs = host.start(&["*"], Start::every_millis(50)).await.unwrap();
        timeout(DEADLINE, all.next()).await.unwrap().unwrap();
        define_secret(&bus);
        while theirs.columns().iter().all(|id| id != SECRET) {
            timeout(DEADLINE, theirs.next()).await.unwrap().unwrap();
        }
        // A client that may see it is told.
        for changes in [&mut announced, &mut heard] {
            loop {
                let change = timeout(DEADLINE, changes.next()).await.unwrap().unwrap();
                let appeared = change.args().unwrap().appeared;
                if appeared.iter().any(|id| id == SECRET) {
                    break;
                }
            }
        }
        // Two frames that were made after the change.
        let now = client.sample(&[QUICK], SampleOptions::default()).await;
        let now = now.unwrap().timestamp;
        let mut later = 0;
        while later < 2 {
            let frame = timeout(DEADLINE, all.next()).await.unwrap().unwrap();
            assert!(frame.reading(SECRET).is_none());
            later += u32::from(frame.timestamp > now);
        }
        assert!(!all.columns().iter().any(|id| id.starts_with("room")));
        // No broadcast has named the metric, and another definition changes nothing.
        let directory = sources_d(&bus);
        define(
            &directory,
            "more.toml",
            "[metrics.'room/a/b']\nfile = '/proc/uptime'\n",
        );
        // On a busy machine a later call finds it.
        let end = tokio::time::Instant::now() + DEADLINE;
        while !host.list(&[]).await.unwrap().contains_key("room/a/b") {
            assert!(tokio::time::Instant::now() < end);
        }
        client.list(&[]).await.unwrap();
        while let Ok(Some(change)) = timeout(std::time::Duration::ZERO, told.next()).await {
            let change = change.args().unwrap();
            assert!(!change.appeared.iter().any(|id| id.starts_with("room")));
        }
    });
}

#[test]
fn sessions_of_others_quit_and_detached_are_refused() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    bus.block_on(async {
        let (client, host) = (sandbox.client().await, bus.client().await);
        refused(client.quit().await, &["Quit", APP]);
        let detached = Start {
            detached: true,
            ..Start::every_millis(50)
        };
        let started = client.start(&[QUICK], detached.clone()).await;
        refused(started.map(drop), &["detached", APP]);
        let labelled = Start {
            label: "private".to_owned(),
            ..Start::every_millis(50)
        };
        let owned = host.start(&[QUICK], labelled.clone()).await.unwrap();
        let detached = Start {
            label: "private".to_owned(),
            ..detached
        };
        let detached = host.start(&[QUICK], detached).await.unwrap();
        for session in [owned.id(), detached.id()] {
            refused(client.stop(session).await, &["Stop", APP]);
            let words = ["Stop", APP];
            refused(sandbox.processes().await.stop(session).await, &words);
        }
        let sessions = client.sessions().await.unwrap();
        let labels: Vec<_> = sessions.values().map(|session| &*session.label).collect();
        assert_eq!(labels, ["", ""]);
        let stopped = client.stop(4_000_000_000).await;
        assert!(matches!(stopped, Err(Error::NoSuchSession(_))));
        let labels = host.sessions().await.unwrap().into_values();
        assert!(
            labels
                .map(|session| session.label)
                .all(|label| label == "private")
        );
        owned.stop().await.unwrap();
        host.stop(detached.id()).await.unwrap();
    });
}

#[test]
fn processes_are_refused() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    bus.block_on(async {
        let processes = sandbox.processes().await;
        let (all, usual) = (TableOptions::default(), SampleOptions::default());
        let key = |member, key: &str| {
            let key = format!("{key} = true below [sandbox.\"{APP}\"] in config.toml");
            [member, key]
        };
        let check = |result: Result<(), Error>, member: &str, grant| {
            refused(
                result,
                &key(member.to_owned(), grant).each_ref().map(|word| &**word),
            );
        };
        let snapshot = processes.snapshot(&["pid"], &all, usual).await;
        check(snapshot.map(drop), "Processes1.Snapshot", "processes");
        let sums = processes.sums("user", &["rss"], &all, usual).await;
        check(sums.map(drop), "Processes1.Sums", "processes");
        let every = Start::every_millis(50);
        let started = processes.start(&["pid"], &all, every).await;
        check(started.map(drop), "Processes1.Start", "processes");
        let ended = processes.end(1, 0, 15).await;
        check(ended, "Processes1.End", "end");
    });
    // `sampled ps` prints the same error.
    let run = sandbox.run(&bus, &["ps"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let expected = format!(
        "sampled: Processes1.Snapshot: denied to {APP}, which runs in a sandbox: processes = true below \
         [sandbox.\"{APP}\"] in config.toml grants it\n"
    );
    assert_eq!(run.stderr, expected);
    // A program outside a sandbox is not refused.
    bus.run(&["ps"]).ok();
}

#[test]
fn clients_that_have_left_do_not_fill_the_list_of_listeners() {
    // This bus does not tell the subscribers: the service tells the clients that have called `List` or `Start`.
    let bus = Bus::without_statistics();
    bus.block_on(async {
        let first = bus.client().await;
        let mut told_first = first.proxy().receive_catalog_changed().await.unwrap();
        first.list(&[QUICK]).await.unwrap();
        // More clients than are remembered.
        for _ in 0..1100 {
            bus.client().await.list(&[QUICK]).await.unwrap();
        }
        let last = bus.client().await;
        let mut told_last = last.proxy().receive_catalog_changed().await.unwrap();
        last.list(&[QUICK]).await.unwrap();
        let every = Start::every_millis(50);
        let mut session = last.start(&["*"], every).await.unwrap();
        define_secret(&bus);
        while session.columns().iter().all(|id| id != SECRET) {
            timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        }
        for changes in [&mut told_first, &mut told_last] {
            loop {
                let change = timeout(DEADLINE, changes.next()).await.unwrap().unwrap();
                let appeared = change.args().unwrap().appeared;
                if appeared.iter().any(|id| id == SECRET) {
                    break;
                }
            }
        }
    });
}
