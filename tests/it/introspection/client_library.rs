//! The client library calls each member by the signatures of the descriptions. A monitor of the bus sees them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
};

use futures_util::StreamExt;
use sampled::{
    client::{
        Client, Processes, Row, SampleOptions, Start, StreamOptions, TableOptions, WatchOptions,
    },
    reading::Value,
};
use tokio::time::timeout;
use zbus::{Message, MessageStream, Variant, fdo::MonitoringProxy, message::Type};

use super::{INTERFACES, members};
use crate::support::{bus::Bus, process::DEADLINE};

/// Calls each method and reads each property, waits for each signal, and checks that the library understands the answers.
/// `Quit` comes last.
async fn use_each_member(bus: &Bus) {
    let client = bus.client().await;
    let proxy = client.proxy();
    let mut frames = proxy.receive_sampled().await.unwrap();
    let mut changes = proxy.receive_changed().await.unwrap();
    let mut ends = proxy.receive_ended().await.unwrap();
    let mut crossings = proxy.receive_crossed().await.unwrap();
    let mut catalogs = proxy.receive_catalog_changed().await.unwrap();

    client.list(&["cpu/all"]).await.unwrap();
    let ids = ["cpu/all/usage", "os/kernel/version"];
    client.sample(&ids, SampleOptions::default()).await.unwrap();
    client.sources().await.unwrap();
    proxy.version().await.unwrap();
    proxy.idle_timeout().await.unwrap();

    // By the proxy, and by the type that follows a session.
    let none: HashMap<&str, Variant<'_>> = HashMap::new();
    let (session, _) = proxy.start(&ids, 100_000, &none).await.unwrap();
    next(&mut changes).await.args().unwrap();
    next(&mut frames).await.args().unwrap();
    client.describe(session).await.unwrap();
    client.history(&ids, DEADLINE).await.unwrap();
    client.sessions().await.unwrap();
    client.stop(session).await.unwrap();
    next(&mut ends).await.args().unwrap();
    let mut session = client.start(&ids, Start::every_millis(100)).await.unwrap();
    session.next().await.unwrap();
    let total = "memory/physical/total";
    let watch = proxy.watch(total, 0.0, &none).await.unwrap();
    next(&mut crossings).await.args().unwrap();
    client.stop(watch).await.unwrap();
    let options = WatchOptions::default();
    let mut watch = client.watch(total, 0.0, options).await.unwrap();
    watch.next().await.unwrap();
    watch.stop().await.unwrap();
    let options = StreamOptions::every_millis(10);
    let mut stream = client.open(&ids, options).await.unwrap();
    stream.next().await.unwrap();
    stream.stop().await.unwrap();
    proxy.open(&ids, 10_000, &none).await.unwrap();

    let definitions = bus.config().join("sampled/sources.d");
    fs::create_dir_all(&definitions).unwrap();
    let double = "[metrics.'room/desk/double']\nexpression = '2 * cpu/all/usage'\nunit = '%'";
    fs::write(definitions.join("room.toml"), double).unwrap();
    client.list(&[]).await.unwrap();
    next(&mut catalogs).await.args().unwrap();
    session.stop().await.unwrap();

    use_each_member_of_processes(bus, &client).await;
    client.reload().await.unwrap();
    client.quit().await.unwrap();
}

async fn use_each_member_of_processes(bus: &Bus, client: &Client) {
    let processes = Processes::on(client.bus().clone()).await.unwrap();
    let proxy = processes.proxy();
    let mut changes = proxy.receive_changed().await.unwrap();
    let mut ends = proxy.receive_ended().await.unwrap();

    processes.fields().await.unwrap();
    let (table, options) = (TableOptions::default(), SampleOptions::default());
    let sums = processes.sums("user", &["rss"], &table, options);
    sums.await.unwrap();
    let mut child = bus.command("sleep").arg("1000").spawn().unwrap();
    let fields = ["pid", "start_time"];
    let snapshot = processes.snapshot(&fields, &table, options).await.unwrap();
    let is_child = |row: &&Row| row[0] == Ok(Value::Number(f64::from(child.id())));
    let child_row = snapshot.rows.iter().find(is_child).unwrap();
    let Ok(Value::Number(start_time)) = child_row[1] else {
        panic!("{child_row:?}");
    };
    let start_time = start_time as u64;
    processes.end(child.id(), start_time, 15).await.unwrap();
    child.wait().unwrap();

    let none: HashMap<&str, Variant<'_>> = HashMap::new();
    let (session, _) = proxy.start(&fields, 100_000, &none).await.unwrap();
    next(&mut changes).await.args().unwrap();
    processes.stop(session).await.unwrap();
    next(&mut ends).await.args().unwrap();
    let start = Start::every_millis(100);
    let mut session = processes.start(&fields, &table, start).await.unwrap();
    session.next().await.unwrap();
    session.stop().await.unwrap();
}

/// The next signal of a stream.
async fn next<T>(signals: &mut (impl StreamExt<Item = T> + Unpin)) -> T {
    let signal = timeout(DEADLINE, signals.next()).await;
    signal.expect("a signal in time").expect("a connection")
}

/// The interface, the member, and whether it is a message that the member takes or returns, with its signature.
type Seen = BTreeSet<(String, String, &'static str, String)>;

/// The members in the messages of a monitor, up to the reply of `Quit`.
async fn seen_by(mut messages: MessageStream) -> Seen {
    let mut seen = Seen::new();
    // By sender and serial number.
    let mut calls: BTreeMap<(String, u32), (String, String)> = BTreeMap::new();
    loop {
        let message: Message = next(&mut messages).await.expect("a message");
        let header = message.header();
        let name = |name: Option<&str>| name.unwrap_or_default().to_owned();
        let interface = name(header.interface().map(|name| name.as_str()));
        let member = name(header.member().map(|name| name.as_str()));
        let signature = message.body().signature().to_string_no_parens();
        match message.message_type() {
            Type::MethodCall if interface == "org.freedesktop.DBus.Properties" => {
                if let Ok((interface, property)) = message.body().deserialize::<(&str, &str)>() {
                    let sender = name(header.sender().map(|name| name.as_str()));
                    let call = (sender, header.primary().serial_num().get());
                    calls.insert(call, (interface.to_owned(), property.to_owned()));
                }
            }
            Type::MethodCall if INTERFACES.contains(&interface.as_str()) => {
                let sender = name(header.sender().map(|name| name.as_str()));
                let call = (sender, header.primary().serial_num().get());
                calls.insert(call, (interface.clone(), member.clone()));
                seen.insert((interface, member, "takes", signature));
            }
            Type::Signal if INTERFACES.contains(&interface.as_str()) => {
                seen.insert((interface, member, "returns", signature));
            }
            Type::MethodReturn => {
                let caller = name(header.destination().map(|name| name.as_str()));
                let serial = header.reply_serial().expect("of a reply").get();
                let Some((interface, member)) = calls.remove(&(caller, serial)) else {
                    continue;
                };
                // A property arrives in a variant.
                let signature = match message.body().deserialize::<Variant<'_>>() {
                    Ok(value) if signature == "v" => value.value_signature().to_string(),
                    _ => signature,
                };
                let is_last = member == "Quit";
                seen.insert((interface, member, "returns", signature));
                if is_last {
                    return seen;
                }
            }
            _ => {}
        }
    }
}

#[test]
fn the_client_library_uses_the_signatures_of_the_descriptions() {
    let bus = Bus::activating("");
    let seen = bus.block_on(async {
        let monitor = bus.connect().await;
        let messages = MessageStream::from(&monitor);
        let proxy = MonitoringProxy::new(&monitor).await.unwrap();
        proxy.become_monitor(&[], 0).await.unwrap();
        let ((), seen) = tokio::join!(use_each_member(&bus), seen_by(messages));
        seen
    });
    let mut expected = Seen::new();
    for interface in INTERFACES {
        for member in members(interface) {
            let mut expect = |way, signature| {
                expected.insert((interface.to_owned(), member.name.clone(), way, signature));
            };
            if member.kind == "method" {
                expect("takes", member.takes);
            }
            expect("returns", member.returns);
        }
    }
    // A missing member belongs into `use_each_member` and into the client library.
    assert_eq!(seen, expected);
}
