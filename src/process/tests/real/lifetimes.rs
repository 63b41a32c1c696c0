//! Processes that start, end, or get the pid of another.

use super::*;

#[test]
fn a_zombie_is_listed_until_it_is_reaped() {
    let mut table = table();
    let mut child = Owned::spawn(&mut Command::new("true"));
    let fields = [
        Field::State,
        Field::CommandLine,
        Field::Executable,
        Field::Rss,
        Field::Pss,
    ];
    let row = until(|| {
        let row = row_of(&mut table, child.pid(), &fields, None).unwrap();
        (row.values[0] == text("Z")).then_some(row)
    });
    let gone = Err(Fault::Gone);
    assert_eq!(
        row.values[1..],
        [gone.clone(), gone, number(0.0), number(0.0)]
    );
    child.end();
    assert_eq!(row_of(&mut table, child.pid(), &fields, None), None);
}

#[test]
fn a_process_that_ends_during_a_query_is_left_out() {
    let mut table = table();
    let mut child = sleep();
    let since = now();
    let filter = |pid: u32| vec![Condition::new(Field::Pid, &pid.to_string()).unwrap()];
    let mut of_child = query(&[Field::Name]);
    of_child.filter = filter(child.pid());
    let first = table.rows(&of_child, since, None).unwrap();
    assert_eq!(first.rows.len(), 1);
    child.end();
    // Its fields in the pass still serve. The others are not read of another process.
    let same = table.rows(&of_child, since, None).unwrap();
    assert_eq!(same.rows, first.rows);
    of_child.fields = vec![Field::Uid];
    let found = table.rows(&of_child, since, None).unwrap();
    assert_eq!((found.rows.len(), found.matched), (0, 0));
    assert!(std::sync::Arc::ptr_eq(&found.pass, &first.pass));
}

#[test]
fn a_new_process_has_rates_at_once() {
    let mut table = table();
    let before = rows(&mut table, &query(&[])).pass;
    let child = Owned::spawn(Command::new("sh").args(["-c", "while :; do :; done"]));
    let fields = [Field::Cpu, Field::CpuOfAll, Field::Read];
    until(|| {
        let row = row_of(&mut table, child.pid(), &fields, Some(&before)).unwrap();
        let Ok(Value::Number(cpu)) = row.values[0] else {
            panic!("{row:?}");
        };
        let Ok(Value::Number(of_all)) = row.values[1] else {
            panic!("{row:?}");
        };
        assert!(of_all <= 100.0 && of_all <= cpu);
        assert!(row.values[2] == Err(Fault::Timeout) || row.values[2].is_ok());
        (cpu > 0.0).then_some(())
    });
}

#[test]
fn short_lived_children_mix_up_no_rows() {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                Command::new("true").status().unwrap();
            }
        });
        // Also if this fails.
        let _ending = Ending(&is_over);
        let mut table = table();
        let query = query(&[Field::Uid, Field::CommandLine, Field::Cgroup, Field::Read]);
        let mut before = None;
        for _ in 0..100 {
            let found = table.rows(&query, now(), before.as_deref()).unwrap();
            assert!(pids(&found).contains(&id()));
            assert!(pids(&found).is_sorted());
            // No row shows the values of another process, whichever processes end meanwhile.
            let own = found.rows.iter().find(|row| row.pid == id()).unwrap();
            assert!(own.values[0].is_ok());
            before = Some(found.pass);
        }
    });
}

/// Sets a flag in the end.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_reused_pid_is_another_process() {
    const LAST: &str = "/proc/sys/kernel/ns_last_pid";
    let mut table = table();
    let mut first = sleep();
    let pid = first.pid();
    let fields = [Field::Uid, Field::StartTime];
    let before = row_of(&mut table, pid, &fields, None).unwrap();
    // Two processes of one clock tick have the same start time.
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(20) {}
    first.end();
    let mut attempts = 0..200;
    let second = loop {
        if attempts.next().is_none() {
            return skip("others are given the process number again and again");
        }
        if let Err(cause) = fs::write(LAST, (pid - 1).to_string()) {
            return skip(&format!("{LAST}: {cause}"));
        }
        let second = sleep();
        if second.pid() == pid {
            break second;
        }
    };
    let after = row_of(&mut table, pid, &fields, None).unwrap();
    assert!(after.start_time > before.start_time);
    let roots = Roots::default();
    let error = end(&roots, pid, before.start_time, 9).unwrap_err();
    assert!(matches!(error, EndError::AnotherProcess(_)), "{error}");
    end(&roots, pid, after.start_time, 15).unwrap();
    drop(second);
}
