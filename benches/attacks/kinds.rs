//! The attacks.

use std::{collections::HashMap, fs, path::Path, thread::sleep, time::Duration};

use tempfile::TempDir;
use zbus::{Message, Variant, message::Flags};

use crate::{
    Raw, SAMPLED,
    bus::{Bus, Target, call, ping},
    hung_mount::Hung,
    raw::{finish, no_reply_call, processes_call, sampler_call},
};

pub(crate) type Attack = fn(&Bus);

pub(crate) const ALL: [(&str, Attack); 36] = [
    ("none", |_| sleep(Duration::from_secs(1))),
    // Messages.
    ("message-of-2-mb", |bus| {
        let call = sampler_call("List", &(vec!["*/*/*"; 180_000]));
        Raw::connect(bus).repeat_and_read(&call, 5);
    }),
    ("message-of-64-mb", |bus| {
        let call = sampler_call("List", &(vec!["*/*/*"; 5_000_000]));
        Raw::connect(bus).repeat_and_read(&call, 1);
    }),
    ("messages-of-900-kb", |bus| {
        let call = sampler_call("List", &(vec!["x".repeat(900_000)]));
        Raw::connect(bus).repeat_and_read(&call, 100);
    }),
    ("path-of-900-kb", |bus| {
        let path = format!("/{}", "x".repeat(900_000));
        let call = Message::method_call(path, "List");
        Raw::connect(bus).repeat_and_read(&finish(call, &(Vec::<&str>::new())), 20);
    }),
    ("path-of-3-mb", |bus| {
        let path = format!("/{}", "x".repeat(3_000_000));
        let call = Message::method_call(path, "List");
        Raw::connect(bus).repeat_and_read(&finish(call, &(Vec::<&str>::new())), 5);
    }),
    ("descriptors", |bus| {
        let mut raw = Raw::connect(bus);
        for _ in 0..500 {
            let call = descriptors(16);
            if raw.send_descriptors(&call, 16).is_err() {
                break;
            }
        }
        raw.read_for(Duration::from_millis(300));
    }),
    ("signals", |bus| {
        let signal = Message::signal(
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "NameOwnerChanged",
        );
        let signal = signal.destination(SAMPLED.name);
        let signal = signal
            .build(&(":1.1", ":1.1", ""))
            .expect("it is well formed");
        Raw::connect(bus).repeat_and_read(signal.data(), 100_000);
    }),
    // Selectors and options.
    ("selectors-100000", |bus| {
        let selectors: Vec<_> = (0..60_000).map(|at| format!("m*{at}")).collect();
        Raw::connect(bus).repeat_and_read(&sampler_call("List", &(selectors)), 20);
    }),
    ("patterns-4096", |bus| {
        Raw::connect(bus).repeat_and_read(&sampler_call("List", &(patterns())), 20);
    }),
    ("patterns-4096-sampled", |bus| {
        Raw::connect(bus).repeat_and_read(&sampler_call("Sample", &(patterns(), no_options())), 64);
    }),
    ("nested-options", |bus| {
        let nested = Variant::from(vec![Variant::from(1_u8); 100_000]);
        let options = HashMap::from([("window", &nested), ("x", &nested)]);
        let none = Vec::<&str>::new();
        Raw::connect(bus).repeat_and_read(&sampler_call("Sample", &(none, options)), 20);
    }),
    ("options-20000", |bus| {
        let keys: Vec<_> = (0..20_000).map(|at| at.to_string()).collect();
        let options: HashMap<_, _> = keys
            .iter()
            .map(|key| (key.as_str(), Variant::from(1_u8)))
            .collect();
        let none = Vec::<&str>::new();
        Raw::connect(bus).repeat_and_read(&sampler_call("Sample", &(none, options)), 20);
    }),
    ("filter-of-800-kb", |bus| {
        filter(bus, "*a".repeat(400_000));
    }),
    ("filter-of-16-mb", |bus| {
        filter(bus, "*a".repeat(8_000_000));
    }),
    // Calls.
    ("list-5000", |bus| {
        Raw::connect(bus).repeat_and_read(&sampler_call("List", &(Vec::<&str>::new())), 5000);
    }),
    ("sample-everything-8000", |bus| {
        Raw::connect(bus).repeat_and_read(&sampler_call("Sample", &everything()), 8000);
    }),
    ("sample-unread-20000", |bus| {
        Raw::connect(bus).repeat(&sampler_call("Sample", &everything()), 20_000);
    }),
    ("sample-no-reply-300000", |bus| {
        Raw::connect(bus).repeat(&no_reply_call("Sample", &everything()), 300_000);
    }),
    ("sample-window-10-s", |bus| {
        let options = HashMap::from([("window", Variant::U64(10_000_000))]);
        let call = sampler_call("Sample", &(vec!["cpu"], options));
        let mut all: Vec<_> = (0..20).map(|_| Raw::connect(bus)).collect();
        all.iter_mut().for_each(|raw| raw.repeat(&call, 64));
        sleep(Duration::from_secs(1));
    }),
    ("sources-5000", |bus| {
        Raw::connect(bus).repeat_and_read(&sampler_call("Sources", &()), 5000);
    }),
    ("snapshot-2000", |bus| {
        let none = Vec::<&str>::new();
        let call = processes_call("Snapshot", &(none, no_options()));
        Raw::connect(bus).repeat_and_read(&call, 2000);
    }),
    ("introspect-5000", |bus| {
        let target = Target {
            interface: "org.freedesktop.DBus.Introspectable",
            ..SAMPLED
        };
        Raw::connect(bus).repeat_and_read(&call(target, "Introspect", &()), 5000);
    }),
    ("ping-50000", |bus| {
        Raw::connect(bus).repeat_and_read(&ping(SAMPLED), 50_000);
    }),
    ("unknown-method-50000", |bus| {
        Raw::connect(bus).repeat_and_read(&sampler_call("NoSuchMethod", &()), 50_000);
    }),
    // Clients.
    ("clients-500", |bus| {
        let all = clients(bus);
        sleep(Duration::from_secs(1));
        drop(all);
    }),
    ("clients-500-killed", |bus| drop(clients(bus))),
    // The service has to identify each of these callers.
    ("strangers-500", |bus| {
        let snapshot = processes_call("Snapshot", &(vec!["pid"], no_options()));
        let end = processes_call("End", &(u32::MAX, 0_u64, 15));
        let all: Vec<_> = (0..500)
            .map(|_| {
                let mut raw = Raw::connect(bus);
                raw.send(&snapshot);
                raw.repeat(&end, 4);
                raw
            })
            .collect();
        sleep(Duration::from_secs(1));
        drop(all);
    }),
    // Sessions.
    ("sessions-of-everything", |bus| {
        let call = sampler_call("Start", &(Vec::<&str>::new(), 50_000_u64, no_options()));
        Raw::connect(bus).repeat_and_read(&call, 100);
        sleep(Duration::from_secs(1));
    }),
    ("sessions-unread", |bus| {
        let call = sampler_call("Start", &(Vec::<&str>::new(), 50_000_u64, no_options()));
        let mut raw = Raw::connect(bus);
        raw.repeat(&call, 64);
        sleep(Duration::from_secs(3));
    }),
    ("detached-5000", |bus| {
        let options = HashMap::from([("detached", Variant::Bool(true))]);
        let call = sampler_call("Start", &(vec!["memory"], 50_000_u64, options));
        Raw::connect(bus).repeat_and_read(&call, 5000);
        sleep(Duration::from_secs(1));
    }),
    ("start-stop-2000", |bus| {
        let call = sampler_call("Start", &(vec!["memory"], 50_000_u64, no_options()));
        for _ in 0..200 {
            Raw::connect(bus).repeat(&call, 10);
        }
    }),
    ("sessions-call-5000", |bus| {
        let start = sampler_call(
            "Start",
            &(Vec::<&str>::new(), 86_400_000_000_u64, no_options()),
        );
        let mut raw = Raw::connect(bus);
        raw.repeat(&start, 10);
        raw.repeat_and_read(&sampler_call("Sessions", &()), 5000);
    }),
    ("quit-5000", |bus| {
        let call = sampler_call("Start", &(vec!["memory"], 1_000_000_u64, no_options()));
        let mut other = Raw::connect(bus);
        other.send(&call);
        // The session exists once something has arrived.
        other.read_for(Duration::from_millis(200));
        Raw::connect(bus).repeat_and_read(&sampler_call("Quit", &()), 5000);
    }),
    // Files.
    (ANSWERING, |bus| {
        let dir = TempDir::new().expect("directory");
        for at in 0..VALUES {
            fs::write(dir.path().join(at.to_string()), "5\n").expect("file");
        }
        values(bus, dir.path());
    }),
    (HUNG, |bus| {
        let dir = TempDir::new().expect("directory");
        match Hung::over(dir.path()) {
            // `drop` fails all calls that wait for it.
            Some(mount) => values(bus, mount.path()),
            None => eprintln!("{HUNG}: left out, {}", Hung::NEEDS),
        }
    }),
];

/// Readings of files that answer, and of files of a mount that hangs. The neighbour must not notice more of the second
/// than of the first.
pub(crate) const ANSWERING: &str = "values-24";
pub(crate) const HUNG: &str = "hung-mount-values-24";

const VALUES: usize = 24;

/// Reads the files of a directory by sessions and by `Sample`, and lists their metrics.
fn values(bus: &Bus, files: &Path) {
    let definitions: String = (0..VALUES)
        .map(|at| {
            let file = files.join(at.to_string());
            format!("[metrics.'room/desk/value{at}']\nfile = {file:?}\n")
        })
        .collect();
    let directory = bus.config().join("sampled/sources.d");
    fs::create_dir_all(&directory).expect("directory");
    fs::write(directory.join("values.toml"), definitions).expect("definitions");
    let values = vec!["room", "memory"];
    let start = sampler_call("Start", &(&values, 50_000_u64, no_options()));
    let list = sampler_call("List", &(&values));
    let mut raw = Raw::connect(bus);
    raw.repeat(&start, 10);
    for _ in 0..20 {
        raw.repeat(&sampler_call("Sample", &(&values, no_options())), 1);
        raw.repeat(&list, 1);
        // Less than the interval of the sessions: it would go on with their frames.
        raw.read_for(Duration::from_millis(20));
    }
}

pub(crate) fn no_options() -> HashMap<&'static str, Variant<'static>> {
    HashMap::new()
}

fn everything() -> (Vec<&'static str>, HashMap<&'static str, Variant<'static>>) {
    (Vec::new(), no_options())
}

/// Different patterns, each of which matches every metric.
fn patterns() -> Vec<String> {
    let stars = |count: usize| "*".repeat(count + 1);
    let all = (0..4096).map(|at| (at / 256, at / 16 % 16, at % 16));
    all.map(|(a, b, c)| format!("{}/{}/{}", stars(a), stars(b), stars(c)))
        .collect()
}

fn filter(bus: &Bus, pattern: String) {
    let filter = HashMap::from([("command_line", pattern)]);
    let options = HashMap::from([("filter", Variant::from(filter))]);
    let none = Vec::<&str>::new();
    let call = processes_call("Snapshot", &(none, options));
    Raw::connect(bus).repeat_and_read(&call, 3);
}

fn clients(bus: &Bus) -> Vec<Raw> {
    let call = sampler_call("Sample", &everything());
    let mut all: Vec<_> = (0..500).map(|_| Raw::connect(bus)).collect();
    all.iter_mut().for_each(|raw| raw.repeat(&call, 50));
    all
}

/// A call whose header announces this many descriptors.
fn descriptors(count: usize) -> Vec<u8> {
    let stdin = std::io::stdin();
    let message = Message::method_call(SAMPLED.path, "List").destination(SAMPLED.name);
    let message = message
        .interface(SAMPLED.interface)
        .with_flags(Flags::empty());
    let descriptors: Vec<_> = (0..count).map(|_| zbus::Fd::from(&stdin)).collect();
    message
        .build(&(descriptors))
        .expect("a well-formed call")
        .data()
        .to_vec()
}
