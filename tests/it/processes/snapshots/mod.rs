//! The methods `Snapshot` and `Sums`: one table of processes.

mod fields;

use std::{fs, os::unix, time::Duration};

use sampled::{
    client::{Error, SampleOptions, TableOptions},
    reading::Fault,
};

use super::{Sleeper, number, passes, processes, row, text};
use crate::support::bus::Bus;

/// The longest timeout that the service accepts: a busy machine needs no fault `timeout`.
const LONG: SampleOptions = SampleOptions {
    window: None,
    max_age: None,
    timeout: Some(Duration::from_secs(10)),
    optional: false,
};

/// Options that select all processes.
fn all() -> TableOptions {
    TableOptions::default()
}

#[test]
fn a_process_is_in_the_table_from_its_start_until_it_is_reaped() {
    let bus = Bus::activating("");
    let sleeper = Sleeper::new(&bus);
    let pid = sleeper.pid();
    let fields = ["pid", "parent", "name", "command_line", "state", "threads"];
    bus.block_on(async {
        let processes = processes(&bus).await;
        // The child may not have executed its program yet.
        let running = loop {
            let table = processes.snapshot(&fields, &all(), LONG).await.unwrap();
            assert_eq!(table.columns, fields);
            // A process that ends while it is read is left out and not counted.
            assert_eq!(table.rows.len(), table.matched as usize);
            assert!(table.matched <= table.total);
            let row = row(&table, pid).expect("the row of the process").clone();
            if text(&row[2]) == "sleep" && text(&row[4]) == "S" {
                break row;
            }
        };
        assert_eq!(number(&running[1]), f64::from(std::process::id()));
        assert_eq!(text(&running[3]), "sleep 1000");
        assert_eq!(number(&running[5]), 1.0);
        // The process has ended, and its parent has not waited for it.
        sleeper.kill();
        let table = processes.snapshot(&fields, &all(), LONG).await.unwrap();
        assert_eq!(text(&row(&table, pid).unwrap()[4]), "Z");
        drop(sleeper);
        let table = processes.snapshot(&fields, &all(), LONG).await.unwrap();
        assert_eq!(row(&table, pid), None);
    });
}

#[test]
fn names_with_line_ends_parentheses_and_invalid_utf8_arrive_unchanged() {
    let bus = Bus::activating("");
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
            let options = all().filtered_by("pid", &sleeper.pattern());
            let expected = String::from_utf8_lossy(&name[..name.len().min(15)]).into_owned();
            loop {
                let table = processes.snapshot(&["name"], &options, LONG).await.unwrap();
                assert_eq!((table.matched, table.rows.len()), (1, 1), "{name:?}");
                if text(&table.rows[0][0]) == expected {
                    break;
                }
                // Before execve(2) the child has the name of this process.
                let comm = fs::read(format!("/proc/{}/comm", sleeper.pid())).unwrap();
                assert!(!comm.starts_with(name) || name.len() > 15, "{table:?}");
            }
        }
    });
}

#[test]
fn rows_are_filtered_sorted_and_limited() {
    let bus = Bus::activating("");
    let sleepers = [(); 4].map(|()| Sleeper::new(&bus));
    bus.block_on(async {
        let processes = processes(&bus).await;
        let children = all().filtered_by("parent", &std::process::id().to_string());
        let children = children.filtered_by("name", "sl*p");
        let table = loop {
            let fields = ["pid", "start_time"];
            let table = processes.snapshot(&fields, &children, LONG).await.unwrap();
            // Until all of them have executed `sleep`.
            if sleepers.iter().all(|one| row(&table, one.pid()).is_some()) {
                break table;
            }
        };
        assert!(table.matched < table.total, "{table:?}");
        let pids = |rows: &[Vec<_>]| -> Vec<u32> {
            rows.iter().map(|row| number(&row[0]) as u32).collect()
        };
        // The default order is by pid.
        assert!(pids(&table.rows).is_sorted(), "{table:?}");
        let last = children.clone().ordered_by("-pid").limited_to(2);
        let last = last.filtered_by("pid", &format!("<={}", sleepers[3].pid()));
        let table = processes.snapshot(&["pid"], &last, LONG).await.unwrap();
        assert_eq!(pids(&table.rows).len(), 2);
        assert!(table.matched >= 4, "{table:?}");
        assert_eq!(pids(&table.rows)[0], sleepers[3].pid());
        assert!(pids(&table.rows).is_sorted_by(|a, b| a > b), "{table:?}");
        // With limit 0 the reply has counts only.
        let none = children.limited_to(0);
        let table = processes.snapshot(&["pid"], &none, LONG).await.unwrap();
        assert!(table.rows.is_empty() && table.matched >= 4, "{table:?}");
    });
}

#[test]
fn rates_take_a_window_and_time_out_if_the_window_is_longer_than_the_timeout() {
    let bus = Bus::activating("");
    let spinner = Sleeper::of(bus.command("sh").args(["-c", "while :; do :; done"]));
    let one = all().filtered_by("pid", &spinner.pattern());
    bus.block_on(async {
        let processes = processes(&bus).await;
        let short = SampleOptions {
            timeout: Some(Duration::from_secs(9)),
            window: Some(Duration::from_secs(10)),
            ..LONG
        };
        let fields = ["pid", "cpu", "read"];
        let table = processes.snapshot(&fields, &one, short).await.unwrap();
        assert_eq!(table.rows[0][1], Err(Fault::Timeout));
        assert_eq!(table.rows[0][2], Err(Fault::Timeout));
        let table = processes.snapshot(&fields, &one, LONG).await.unwrap();
        assert!(number(&table.rows[0][1]) > 0.0, "{table:?}");
        assert!(number(&table.rows[0][2]) >= 0.0, "{table:?}");
        let busiest = all().ordered_by("-cpu").filtered_by("cpu", ">0");
        let table = processes.snapshot(&fields, &busiest, LONG).await.unwrap();
        assert!(row(&table, spinner.pid()).is_some(), "{table:?}");
        let usage: Vec<_> = table.rows.iter().map(|row| number(&row[1])).collect();
        assert!(usage.is_sorted_by(|a, b| a >= b), "{usage:?}");
    });
}

#[test]
fn a_pass_that_is_young_enough_is_used_again() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let processes = processes(&bus).await;
        let first = processes.snapshot(&["pid"], &all(), LONG).await.unwrap();
        let aged = SampleOptions {
            max_age: Some(Duration::from_secs(3600)),
            ..LONG
        };
        // Other fields of the same pass.
        let second = processes.snapshot(&["name"], &all(), aged).await.unwrap();
        assert_eq!(second.timestamp, first.timestamp);
        assert_eq!(passes(&bus).await, 1);
        let third = processes.snapshot(&["pid"], &all(), LONG).await.unwrap();
        assert!(third.timestamp > first.timestamp);
        assert_eq!(passes(&bus).await, 2);
    });
}

#[test]
fn sums_are_the_sums_of_the_rows() {
    let bus = Bus::activating("");
    let sleepers = [(); 3].map(|()| Sleeper::new(&bus));
    bus.block_on(async {
        let processes = processes(&bus).await;
        let children = all()
            .filtered_by("parent", &std::process::id().to_string())
            .filtered_by("pid", &format!(">={}", sleepers[0].pid()));
        let aged = SampleOptions {
            max_age: Some(Duration::from_secs(3600)),
            ..LONG
        };
        let sums = processes
            .sums("user", &["threads", "rss"], &children, aged)
            .await;
        let sums = sums.unwrap();
        assert_eq!(sums.columns, ["threads", "rss"]);
        let fields = ["user", "threads", "rss"];
        let rows = processes.snapshot(&fields, &children, aged).await.unwrap();
        assert_eq!(sums.timestamp, rows.timestamp);
        let count: u32 = sums.groups.iter().map(|group| group.processes).sum();
        assert_eq!(count as usize, rows.rows.len());
        for group in &sums.groups {
            let name = group.name.clone().unwrap();
            for (column, total) in group.values.iter().enumerate() {
                let members = rows.rows.iter().filter(|row| text(&row[0]) == &*name);
                let sum: f64 = members.map(|row| number(&row[column + 1])).sum();
                assert_eq!(*total, (Some(sum), None), "{name}");
            }
        }
    });
}

#[test]
fn errors_name_the_invalid_argument() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let processes = processes(&bus).await;
        let check = async |fields: &[&str], options: TableOptions, culprit: &str| {
            let error = processes
                .snapshot(fields, &options, LONG)
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
            let sums = processes.sums(by, &[field], &all(), LONG).await;
            let error = sums.unwrap_err().to_string();
            let culprit = if by == "user" { field } else { by };
            assert!(error.contains(culprit), "{error}");
        }
        let window = SampleOptions {
            window: Some(Duration::from_micros(1)),
            ..LONG
        };
        let error = processes.snapshot(&["cpu"], &all(), window).await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::InvalidInterval(_)), "{error:?}");
        assert_eq!(passes(&bus).await, 0);
    });
}
