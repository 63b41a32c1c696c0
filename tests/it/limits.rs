//! Limits of a call, of a client and of all clients: the error names the limit, and the refused call has no effect.

use std::{collections::HashMap, fs};

use sampled::{
    client::{Client, Error, Processes, SampleOptions, Start},
    service::Limits,
};
use zbus::Variant;

use crate::support::bus::Bus;

/// A bus whose service has these limits.
pub(crate) fn limited(limits: &str) -> Bus {
    let bus = Bus::activating("");
    fs::create_dir_all(bus.config().join("sampled")).unwrap();
    fs::write(bus.config().join("sampled/config.toml"), limits).unwrap();
    bus
}

#[track_caller]
fn check_refused<T>(result: Result<T, impl Into<Error>>, limit: &str) {
    let Err(error) = result.map_err(Into::into) else {
        panic!("{limit} is not enforced");
    };
    assert!(
        matches!(&error, Error::LimitExceeded(text) if text.contains(limit)),
        "{limit}: {error:?}"
    );
}

fn selectors(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("*{number}")).collect()
}

#[test]
fn selectors_are_counted_before_they_are_resolved() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let proxy = client.proxy();
        let many = selectors(4097);
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        let none = HashMap::new();
        check_refused(proxy.list(&many).await, "limits.selectors");
        check_refused(proxy.sample(&many, &none).await, "limits.selectors");
        check_refused(
            proxy.start(&many, 1_000_000, &none).await,
            "limits.selectors",
        );
        // Equal ones count once, however many they are.
        let equal = vec!["memory/physical/used"; 20_000];
        assert_eq!(client.list(&equal).await.unwrap().len(), 1);
        let long: Vec<_> = (0..1100)
            .map(|at| format!("{at}{}", "x".repeat(240)))
            .collect();
        let long: Vec<_> = long.iter().map(String::as_str).collect();
        check_refused(proxy.list(&long).await, "limits.selector_bytes");
        assert!(client.sessions().await.unwrap().is_empty());
    });
}

#[test]
fn options_are_counted_and_unknown_ones_ignored() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let proxy = client.proxy();
        let keys: Vec<_> = (0..65).map(|key| format!("key{key}")).collect();
        let keys: Vec<&'static str> = keys.into_iter().map(|key| &*key.leak()).collect();
        let options = |count| {
            let keys = keys.iter().take(count);
            keys.map(|key| (*key, Variant::from(vec![1_u8, 2])))
                .collect::<HashMap<_, _>>()
        };
        let one = ["memory"];
        proxy.sample(&one, &options(64)).await.unwrap();
        check_refused(proxy.sample(&one, &options(65)).await, "limits.options");
        check_refused(
            proxy.start(&one, 1_000_000, &options(65)).await,
            "limits.options",
        );
        let processes = Processes::on(client.bus().clone()).await.unwrap();
        let snapshot = processes.proxy().snapshot(&["pid"], &options(65)).await;
        check_refused(snapshot, "limits.options");
    });
}

#[test]
fn the_length_of_a_filter_pattern_is_limited() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let processes = Processes::on(client.bus().clone()).await.unwrap();
        let ask = async |pattern: String| {
            let filter = HashMap::from([("command_line", pattern)]);
            let options = HashMap::from([("filter", Variant::from(filter))]);
            processes.proxy().snapshot(&["pid"], &options).await
        };
        ask("*a".repeat(128)).await.unwrap();
        check_refused(ask("*a".repeat(129)).await, "limits.pattern_bytes");
        check_refused(ask("*a".repeat(400_000)).await, "limits.pattern_bytes");
        check_refused(ask("*a".repeat(8_000_000)).await, "limits.message_bytes");
    });
}

#[test]
fn limits_of_all_clients_together() {
    let text = "limits.total = { sessions = 3, columns = 60, detached = 2 }";
    let bus = limited(text);
    bus.block_on(async {
        let clients = [bus.client().await, bus.client().await, bus.client().await];
        let start = async |client: &Client, detached| {
            let start = Start {
                detached,
                ..Start::every_millis(60_000)
            };
            client.start(&["memory/physical/used"], start).await
        };
        let mut sessions = Vec::new();
        for client in &clients[..2] {
            sessions.push(start(client, true).await.unwrap());
        }
        check_refused(start(&clients[2], true).await, "limits.total.detached");
        sessions.push(start(&clients[2], false).await.unwrap());
        for client in &clients {
            check_refused(start(client, false).await, "limits.total.sessions");
        }
        assert_eq!(clients[0].sessions().await.unwrap().len(), 3);
        // A session that has ended makes room for a session of any client.
        sessions.pop().unwrap().stop().await.unwrap();
        let wide = async |selectors: &[&str]| {
            clients[0]
                .start(selectors, Start::every_millis(60_000))
                .await
        };
        check_refused(wide(&[]).await, "limits.total.columns");
        wide(&["memory/physical"]).await.unwrap();
    });
}

#[test]
fn a_reload_changes_the_limits() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let two = ["memory/physical/used", "memory/physical/free"];
        client.sample(&two, SampleOptions::default()).await.unwrap();
        fs::create_dir_all(bus.config().join("sampled")).unwrap();
        fs::write(
            bus.config().join("sampled/config.toml"),
            "limits.selectors = 1",
        )
        .unwrap();
        assert_eq!(bus.run(&["reload"]).code, Some(0));
        let refused = client.sample(&two, SampleOptions::default()).await;
        check_refused(refused, "limits.selectors");
    });
}

#[test]
fn the_documentation_has_the_defaults_of_all_limits() {
    let page = include_str!("../../docs/config.md");
    let (_, limits) = page.split_once("## Limits\n").unwrap();
    let (of_client, of_all) = limits.split_once("[limits.total]").unwrap();
    let rows = |text: &'static str, table: &'static str| {
        text.lines().filter_map(move |line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let key = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            let default: usize = cells.nth(1)?.parse().ok()?;
            Some((format!("{table}{key}"), default))
        })
    };
    let rows = rows(of_client, "").chain(rows(of_all, "total."));
    let rows: Vec<_> = rows.collect();
    let all = Limits::default().all();
    let all: Vec<_> = all
        .map(|(key, default)| (key.to_owned(), default))
        .collect();
    assert_eq!(rows, all);
}
