//! `Changed` and `Describe`: the columns, texts and faults of a session, told in differences.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    io::Write,
    path::PathBuf,
    process::Command,
    time::Instant,
};

use futures_util::StreamExt;
use sampled::{
    client::{Client, Error, Start},
    wire::{INTERFACE, NAME, PATH},
};
use tokio::time::timeout;
use zbus::{Connection, Message, MessageStream, message::Type};

use crate::{
    calls::fixture,
    custom::fixture::{define, sources_d},
    sessions::{Options, frame},
    support::{bus::Bus, process::DEADLINE},
};

type Texts = BTreeMap<String, String>;

/// A signal of a session.
#[derive(Debug)]
enum Signal {
    Changed(Vec<String>, Texts, Texts),
    Sampled(Vec<f64>),
}

/// The signals that a connection receives, of all sessions, and those of the service's replies.
struct Signals(MessageStream);

impl Signals {
    /// Starts a session; returns its number.
    async fn start(&mut self, bus: &Connection, selectors: &[&str], milliseconds: u64) -> u32 {
        let body = (selectors, milliseconds * 1000, Options::new());
        let call = Message::method_call(PATH, "Start")
            .destination(NAME)
            .interface(INTERFACE);
        bus.send(&call.build(&body).unwrap()).await.unwrap();
        loop {
            let message = self.message().await;
            if message.message_type() == Type::MethodReturn {
                let (session, _): (u32, Vec<String>) = message.body().deserialize().unwrap();
                return session;
            }
        }
    }

    async fn message(&mut self) -> Message {
        let message = timeout(DEADLINE, self.0.next()).await;
        message.expect("a message in time").unwrap().unwrap()
    }

    async fn next(&mut self) -> Signal {
        loop {
            let message = self.message().await;
            let header = message.header();
            let body = message.body();
            match header.member().map(|member| member.as_str()) {
                Some("Changed") => {
                    let (_, columns, texts, faults): (u32, _, _, _) = body.deserialize().unwrap();
                    return Signal::Changed(columns, texts, faults);
                }
                Some("Sampled") => {
                    let (_, _, values): (u32, u64, _) = body.deserialize().unwrap();
                    return Signal::Sampled(values);
                }
                _ => {}
            }
        }
    }

    /// The next `Changed`, and the number of frames before it.
    async fn changed(&mut self) -> (u32, Vec<String>, Texts, Texts) {
        let mut frames = 0;
        loop {
            match self.next().await {
                Signal::Changed(columns, texts, faults) => return (frames, columns, texts, faults),
                Signal::Sampled(_) => frames += 1,
            }
        }
    }
}

fn texts<const N: usize>(entries: [(&str, &str); N]) -> Texts {
    let entries = entries.into_iter();
    entries
        .map(|(id, text)| (id.to_owned(), text.to_owned()))
        .collect()
}

/// Defines the custom metric `desk/lamp/level`, which reads the returned file.
fn define_level(bus: &Bus) -> PathBuf {
    let level = bus.dir().join("level");
    let text = format!("[metrics.\"desk/lamp/level\"]\nunit = \"1\"\nfile = {level:?}\n");
    fs::write(&level, "1").unwrap();
    define(&sources_d(bus), "desk.toml", &text);
    level
}

/// Waits until the service has read the definition.
async fn until_defined(client: &Client, selector: &str) {
    let is_defined = async { while client.list(&[selector]).await.is_err() {} };
    timeout(DEADLINE, is_defined).await.expect("the definition");
}

#[test]
fn differences_follow_the_whole_state() {
    let bus = Bus::activating("");
    let level = define_level(&bus);
    bus.block_on(async {
        until_defined(&bus.client().await, "desk").await;
        let connection = bus.connect().await;
        let mut signals = Signals(MessageStream::from(&connection));
        let selectors = ["os/kernel/name", "cpu/all/usage", "desk/lamp/level"];
        signals.start(&connection, &selectors, 60).await;
        let (frames, columns, names, faults) = signals.changed().await;
        assert_eq!(
            (frames, columns),
            (0, selectors.map(str::to_owned).to_vec())
        );
        assert_eq!(names, texts([("os/kernel/name", "Linux")]));
        assert_eq!(faults, texts([("cpu/all/usage", "first")]));
        let (frames, columns, names, faults) = signals.changed().await;
        assert_eq!((frames, columns, names), (1, vec![], Texts::new()));
        assert_eq!(faults, texts([("cpu/all/usage", "")]));
        fs::remove_file(&level).unwrap();
        let (_, columns, names, faults) = signals.changed().await;
        assert_eq!((columns, names), (vec![], Texts::new()));
        assert_eq!(faults.keys().collect::<Vec<_>>(), ["desk/lamp/level"]);
        assert_ne!(faults["desk/lamp/level"], "");
        // The frame that shows the fault follows.
        let Signal::Sampled(values) = signals.next().await else {
            panic!("a frame follows Changed");
        };
        assert!(values[2].is_nan(), "{values:?}");
    });
}

#[test]
fn a_metric_that_needs_activity_changes_at_most_once_a_second() {
    let tree = fixture("server");
    let procfs = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .args([
            "-a",
            &format!("{tree}/proc/."),
            procfs.path().to_str().unwrap(),
        ])
        .status();
    assert!(copied.unwrap().success());
    let bus = Bus::activating(&format!(
        "--procfs {} --sysfs {tree}/sys",
        procfs.path().display()
    ));
    let file = procfs.path().join("diskstats");
    let content = fs::read_to_string(&file).unwrap();
    let (before, after) = content.split_once(" sda ").unwrap();
    let (counters, after) = after.split_once('\n').unwrap();
    // A read of 2 ms more with each write.
    let write = |reads: u64| {
        let mut counters: Vec<String> = counters.split(' ').map(str::to_owned).collect();
        for (field, step) in [(0, 1), (2, 8), (3, 2)] {
            let counter: u64 = counters[field].parse().unwrap();
            counters[field] = (counter + reads * step).to_string();
        }
        let new = format!("{before} sda {}\n{after}", counters.join(" "));
        // The service keeps the file open, and one write of as many bytes is never read in part.
        assert_eq!(new.len(), content.len());
        fs::File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .write_all(new.as_bytes())
            .unwrap();
    };
    bus.block_on(async {
        let client = bus.client().await;
        let all = client.list(&["disk/*/readAwait"]).await.unwrap();
        let connection = bus.connect().await;
        let mut signals = Signals(MessageStream::from(&connection));
        let ids: Vec<&str> = all.keys().map(String::as_str).collect();
        signals.start(&connection, &ids, 50).await;
        let (mut changes, mut values, mut reads) = (0, 0, 0);
        let begin = Instant::now();
        for frame in 0..100 {
            match signals.next().await {
                Signal::Changed(..) => changes += 1,
                Signal::Sampled(frame) => {
                    values += usize::from(frame.iter().any(|value| !value.is_nan()));
                }
            }
            // Every other frame has an operation.
            if frame % 2 == 0 {
                reads += 1;
                write(reads);
            }
        }
        let seconds = begin.elapsed().as_secs();
        assert!(values >= 20, "{values} frames of 100 have a value");
        // The first signal, and the end of `first`, are no change of activity.
        assert!(changes <= seconds + 3, "{changes} changes in {seconds} s");
    });
}

#[test]
fn a_follower_of_a_detached_session_asks_for_its_state() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let follower = bus.client().await;
        let detached = Start {
            detached: true,
            ..Start::every_millis(60)
        };
        let selectors = ["os/kernel/name", "cpu/all/usage"];
        let session = client.start(&selectors, detached).await.unwrap();
        let id = session.id();
        let mut changed = follower.proxy().receive_changed().await.unwrap();
        let state = follower.describe(id).await.unwrap();
        assert_eq!(state.columns, selectors);
        // The state, and the differences since then, give what the owner gets.
        let (mut names, mut faults) = (state.texts, BTreeSet::from_iter(state.faults.into_keys()));
        while names != texts([("os/kernel/name", "Linux")]) || !faults.is_empty() {
            let next = timeout(DEADLINE, changed.next()).await.unwrap().unwrap();
            let args = next.args().unwrap();
            if !args.columns().is_empty() {
                (names, faults) = Default::default();
            }
            names.extend(args.texts().clone());
            for (id, code) in args.faults() {
                match code.as_str() {
                    "" => faults.remove(id),
                    _ => faults.insert(id.clone()),
                };
            }
        }
        let state = follower.describe(id).await.unwrap();
        assert_eq!(state.columns, selectors);
        assert_eq!(state.texts, texts([("os/kernel/name", "Linux")]));
        assert_eq!(state.faults, BTreeMap::new());
        client.stop(id).await.unwrap();
        let error = follower.describe(id).await.unwrap_err();
        assert!(matches!(error, Error::NoSuchSession(_)), "{error:?}");
    });
}

#[test]
fn only_the_owner_of_a_session_may_ask_for_its_state() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let (session, _) = client
            .proxy()
            .start(&["os/kernel/name"], 60_000_000, &HashMap::new())
            .await
            .unwrap();
        assert_eq!(
            client.describe(session).await.unwrap().columns,
            ["os/kernel/name"]
        );
        let error = bus.client().await.describe(session).await.unwrap_err();
        assert!(matches!(error, Error::NotOwner(_)), "{error:?}");
        assert!(error.to_string().contains(&session.to_string()), "{error}");
        let error = client.describe(u32::MAX).await.unwrap_err();
        assert!(matches!(error, Error::NoSuchSession(_)), "{error:?}");
    });
}

#[test]
fn a_session_whose_metrics_are_all_gone_has_no_columns() {
    let bus = Bus::activating("");
    define_level(&bus);
    bus.block_on(async {
        let client = bus.client().await;
        until_defined(&client, "desk").await;
        let start = Start::every_millis(60);
        let mut session = client.start(&["desk/*/level"], start).await.unwrap();
        let mut until = async |columns: &[&str]| {
            let has_columns = async {
                loop {
                    let values = frame(&mut session).await.readings().count();
                    if session.columns() == columns && values == columns.len() {
                        return;
                    }
                }
            };
            timeout(DEADLINE, has_columns).await.expect("the columns");
        };
        until(&["desk/lamp/level"]).await;
        fs::remove_file(sources_d(&bus).join("desk.toml")).unwrap();
        until(&[]).await;
        define_level(&bus);
        until(&["desk/lamp/level"]).await;
    });
}
