//! Custom metrics are hidden from a program in a sandbox without grants.

use futures_util::StreamExt;
use sampled::client::{Error, SampleOptions, Start, StreamOptions};
use tokio::time::timeout;

use super::{APP, INFO, KERNEL_METRIC, SECRET, Sandbox, define_secret, has_run};
use crate::{
    custom::fixture::{define, sources_d},
    support::{
        bus::Bus,
        process::{DEADLINE, skip},
    },
};

#[test]
fn custom_metrics_are_hidden_and_their_commands_do_not_run() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    define_secret(&bus);
    bus.block_on(async {
        let client = sandbox.client().await;
        let is_custom = |id: &str| id.starts_with("room");
        for selectors in [&[][..], &["*"], &["*/*/*"], &[KERNEL_METRIC, "*"]] {
            let listed = client.list(selectors).await.unwrap();
            assert!(!listed.is_empty() && !listed.keys().any(|id| is_custom(id)));
            let sample = client.sample(selectors, SampleOptions::default());
            let sample = sample.await.unwrap();
            let mut ids = sample.readings.keys().chain(sample.faults.keys());
            assert!(!ids.any(|id| is_custom(id)));
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
                client
                    .start(&[KERNEL_METRIC, selector], every)
                    .await
                    .map(drop),
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
        // A stream of all has the metrics of the kernel, and one of a custom metric is refused.
        let every = StreamOptions::every_millis(50);
        let error = client.open(&[SECRET], every.clone()).await.err().unwrap();
        assert!(matches!(error, Error::UnknownMetric(_)), "{error:?}");
        let mut stream = client.open(&["*/all/*", "memory"], every).await.unwrap();
        assert!(!stream.columns().iter().any(|id| is_custom(id)));
        timeout(DEADLINE, stream.next()).await.unwrap().unwrap();
        stream.stop().await.unwrap();
        // Programs outside see custom metrics, but the program in the sandbox does not see them in their sessions.
        let host = bus.client().await;
        let kernel = host
            .start(&[KERNEL_METRIC], Start::every_millis(50))
            .await
            .unwrap();
        assert!(host.sources().await.unwrap().contains_key("sources.d"));
        assert!(!has_run(&bus));
        let mut custom = host
            .start(&[SECRET], Start::every_millis(50))
            .await
            .unwrap();
        timeout(DEADLINE, custom.next()).await.unwrap().unwrap();
        let sessions = client.sessions().await.unwrap();
        assert!(
            sessions
                .values()
                .all(|session| !session.metrics.iter().any(|id| is_custom(id)))
        );
        assert_eq!(sessions.len(), 2);
        custom.stop().await.unwrap();
        kernel.stop().await.unwrap();
    });
}

#[test]
fn custom_metrics_defined_later_are_hidden_as_well() {
    let bus = Bus::activating("");
    let Some(sandbox) = Sandbox::proxy(&bus, INFO) else {
        return skip(Sandbox::NEEDS);
    };
    bus.block_on(async {
        let (client, host) = (sandbox.client().await, bus.client().await);
        let mut sandboxed_changes = client.proxy().receive_catalog_changed().await.unwrap();
        let mut host_changes = host.proxy().receive_catalog_changed().await.unwrap();
        // A client outside that makes no call.
        let listener = bus.client().await;
        let mut listener_changes = listener.proxy().receive_catalog_changed().await.unwrap();
        let all = client.start(&["*"], Start::every_millis(50)).await;
        let mut all = all.unwrap();
        let mut host_session = host.start(&["*"], Start::every_millis(50)).await.unwrap();
        timeout(DEADLINE, all.next()).await.unwrap().unwrap();
        define_secret(&bus);
        while host_session.columns().iter().all(|id| id != SECRET) {
            timeout(DEADLINE, host_session.next())
                .await
                .unwrap()
                .unwrap();
        }
        // Both clients outside get a signal about the metric.
        for changes in [&mut host_changes, &mut listener_changes] {
            loop {
                let change = timeout(DEADLINE, changes.next()).await.unwrap().unwrap();
                let appeared = change.args().unwrap().appeared;
                if appeared.iter().any(|id| id == SECRET) {
                    break;
                }
            }
        }
        // The first two frames after the change do not have the metric.
        let now = client
            .sample(&[KERNEL_METRIC], SampleOptions::default())
            .await;
        let now = now.unwrap().timestamp;
        let mut later = 0;
        while later < 2 {
            let frame = timeout(DEADLINE, all.next()).await.unwrap().unwrap();
            assert!(frame.reading(SECRET).is_none());
            later += u32::from(frame.timestamp > now);
        }
        assert!(!all.columns().iter().any(|id| id.starts_with("room")));
        // No signal to the program in the sandbox names the metric, nor one that is defined later.
        let directory = sources_d(&bus);
        define(
            &directory,
            "more.toml",
            "[metrics.'room/a/b']\nfile = '/proc/uptime'\n",
        );
        // `List` reads new definitions, but waits only a short time for them.
        let end = tokio::time::Instant::now() + DEADLINE;
        while !host.list(&[]).await.unwrap().contains_key("room/a/b") {
            assert!(tokio::time::Instant::now() < end);
        }
        client.list(&[]).await.unwrap();
        while let Ok(Some(change)) =
            timeout(std::time::Duration::ZERO, sandboxed_changes.next()).await
        {
            let change = change.args().unwrap();
            assert!(!change.appeared.iter().any(|id| id.starts_with("room")));
        }
    });
}
