//! The calls that a program in a sandbox without grants may make, and the calls that it may not make.

use futures_util::StreamExt;
use sampled::client::{Error, SampleOptions, Start, TableOptions};
use tokio::time::timeout;

use super::{APP, INFO, KERNEL_METRIC, SECRET, Sandbox, assert_denied, define_secret};
use crate::support::{
    bus::Bus,
    process::{DEADLINE, skip},
};

#[test]
fn kernel_metrics_and_sessions_of_the_program_are_permitted() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    bus.block_on(async {
        let client = sandbox.client().await;
        assert!(
            client
                .list(&["memory"])
                .await
                .unwrap()
                .contains_key(KERNEL_METRIC)
        );
        let sample = client.sample(&["cpu", KERNEL_METRIC], SampleOptions::default());
        assert!(sample.await.unwrap().readings.contains_key(KERNEL_METRIC));
        let mut session = client
            .start(&["cpu", KERNEL_METRIC], Start::every_millis(50))
            .await
            .unwrap();
        for _ in 0..3 {
            timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        }
        session.stop().await.unwrap();
        // The program sees all properties of its own sessions.
        let label = [("label", zbus::Variant::from("mine"))].into();
        let started = client.proxy().start(&[KERNEL_METRIC], 50_000, &label).await;
        let (session, _) = started.unwrap();
        assert_eq!(client.sessions().await.unwrap()[&session].label, "mine");
        client.stop(session).await.unwrap();
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
fn quit_detached_sessions_and_sessions_of_others_are_refused() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    bus.block_on(async {
        let (client, host) = (sandbox.client().await, bus.client().await);
        assert_denied(client.quit().await, &["Quit", APP]);
        assert_denied(client.reload().await.map(drop), &["Reload", APP]);
        let detached = Start {
            detached: true,
            ..Start::every_millis(50)
        };
        let started = client.start(&[KERNEL_METRIC], detached.clone()).await;
        assert_denied(started.map(drop), &["detached", APP]);
        let labelled = Start {
            label: "private".to_owned(),
            ..Start::every_millis(50)
        };
        let attached = host
            .start(&[KERNEL_METRIC], labelled.clone())
            .await
            .unwrap();
        let detached = Start {
            label: "private".to_owned(),
            ..detached
        };
        let detached = host.start(&[KERNEL_METRIC], detached).await.unwrap();
        for session in [attached.id(), detached.id()] {
            assert_denied(client.stop(session).await, &["Stop", APP]);
            let words = ["Stop", APP];
            assert_denied(sandbox.processes().await.stop(session).await, &words);
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
        attached.stop().await.unwrap();
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
        let (all, options) = (TableOptions::default(), SampleOptions::default());
        let key = |member, key: &str| {
            let key = format!("{key} = true below [sandbox.\"{APP}\"] in config.toml");
            [member, key]
        };
        let check = |result: Result<(), Error>, member: &str, grant| {
            assert_denied(
                result,
                &key(member.to_owned(), grant).each_ref().map(|word| &**word),
            );
        };
        let snapshot = processes.snapshot(&["pid"], &all, options).await;
        check(snapshot.map(drop), "Processes1.Snapshot", "processes");
        let sums = processes.sums("user", &["rss"], &all, options).await;
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
fn clients_that_have_left_do_not_displace_others_from_catalog_changes() {
    // This bus does not list subscribers, so the service remembers the clients that have called `List` or `Start`.
    let bus = Bus::without_statistics();
    bus.block_on(async {
        let first = bus.client().await;
        let mut first_changes = first.proxy().receive_catalog_changed().await.unwrap();
        first.list(&[KERNEL_METRIC]).await.unwrap();
        // More clients than the service remembers.
        for _ in 0..1100 {
            bus.client().await.list(&[KERNEL_METRIC]).await.unwrap();
        }
        let last = bus.client().await;
        let mut last_changes = last.proxy().receive_catalog_changed().await.unwrap();
        last.list(&[KERNEL_METRIC]).await.unwrap();
        let every = Start::every_millis(50);
        let mut session = last.start(&["*"], every).await.unwrap();
        define_secret(&bus);
        while session.columns().iter().all(|id| id != SECRET) {
            timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        }
        for changes in [&mut first_changes, &mut last_changes] {
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
