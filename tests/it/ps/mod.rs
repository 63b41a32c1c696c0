//! `sampled processes`, alias `ps`: real processes, from the service and without it.

mod table;

use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    os::unix::process::CommandExt,
    process::{Child, Command},
};

use serde_json::{Map, Value};

use crate::support::{
    bus::Bus,
    home::{Home, SAMPLED},
    process::{Run, skip},
};

/// A process that sleeps. `drop` kills it.
struct Sleeper(Child);

impl Sleeper {
    fn spawn(program: &str) -> Self {
        let child = Command::new(program).arg("1000").spawn();
        Self(child.expect("sleep"))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// A filter that only this process matches.
    fn filter(&self) -> String {
        format!("pid={}", self.pid())
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The rows of a JSON object with exactly two keys: `timestamp`, and `key` with an array of objects.
#[track_caller]
fn processes(printed: &str, key: &str) -> Vec<Map<String, Value>> {
    let Ok(Value::Object(mut object)) = serde_json::from_str(printed) else {
        panic!("{printed}");
    };
    let timestamp = object.remove("timestamp").and_then(|time| time.as_u64());
    assert!(timestamp.expect("a timestamp") > 1_700_000_000_000_000);
    let Some(Value::Array(rows)) = object.remove(key) else {
        panic!("{printed}");
    };
    assert!(object.is_empty(), "{printed}");
    let map = |row| match row {
        Value::Object(row) => row,
        other => panic!("{other}"),
    };
    rows.into_iter().map(map).collect()
}

/// The only process in a JSON object.
#[track_caller]
fn only(printed: &str) -> Map<String, Value> {
    let mut rows = processes(printed, "processes");
    assert_eq!(rows.len(), 1, "{printed}");
    rows.remove(0)
}

const FIELDS: &str = "pid,parent,start_time,name,state,threads,cpu,rss,nice,command_line,read";

#[track_caller]
fn check_sleeper(row: &Map<String, Value>, sleeper: &Sleeper) {
    assert_eq!(row["pid"], sleeper.pid());
    assert_eq!(row["parent"], std::process::id());
    assert!(row["start_time"].as_u64().unwrap() > 0);
    assert_eq!(row["name"], "sleep");
    assert_eq!(row["state"], "S");
    assert_eq!(row["threads"], 1);
    assert_eq!(row["cpu"], 0.0);
    assert!(row["rss"].as_u64().unwrap() > 4096);
    assert_eq!(row["command_line"], "sleep 1000");
    assert_eq!(row["read"], 0.0);
    assert_eq!(row["faults"], Value::from(Map::new()), "{row:?}");
}

#[test]
fn the_service_and_the_command_read_the_same() {
    let bus = Bus::activating("");
    let sleeper = Sleeper::spawn("sleep");
    let filter = sleeper.filter();
    let arguments = [
        "processes",
        "--json",
        "--fields",
        FIELDS,
        "--filter",
        &filter,
    ];
    let of_service = bus.run(&arguments);
    assert_eq!(of_service.stderr, "");
    check_sleeper(&only(&of_service.ok()), &sleeper);
    let here = Home::new().run(&arguments);
    assert!(
        here.stderr.trim_end().ends_with("; reading in-process"),
        "{here:?}"
    );
    check_sleeper(&only(&here.ok()), &sleeper);
    // With --procfs the command reads in its own process, and prints no notice about it.
    let arguments: Vec<_> = arguments.into_iter().chain(["--procfs", "/proc"]).collect();
    let here = bus.run(&arguments);
    assert_eq!(here.stderr, "");
    check_sleeper(&only(&here.ok()), &sleeper);
}

#[test]
fn sums_cover_all_processes_of_a_user() {
    let bus = Bus::activating("");
    let home = Home::new();
    let sleeper = Sleeper::spawn("sleep");
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid());
    let user = user.unwrap().unwrap().name;
    let parent = format!("parent={}", std::process::id());
    let name = "command_line=sleep 1000";
    for run in [
        |bus: &Bus, _: &Home, arguments: &[&str]| bus.run(arguments).ok(),
        |_: &Bus, home: &Home, arguments: &[&str]| home.run(arguments).ok(),
    ] {
        let by = [
            "ps", "--by", "user", "--json", "--filter", &parent, "--filter", name,
        ];
        let groups = processes(&run(&bus, &home, &by), "groups");
        assert_eq!(groups.len(), 1, "{groups:?}");
        assert_eq!(groups[0]["user"], *user);
        // Other tests of this process have such children, too.
        let count = groups[0]["processes"].as_u64().unwrap();
        assert!(count >= 1);
        assert_eq!(groups[0]["threads"].as_u64(), Some(count));
        assert!(groups[0]["rss"].as_u64().unwrap() > 4096 * count);
        let by = [
            "ps", "--by", "unit", "--csv", "--fields", "rss", "--sort", "-rss",
        ];
        let csv = run(&bus, &home, &by);
        assert!(csv.starts_with("unit,processes,rss\n"), "{csv}");
        let by = ["ps", "--by", "application"];
        let table = run(&bus, &home, &by);
        let head: Vec<_> = table.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(head, ["application", "processes", "threads", "cpu", "rss"]);
    }
    drop(sleeper);
}

#[test]
fn rows_are_sorted_and_limited() {
    let home = Home::new();
    let arguments = [
        "ps", "--csv", "--fields", "pid,rss", "--sort", "-rss", "--limit", "5",
    ];
    let printed = home.run(&arguments).ok();
    let mut lines = printed.lines();
    assert_eq!(lines.next(), Some("pid,rss"));
    let sizes: Vec<u64> = lines
        .map(|line| line.split_once(',').unwrap().1.parse().unwrap())
        .collect();
    assert_eq!(sizes.len(), 5);
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
}

#[test]
fn errors_name_the_invalid_argument() {
    let home = Home::new();
    let check = |arguments: &[&str], expected: &str| {
        let arguments: Vec<_> = ["ps"].iter().chain(arguments).copied().collect();
        let run = home.run(&arguments);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains(expected), "{run:?}");
    };
    check(
        &["--fields", "pid,nam"],
        "nam: there is no such field: there are pid, ",
    );
    check(
        &["--fields", "pid,pid"],
        "pid: this field is asked for twice",
    );
    check(&["--filter", "name"], "name: a filter is field=pattern");
    check(&["--filter", "pid=x"], "pid=x: the pattern of a number");
    check(
        &["--filter", "pid=1", "--filter", "pid=2"],
        "pid: this field has two filters",
    );
    check(&["--sort", "-size"], "size: there is no such field");
    check(&["--by", "pid"], "pid: processes are summed up by");
    check(
        &["--by", "user", "--fields", "nice"],
        "nice: this field cannot be summed up",
    );
    check(&["--tree", "--json"], "--tree means nothing to --json");
}

#[test]
fn fields_of_another_users_process_are_denied_and_not_zero() {
    let home = Home::new();
    let denied = "executable,read,write,pss";
    let fields = format!("pid,uid,user,name,state,rss,cpu_time,threads,swap,{denied}");
    let arguments = [
        "ps", "--json", "--filter", "pid=1", "--fields", &fields, "--procfs", "/proc",
    ];
    let run = home.sampled(&arguments).uid(65534).gid(65534).output();
    let run = match run {
        Ok(run) => Run::from(run),
        Err(cause) if cause.kind() == ErrorKind::PermissionDenied => {
            return skip(&format!("it runs {SAMPLED} as another user: {cause}"));
        }
        Err(cause) => panic!("{cause}"),
    };
    let row = only(&run.ok());
    assert_eq!((&row["uid"], &row["user"]), (&0.into(), &"root".into()));
    assert!(
        row["name"].is_string() && row["rss"].as_u64().unwrap() > 0,
        "{row:?}"
    );
    let faults = row["faults"].as_object().unwrap();
    for field in denied.split(',') {
        assert_eq!(faults.get(field), Some(&"denied".into()), "{row:?}");
        assert!(!row.contains_key(field), "{row:?}");
    }
    assert_eq!(faults.len(), 4, "{row:?}");
}

fn pids_in_proc() -> BTreeSet<u64> {
    let names = fs::read_dir("/proc").unwrap().flatten();
    names
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

#[test]
fn few_descriptors_are_enough() {
    let home = Home::new();
    let sleepers: Vec<_> = (0..100).map(|_| Sleeper::spawn("sleep")).collect();
    for limit in ["64", "24"] {
        let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let fields = "pid,user,name,command_line,cpu,read,unit";
        let before = pids_in_proc();
        let run = Run::of(
            home.command("sh")
                .args(["-c", &script, SAMPLED])
                .args(["ps", "--json", "--procfs", "/proc", "--fields", fields]),
        );
        let after = pids_in_proc();
        let rows = processes(&run.ok(), "processes");
        let shown: BTreeSet<u64> = rows
            .iter()
            .map(|row| row["pid"].as_u64().unwrap())
            .collect();
        let missing: Vec<_> = before
            .intersection(&after)
            .filter(|pid| !shown.contains(pid))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
        for sleeper in &sleepers {
            let is_sleeper = |row: &&Map<String, Value>| row["pid"] == sleeper.pid();
            let row = rows.iter().find(is_sleeper).unwrap();
            assert_eq!(row["faults"], Value::from(Map::new()), "{row:?}");
        }
    }
}
