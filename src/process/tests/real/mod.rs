//! Tests with real processes.

mod lifetimes;

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    os::unix::ffi::OsStrExt,
    process::{Child, Command, Stdio, id},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use super::{skip::skip, *};

/// The deadline for an event that must come.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A child that ends with the test.
struct Owned(Child);

impl Owned {
    fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn end(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.end();
    }
}

fn sleep() -> Owned {
    Owned::spawn(Command::new("sleep").arg("1000"))
}

/// The table of /proc, with a timeout that is long enough for a busy machine.
fn table() -> Table {
    let mut table = Table::new(&Roots::default());
    table.cache.timeout = Duration::from_secs(20);
    table
}

/// The row of one process.
fn row_of(table: &mut Table, pid: u32, fields: &[Field], before: Option<&Pass>) -> Option<Row> {
    let query = Query {
        filter: vec![Condition::new(Field::Pid, &pid.to_string()).unwrap()],
        ..query(fields)
    };
    let mut found = table.rows(&query, now(), before).unwrap();
    assert!(found.rows.len() <= 1 && found.matched == found.rows.len());
    found.rows.pop()
}

/// Repeats a function until it returns a value.
fn until<T>(mut what: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(start.elapsed() < TIMEOUT);
    }
}

#[test]
fn this_process_has_all_fields() {
    let mut table = table();
    let fields = Field::ALL;
    let of = |row: &Row, field: Field| row.values[field as usize].clone();
    // On a busy machine, fields that are read on the blocking pool may be late.
    let row = until(|| {
        let row = row_of(&mut table, id(), &fields, None)?;
        let is_late = row.values.contains(&Err(Fault::Timeout));
        (!is_late).then_some(row)
    });
    let executable = std::env::current_exe().unwrap();
    assert_eq!(
        of(&row, Field::Executable),
        text(executable.to_str().unwrap())
    );
    let arguments: Vec<_> = std::env::args().collect();
    assert_eq!(of(&row, Field::CommandLine), text(&arguments.join(" ")));
    let uid = nix::unistd::geteuid();
    assert_eq!(of(&row, Field::Uid), number(f64::from(uid.as_raw())));
    let user = nix::unistd::User::from_uid(uid).unwrap().unwrap();
    assert_eq!(of(&row, Field::User), text(&user.name));
    let parent = std::os::unix::process::parent_id();
    assert_eq!(of(&row, Field::Parent), number(f64::from(parent)));
    let comm = fs::read_to_string("/proc/self/comm").unwrap();
    assert_eq!(of(&row, Field::Name), text(comm.trim_end()));
    let numeric = |field| match of(&row, field) {
        Ok(Value::Number(number)) => number,
        other => panic!("{field}: {other:?}"),
    };
    assert!(numeric(Field::Threads) >= 2.0);
    // The kernel updates each counter in batches, and not all at the same moment.
    let (rss, pss) = (numeric(Field::Rss), numeric(Field::Pss));
    assert!(pss > 0.0 && pss < 2.0 * rss, "{rss} {pss}");
    assert!(numeric(Field::Swap) >= 0.0);
    let boottime = Stamp::now().boottime.as_micros() as u64;
    assert!(row.start_time <= boottime && row.start_time + 3_600_000_000 > boottime);
}

#[test]
fn names_may_contain_any_byte() {
    let sleep = until(|| Some(fs::canonicalize("/bin/sleep").unwrap()));
    let directory = tempfile::tempdir().unwrap();
    let mut table = table();
    for name in [
        &b"a) R 1 (b"[..],
        b"two\nlines",
        b"\xff\xfe",
        b"(sd-pam)",
        b" ",
    ] {
        let path = directory.path().join(OsStr::from_bytes(name));
        std::os::unix::fs::symlink(&sleep, &path).unwrap();
        let child = Owned::spawn(Command::new(&path).arg("1000"));
        let row = row_of(&mut table, child.pid(), &[Field::Name, Field::State], None).unwrap();
        assert_eq!(row.values[0], text(&String::from_utf8_lossy(name)));
        let lossy = String::from_utf8_lossy(path.as_os_str().as_bytes()).into_owned();
        let fields = [Field::CommandLine, Field::Executable];
        let values = until(|| {
            let row = row_of(&mut table, child.pid(), &fields, None)?;
            // Just after an exec, the kernel has no arguments yet.
            (row.values[0] != text("")).then_some(row.values)
        });
        assert_eq!(values[0], text(&format!("{lossy} 1000")));
        assert_eq!(values[1], text(sleep.to_str().unwrap()));
    }
}

#[test]
fn the_executable_of_a_process_may_be_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let mut table = table();
    let fields = [Field::Executable, Field::ExecutableDeleted];
    let mut check = |name: &str, is_removed: bool| {
        let path = directory.path().join(name);
        // By another program: if this one wrote the copy, a child of another test might have it open for writing.
        let copied = Command::new("cp").arg("/bin/sleep").arg(&path).status();
        assert!(copied.unwrap().success());
        let child = Owned::spawn(Command::new(&path).arg("1000"));
        if is_removed {
            fs::remove_file(&path).unwrap();
        }
        let expected = [text(path.to_str().unwrap()), number(is_removed.into())];
        until(|| {
            let row = row_of(&mut table, child.pid(), &fields, None)?;
            // Just after the fork, it executes the program of this test.
            (row.values == expected).then_some(())
        });
    };
    check("program", false);
    check("program", true);
    check("named (deleted)", false);
    check("named (deleted)", true);
}

#[test]
fn threads_are_not_listed_as_processes() {
    let mut table = table();
    let query = query(&[]);
    for _ in 0..20 {
        rows(&mut table, &query);
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        let thread = thread::spawn(move || wait.recv().is_err());
        let child = sleep();
        for _ in 0..3 {
            let found = pids(&rows(&mut table, &query));
            assert!(found.contains(&child.pid()));
            let tasks = fs::read_dir("/proc/self/task").unwrap();
            let tasks = tasks.map(|task| task.unwrap().file_name());
            for task in tasks.map(|name| name.to_str().unwrap().parse().unwrap()) {
                assert_eq!(found.contains(&task), task == id());
            }
        }
        drop(stop);
        thread.join().unwrap();
    }
}

#[test]
fn a_signal_that_cannot_be_sent_is_an_error() {
    let roots = Roots::default();
    let mut table = table();
    let child = sleep();
    let row = row_of(&mut table, child.pid(), &[], None).unwrap();
    let check = |pid: u32, signal: i32, expected: &str| {
        let error = end(&roots, pid, row.start_time, signal).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(child.pid(), 0, "signal 0: there is no such signal");
    check(child.pid(), 1000, "signal 1000: there is no such signal");
    check(0, 15, "process 0: there is no such process");
    let beyond = "process 4294967295: there is no such process";
    check(u32::MAX, 15, beyond);
    let pid = child.pid();
    drop(child);
    // The pid may have been reused in the meantime.
    let error = end(&roots, pid, row.start_time, 15).unwrap_err();
    assert!(matches!(
        error,
        EndError::NoSuchProcess(_) | EndError::AnotherProcess(_)
    ));
}

#[test]
fn thousands_of_processes_are_all_read() {
    const MANY: usize = 5000;
    // Each is a fork of the shell. It ends when the pipe closes, even if this test is killed.
    let script = format!(
        "exec 3<&0; i=0; while [ $i -lt {MANY} ]; do read x <&3 & i=$((i+1)); done; echo; wait"
    );
    let mut shell = Owned::spawn(
        Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped()),
    );
    let mut ready = BufReader::new(shell.0.stdout.take().unwrap());
    assert_eq!(ready.read_line(&mut String::new()).unwrap(), 1);
    let mut table = table();
    let parent = Condition::new(Field::Parent, &shell.pid().to_string()).unwrap();
    let query = Query {
        filter: vec![parent],
        ..query(&[Field::Name, Field::Uid, Field::Cgroup])
    };
    let found = rows(&mut table, &query);
    assert_eq!(found.rows.len(), MANY);
    assert!(found.total > MANY);
    let again = table.rows(&query, now(), Some(&found.pass)).unwrap();
    assert_eq!(pids(&again), pids(&found));
    drop(shell.0.stdin.take());
    shell.0.wait().unwrap();
    assert_eq!(rows(&mut table, &query).rows, []);
}
