//! Snapshots and sums: the table as it is now.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    os::unix,
    time::Duration,
};

use sampled::{
    client::{Error, SampleOptions, TableOptions},
    reading::Fault,
};

use rustix::process::geteuid;

use super::{Foreign, Sleeper, number, passes, processes, row, text};
use crate::{
    sandbox::Proxy,
    support::{bus::Bus, process::skip},
};

const USUAL: SampleOptions = SampleOptions {
    window: None,
    max_age: None,
    timeout: Some(Duration::from_secs(10)),
};

fn all() -> TableOptions {
    TableOptions::default()
}

#[test]
fn a_process_is_in_the_table_while_it_is_there() {
    let bus = Bus::activating("");
    let sleeper = Sleeper::new(&bus);
    let pid = sleeper.pid();
    let fields = ["pid", "parent", "name", "command_line", "state", "threads"];
    bus.block_on(async {
        let processes = processes(&bus).await;
        // The child may not have executed its program yet.
        let running = loop {
            let table = processes.snapshot(&fields, &all(), USUAL).await.unwrap();
            assert_eq!(table.columns, fields);
            // What ends while it is read is left out.
            assert_eq!(table.rows.len(), table.matched as usize);
            assert!(table.matched <= table.total);
            let row = row(&table, pid).expect("it is there").clone();
            if text(&row[2]) == "sleep" && text(&row[4]) == "S" {
                break row;
            }
        };
        assert_eq!(number(&running[1]), f64::from(std::process::id()));
        assert_eq!(text(&running[3]), "sleep 1000");
        assert_eq!(number(&running[5]), 1.0);
        // Nobody has waited for it: it has ended, and is there.
        sleeper.kill();
        let table = processes.snapshot(&fields, &all(), USUAL).await.unwrap();
        assert_eq!(text(&row(&table, pid).unwrap()[4]), "Z");
        drop(sleeper);
        let table = processes.snapshot(&fields, &all(), USUAL).await.unwrap();
        assert_eq!(row(&table, pid), None);
    });
}

#[test]
fn names_that_are_no_words_arrive_as_they_are() {
    let bus = Bus::activating("");
    // Not valid in UTF-8 either.
    let names: [&[u8]; 3] = [b"a\nb)", b"caf\xe9", b"\xf0\x9f\xa6\x80 (x) S 1"];
    let sleepers = names.map(|name| {
        use std::os::unix::ffi::OsStrExt;
        let link = bus.dir().join(std::ffi::OsStr::from_bytes(name));
        let sleep = ["/bin/sleep", "/usr/bin/sleep"];
        let sleep = sleep.iter().find(|file| fs::exists(file).unwrap()).unwrap();
        unix::fs::symlink(sleep, &link).unwrap();
        let mut command = bus.command(link.to_str().unwrap_or_default());
        if link.to_str().is_none() {
            command = std::process::Command::new(&link);
        }
        unix::process::CommandExt::arg0(&mut command, "sleep");
        Sleeper::of(command.arg("1000"))
    });
    bus.block_on(async {
        let processes = processes(&bus).await;
        for (sleeper, name) in sleepers.iter().zip(names) {
            let choice = all().filtered_by("pid", &sleeper.pattern());
            let expected = String::from_utf8_lossy(&name[..name.len().min(15)]).into_owned();
            loop {
                let table = processes.snapshot(&["name"], &choice, USUAL).await.unwrap();
                assert_eq!((table.matched, table.rows.len()), (1, 1), "{name:?}");
                if text(&table.rows[0][0]) == expected {
                    break;
                }
                // Until it has executed its program it has the name of this one.
                let state = fs::read(format!("/proc/{}/comm", sleeper.pid())).unwrap();
                assert!(!state.starts_with(name) || name.len() > 15, "{table:?}");
            }
        }
    });
}

#[test]
fn order_limit_and_filter() {
    let bus = Bus::activating("");
    let sleepers = [(); 4].map(|()| Sleeper::new(&bus));
    bus.block_on(async {
        let processes = processes(&bus).await;
        let own = all().filtered_by("parent", &std::process::id().to_string());
        let own = own.filtered_by("name", "sl*p");
        let table = loop {
            let fields = ["pid", "start_time"];
            let table = processes.snapshot(&fields, &own, USUAL).await.unwrap();
            // All of them have executed their program.
            if sleepers.iter().all(|one| row(&table, one.pid()).is_some()) {
                break table;
            }
        };
        assert!(table.matched < table.total, "{table:?}");
        let pids = |rows: &[Vec<_>]| -> Vec<u32> {
            rows.iter().map(|row| number(&row[0]) as u32).collect()
        };
        // By pid, if nothing else is said.
        assert!(pids(&table.rows).is_sorted(), "{table:?}");
        let last = own.clone().ordered_by("-pid").limited_to(2);
        let last = last.filtered_by("pid", &format!("<={}", sleepers[3].pid()));
        let table = processes.snapshot(&["pid"], &last, USUAL).await.unwrap();
        assert_eq!(pids(&table.rows).len(), 2);
        assert!(table.matched >= 4, "{table:?}");
        assert_eq!(pids(&table.rows)[0], sleepers[3].pid());
        assert!(pids(&table.rows).is_sorted_by(|a, b| a > b), "{table:?}");
        // To know how many there are, none need be sent.
        let none = own.limited_to(0);
        let table = processes.snapshot(&["pid"], &none, USUAL).await.unwrap();
        assert!(table.rows.is_empty() && table.matched >= 4, "{table:?}");
    });
}

#[test]
fn a_cold_call_has_rates_and_a_short_one_says_that_it_has_none() {
    let bus = Bus::activating("");
    let spinner = Sleeper::of(bus.command("sh").args(["-c", "while :; do :; done"]));
    let one = all().filtered_by("pid", &spinner.pattern());
    bus.block_on(async {
        let processes = processes(&bus).await;
        let hasty = SampleOptions {
            timeout: Some(Duration::from_secs(9)),
            window: Some(Duration::from_secs(10)),
            ..USUAL
        };
        let fields = ["pid", "cpu", "read"];
        let table = processes.snapshot(&fields, &one, hasty).await.unwrap();
        assert_eq!(table.rows[0][1], Err(Fault::Timeout));
        assert_eq!(table.rows[0][2], Err(Fault::Timeout));
        let table = processes.snapshot(&fields, &one, USUAL).await.unwrap();
        assert!(number(&table.rows[0][1]) > 0.0, "{table:?}");
        assert!(number(&table.rows[0][2]) >= 0.0, "{table:?}");
        let busiest = all().ordered_by("-cpu").filtered_by("cpu", ">0");
        let table = processes.snapshot(&fields, &busiest, USUAL).await.unwrap();
        assert!(row(&table, spinner.pid()).is_some(), "{table:?}");
        let usage: Vec<_> = table.rows.iter().map(|row| number(&row[1])).collect();
        assert!(usage.is_sorted_by(|a, b| a >= b), "{usage:?}");
    });
}

#[test]
fn what_is_young_enough_is_not_read_again() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let processes = processes(&bus).await;
        let first = processes.snapshot(&["pid"], &all(), USUAL).await.unwrap();
        let aged = SampleOptions {
            max_age: Some(Duration::from_secs(3600)),
            ..USUAL
        };
        // Other fields of the same processes, at the same moment.
        let second = processes.snapshot(&["name"], &all(), aged).await.unwrap();
        assert_eq!(second.timestamp, first.timestamp);
        assert_eq!(passes(&bus).await, 1);
        let third = processes.snapshot(&["pid"], &all(), USUAL).await.unwrap();
        assert!(third.timestamp > first.timestamp);
        assert_eq!(passes(&bus).await, 2);
    });
}

#[test]
fn all_fields_are_described_and_have_columns_of_one_length() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let processes = processes(&bus).await;
        let fields = processes.fields().await.unwrap();
        assert!(fields.len() >= 20, "{fields:?}");
        for (name, field) in &fields {
            assert!(field.description.len() > 10, "{name}: {field:?}");
            assert_eq!(field.is_text, field.unit.is_empty(), "{name}: {field:?}");
            assert!(!(field.is_text && field.is_summable), "{name}: {field:?}");
        }
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        // To ask for all of them is dear, on a machine with much else to do.
        let options = HashMap::from([("timeout", zbus::Variant::U64(10_000_000))]);
        let reply = processes.proxy().snapshot(&names, &options).await.unwrap();
        let (_, columns, values, faults, details) = reply;
        assert_eq!(columns, names);
        let total: u32 = details["total"].clone().try_into().unwrap();
        let mut lengths = BTreeSet::new();
        for (name, column) in names.iter().zip(values) {
            let kind = if fields[*name].is_text { "as" } else { "ad" };
            assert_eq!(column.value_signature().to_string(), kind, "{name}");
            let zbus::Variant::Array(column) = &*column else {
                panic!("{name}: {column:?}");
            };
            lengths.insert(column.len());
            // Nothing is both a value and a fault, or neither.
            let faults = faults.get(*name).into_iter().flatten();
            let faulty: BTreeSet<u32> = faults.flat_map(|(_, rows)| rows.clone()).collect();
            for (place, value) in (0..).zip(column.iter()) {
                if let zbus::Variant::F64(number) = value {
                    assert_eq!(number.is_nan(), faulty.contains(&place), "{name} {place}");
                }
            }
        }
        assert_eq!(lengths.len(), 1, "{lengths:?}");
        let length = *lengths.first().unwrap();
        assert!(
            length > 1 && length <= total as usize,
            "{length} of {total}"
        );
    });
}

#[test]
fn what_is_denied_is_a_fault_and_the_rest_is_there() {
    let (bus, foreign) = Foreign::without("sys_ptrace");
    // A service that may do less than its caller does not see who that is: this one may do as little.
    let mut setpriv = bus.command("setpriv");
    setpriv.arg("--bounding-set=-sys_ptrace");
    let proxy = geteuid().is_root().then(|| Proxy::run_by(setpriv, &bus));
    if let Some(None) = proxy {
        return skip("xdg-dbus-proxy is not installed");
    }
    bus.block_on(async {
        let processes = match &proxy {
            Some(Some(proxy)) => proxy.processes().await,
            _ => processes(&bus).await,
        };
        let one = foreign.settled(&processes).await;
        let fields = ["uid", "executable", "read", "rss"];
        let table = processes.snapshot(&fields, &one, USUAL).await.unwrap();
        let row = &table.rows[0];
        assert_ne!(number(&row[0]), f64::from(geteuid().as_raw()));
        assert_eq!(row[1], Err(Fault::Denied));
        assert_eq!(row[2], Err(Fault::Denied));
        assert!(number(&row[3]) > 0.0, "{row:?}");
        // A sum says that it misses some.
        let sums = processes.sums("user", &["read", "rss"], &one, USUAL).await;
        let sums = sums.unwrap();
        assert_eq!(sums.groups.len(), 1, "{sums:?}");
        assert_eq!(sums.groups[0].values[0], (None, Some(Fault::Denied)));
        assert!(sums.groups[0].values[1].0.unwrap() > 0.0, "{sums:?}");
    });
}

#[test]
fn sums_are_those_of_the_rows() {
    let bus = Bus::activating("");
    let sleepers = [(); 3].map(|()| Sleeper::new(&bus));
    bus.block_on(async {
        let processes = processes(&bus).await;
        let own = all()
            .filtered_by("parent", &std::process::id().to_string())
            .filtered_by("pid", &format!(">={}", sleepers[0].pid()));
        let aged = SampleOptions {
            max_age: Some(Duration::from_secs(3600)),
            ..USUAL
        };
        let sums = processes
            .sums("user", &["threads", "rss"], &own, aged)
            .await;
        let sums = sums.unwrap();
        assert_eq!(sums.columns, ["threads", "rss"]);
        let fields = ["user", "threads", "rss"];
        let rows = processes.snapshot(&fields, &own, aged).await.unwrap();
        assert_eq!(sums.timestamp, rows.timestamp);
        let count: u32 = sums.groups.iter().map(|group| group.processes).sum();
        assert_eq!(count as usize, rows.rows.len());
        for group in &sums.groups {
            let name = group.name.clone().unwrap();
            for (place, total) in group.values.iter().enumerate() {
                let own = rows.rows.iter().filter(|row| text(&row[0]) == &*name);
                let sum: f64 = own.map(|row| number(&row[place + 1])).sum();
                assert_eq!(*total, (Some(sum), None), "{name}");
            }
        }
    });
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let processes = processes(&bus).await;
        let check = async |fields: &[&str], choice: TableOptions, culprit: &str| {
            let error = processes
                .snapshot(fields, &choice, USUAL)
                .await
                .unwrap_err();
            assert!(error.to_string().contains(culprit), "{error}");
            error
        };
        let error = check(&["pid", "colour"], all(), "colour").await;
        assert!(matches!(error, Error::UnknownField(_)), "{error:?}");
        let error = check(&[], all().ordered_by("-colour"), "colour").await;
        assert!(matches!(error, Error::UnknownField(_)), "{error:?}");
        let error = check(&[], all().filtered_by("colour", "red"), "colour").await;
        assert!(matches!(error, Error::UnknownField(_)), "{error:?}");
        check(&[], all().filtered_by("rss", "much"), "rss=much").await;
        check(&["pid", "pid"], all(), "pid: asked for twice").await;
        for (by, field) in [("colour", "rss"), ("user", "name"), ("user", "pid")] {
            let sums = processes.sums(by, &[field], &all(), USUAL).await;
            let error = sums.unwrap_err().to_string();
            let culprit = if by == "user" { field } else { by };
            assert!(error.contains(culprit), "{error}");
        }
        let window = SampleOptions {
            window: Some(Duration::from_micros(1)),
            ..USUAL
        };
        let error = processes.snapshot(&["cpu"], &all(), window).await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::InvalidInterval(_)), "{error:?}");
        assert_eq!(passes(&bus).await, 0);
    });
}
