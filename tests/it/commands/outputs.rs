//! The outputs of commands, and the messages of commands that fail.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use sampled::custom::command::{Command, LIMIT};

use super::fixture::{FOREVER, Fixture, Resources, in_own_process, next_answer, nothing_is_left};
use crate::support::process::DEADLINE;

#[test]
fn the_output_of_a_command_is_any_bytes() {
    let fixture = Fixture::new();
    let check = |command: Command, expected: &[u8]| {
        let state = fixture.answer(command);
        assert_eq!(state.problem, None);
        assert_eq!(&*state.output.expect("output").bytes, expected);
        assert_eq!((state.previous, state.answers), (None, 1));
        assert!(!state.is_pending);
    };
    check(fixture.shell("echo 42"), b"42\n");
    check(fixture.argv(&["echo", "-n", "$HOME; a  b"]), b"$HOME; a  b");
    check(fixture.shell(":"), b"");
    check(fixture.shell("printf 'a\\000\\377\\n\\n'"), b"a\0\xff\n\n");
    check(fixture.shell("echo on the way >&2; echo 1"), b"1\n");
    let longest = vec![0; LIMIT];
    check(
        fixture.argv(&["head", "-c", "65536", "/dev/zero"]),
        &longest,
    );
    // The output is complete at the end of the run, even if the command has closed it before.
    check(fixture.shell("echo 1; exec >&-; sleep 0.1"), b"1\n");
    // A background child adds nothing, and is not waited for.
    check(fixture.shell("echo 1; sleep 1000 & sleep 1000 &"), b"1\n");
    nothing_is_left(&fixture.home);
}

#[test]
fn a_failure_has_a_message() {
    let fixture = Fixture::new();
    let check = |command: Command, expected: &str| {
        let state = fixture.answer(command);
        assert_eq!(state.problem.as_deref(), Some(expected));
        assert_eq!(state.output, None);
    };
    let limited = |text| Command {
        timeout: Some(Duration::from_millis(200)),
        ..fixture.shell(text)
    };
    let lines = |command| Command {
        lines: true,
        ..command
    };
    check(fixture.shell("exit 3"), "exited with status 3");
    check(
        fixture.shell("echo; echo no route; echo more) >&2; exit 1"),
        "exited with status 2: /bin/sh: 1: Syntax error: \")\" unexpected",
    );
    check(
        fixture.shell("echo no route >&2; echo to host >&2; echo 5; exit 1"),
        "exited with status 1: no route",
    );
    check(fixture.shell("kill -SEGV $$"), "killed by SIGSEGV");
    check(fixture.shell("kill -35 $$"), "killed by signal 35");
    check(fixture.shell("kill -KILL $$"), "killed by SIGKILL");
    check(fixture.argv(&["yes"]), "more than 64 KiB of output");
    check(
        fixture.argv(&["head", "-c", "65537", "/dev/zero"]),
        "more than 64 KiB of output",
    );
    check(limited("exec sleep 1000"), "timed out after 200ms");
    check(
        limited("trap '' TERM; sleep 1000; :"),
        "timed out after 200ms",
    );
    check(
        limited("exec >&- 2>&-; sleep 1000"),
        "timed out after 200ms",
    );
    check(
        fixture.argv(&["/nowhere/router"]),
        "/nowhere/router: No such file or directory",
    );
    check(
        fixture.argv(&["no-such-router"]),
        "no-such-router: No such file or directory",
    );
    let file = fixture.home.dir().join("router");
    fs::write(&file, "#!/nowhere/python\n").unwrap();
    let name = file.to_str().unwrap();
    check(fixture.argv(&[name]), &format!("{name}: Permission denied"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    check(
        fixture.argv(&[name]),
        &format!("{name}: No such file or directory"),
    );
    check(lines(fixture.shell(":")), "exited with status 0");
    check(lines(limited("exec sleep 1000")), "wrote no line for 200ms");
    check(
        lines(fixture.argv(&["cat", "/dev/zero"])),
        "a line of more than 64 KiB",
    );
    nothing_is_left(&fixture.home);
}

#[test]
fn a_missing_subreaper_is_a_failure() {
    let fixture = Fixture {
        runner: sampled::custom::command::Runner::new("/nowhere/guard"),
        ..Fixture::new()
    };
    let state = fixture.answer(fixture.shell(":"));
    let expected = "/nowhere/guard: No such file or directory (os error 2)";
    assert_eq!(state.problem.as_deref(), Some(expected));
}

#[test]
fn a_command_gets_a_clean_environment() {
    let fixture = Fixture::new();
    let names = fixture.output("env | cut -d= -f1 | sort");
    let passed = [
        "XDG_RUNTIME_DIR",
        "DBUS_SESSION_BUS_ADDRESS",
        "SSH_AUTH_SOCK",
    ];
    let names: Vec<_> = names
        .lines()
        .filter(|name| !passed.contains(name))
        .collect();
    let expected = "HOME LANG LC_ALL LOGNAME PATH PWD SAMPLED_RUN SAMPLED_TEST USER";
    assert_eq!(names.join(" "), expected);
    assert_eq!(fixture.output("echo $LANG $LC_ALL"), "C C\n");
    assert_eq!(
        fixture.output("pwd"),
        format!("{}\n", fixture.home.dir().display())
    );
    assert_eq!(fixture.output("umask"), "0022\n");
    assert_eq!(fixture.output("ulimit -n"), "1024\n");
    assert_eq!(fixture.output("cat; readlink /proc/$$/fd/0"), "/dev/null\n");
    // The shell has only the standard descriptors.
    assert_eq!(fixture.output("ls /proc/$$/fd"), "0\n1\n2\n");
    for field in ["SigBlk", "SigIgn"] {
        let signals = fixture.output(&format!("sed -n 's/^{field}:\t//p' /proc/self/status"));
        let signals = u64::from_str_radix(signals.trim(), 16).unwrap();
        // The C library uses 32 and 33, and does not let a program change them.
        assert_eq!(signals & !(0b11 << 31), 0, "{field}: {signals:x}");
    }
    // A process group of its own (field 5 of /proc/PID/stat), and no terminal (field 7).
    assert_eq!(
        fixture.output("set -- $(cat /proc/$$/stat); test $1 = $5 && echo $7"),
        "0\n"
    );

    let nowhere = Command {
        directory: Some("/nowhere".into()),
        ..fixture.shell("pwd")
    };
    assert_eq!(&*fixture.answer(nowhere).output.unwrap().bytes, b"/\n");
    let path = Command {
        environment: vec![("PATH".into(), "/nowhere".into())],
        ..fixture.argv(&["true"])
    };
    let problem = fixture.answer(path).problem;
    assert_eq!(problem.as_deref(), Some("true: No such file or directory"));
}

#[test]
fn a_command_runs_once_in_an_interval_while_it_is_asked_for() {
    let fixture = Fixture::new();
    let interval = Duration::from_millis(50);
    let handle = fixture.runner.add(Command {
        interval,
        ..fixture
            .shell("mkdir one || echo overlap >> overlap; cat /proc/uptime; sleep 0.02; rmdir one")
    });
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while start.elapsed() < Duration::from_secs(1) {
                    handle.ask();
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
        }
    });
    let state = next_answer(&handle, 1);
    let runs = state.answers;
    let most_runs = start.elapsed().as_millis() / interval.as_millis() + 1;
    assert!(
        u128::from(runs) <= most_runs,
        "{runs} runs in {:?}",
        start.elapsed()
    );
    let (last, previous) = (state.output.unwrap(), state.previous.unwrap());
    assert!(last.stamp.monotonic > previous.stamp.monotonic);
    assert_ne!(last.bytes, previous.bytes);
    let overlap = fixture.home.dir().join("overlap");
    assert!(!overlap.exists(), "two runs at a time");
}

#[test]
fn the_last_output_stays_after_a_failure() {
    let fixture = Fixture::new();
    let handle = fixture.runner.add(Command {
        interval: Duration::from_millis(10),
        ..fixture.shell("mkdir first && echo 1")
    });
    let first = next_answer(&handle, 0);
    assert_eq!(first.problem, None);
    let second = next_answer(&handle, first.answers);
    assert!(
        second
            .problem
            .unwrap()
            .starts_with("exited with status 1: mkdir")
    );
    assert_eq!(second.output, first.output);
    fs::remove_dir(fixture.home.dir().join("first")).unwrap();
    // Another run may have failed before this thread sees the answer.
    let mut third = next_answer(&handle, second.answers);
    while third.previous.is_none() {
        third = next_answer(&handle, third.answers);
    }
    assert_eq!(third.previous, first.output);
}

#[test]
fn long_durations_do_not_overflow() {
    let fixture = Fixture::new();
    let handle = fixture.runner.add(Command {
        interval: Duration::MAX,
        timeout: Some(Duration::MAX),
        ..fixture.shell("echo 1")
    });
    let state = handle.wait(Duration::MAX);
    assert_eq!(
        (state.problem, &*state.output.unwrap().bytes),
        (None, &b"1\n"[..])
    );
    let handle = fixture.runner.add(Command {
        interval: Duration::MAX,
        ..fixture.shell("exit 1")
    });
    let state = handle.wait(Duration::MAX);
    assert_eq!(state.problem.as_deref(), Some("exited with status 1"));
}

#[test]
fn a_panic_of_the_supervisor_is_a_failure_and_another_starts() {
    let fixture = Fixture::new();
    let panics = AtomicBool::new(true);
    fixture.runner.on_answer(move || {
        assert!(!panics.swap(false, Ordering::SeqCst), "the callback panics");
    });
    // It runs once, so the failure stays: the output is the first answer, and the panic of the callback the second.
    let handle = fixture.runner.add(fixture.shell("echo 1"));
    let problem = next_answer(&handle, 1).problem.unwrap();
    let expected = "what runs it has panicked: the callback panics (";
    assert!(problem.starts_with(expected), "{problem}");
    assert_eq!(fixture.output("echo 2"), "2\n");
}

#[test]
fn each_line_is_an_output() {
    let fixture = Fixture::new();
    let (sender, answers) = mpsc::channel();
    fixture.runner.on_answer(move || {
        let _ = sender.send(());
    });
    fs::write(fixture.home.dir().join("lines"), "1\n2\n").unwrap();
    let handle = fixture.runner.add(Command {
        lines: true,
        ..fixture.shell("exec tail -n 1 -f lines")
    });
    let mut state = next_answer(&handle, 0);
    assert_eq!(&*state.output.as_ref().unwrap().bytes, b"2");
    answers.recv_timeout(DEADLINE).unwrap();
    for number in 3..10 {
        use std::io::Write;
        let file = fs::File::options()
            .append(true)
            .open(fixture.home.dir().join("lines"));
        writeln!(file.unwrap(), "{number}").unwrap();
        answers.recv_timeout(DEADLINE).unwrap();
        let before = state;
        state = handle.ask();
        assert_eq!(state.answers, before.answers + 1);
        assert_eq!(
            &*state.output.as_ref().unwrap().bytes,
            number.to_string().as_bytes()
        );
        assert_eq!(state.previous, before.output);
    }
    // One command runs all the time: tail and its subreaper.
    let processes = fixture.home.processes();
    assert_eq!(processes.len(), 2);
    drop(handle);
    nothing_is_left(&fixture.home);
}

#[test]
fn a_command_that_exits_is_restarted() {
    let fixture = Fixture::new();
    let handle = fixture.runner.add(Command {
        interval: Duration::from_millis(10),
        lines: true,
        ..fixture.shell("echo $$; exit 7")
    });
    let mut seen = std::collections::BTreeSet::new();
    let mut state = handle.ask();
    while seen.len() < 3 {
        state = next_answer(&handle, state.answers);
        seen.extend(state.output.as_ref().map(|output| output.bytes.clone()));
    }
    while state.problem.is_none() {
        state = next_answer(&handle, state.answers);
    }
    assert_eq!(state.problem.as_deref(), Some("exited with status 7"));
}

#[test]
fn a_flood_of_lines_costs_little_cpu_time() {
    in_own_process(|| {
        let before = Resources::now();
        let fixture = Fixture::new();
        let handle = fixture.runner.add(Command {
            lines: true,
            ..fixture.argv(&["yes", "0123456789"])
        });
        let mut state = next_answer(&handle, 0);
        let start = Instant::now();
        while state.answers < 100 {
            assert_eq!(state.problem, None);
            assert_eq!(&*state.output.as_ref().unwrap().bytes, b"0123456789");
            state = next_answer(&handle, state.answers);
        }
        // The supervisor pauses between two lines, for this time in total.
        assert!(start.elapsed() > Duration::from_millis(900));
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        let cost = tasks.map(|task| task.unwrap().path()).find_map(|task| {
            let name = fs::read_to_string(task.join("comm")).unwrap();
            // CPU time in nanoseconds: Documentation/scheduler/sched-stats.rst.
            let times = fs::read_to_string(task.join("schedstat")).unwrap();
            let time = times.split(' ').next().unwrap().parse().unwrap();
            (name == "commands\n").then(|| Duration::from_nanos(time))
        });
        // CPU time, not wall-clock time. Less than half of the time above, in a debug build.
        assert!(cost.unwrap() < Duration::from_millis(500), "{cost:?}");
        drop(handle);
        nothing_is_left(&fixture.home);
        drop(fixture);
        before.wait_until_restored();
    });
}

#[test]
fn a_command_without_requests_ends() {
    in_own_process(|| {
        let before = Resources::now();
        let fixture = Fixture::new();
        let handles = [true, false].map(|lines| {
            fixture.runner.add(Command {
                lines,
                interval: Duration::from_millis(100),
                ..fixture.shell("echo 1; sleep 1000 & exec sleep 1000")
            })
        });
        for handle in &handles {
            handle.ask();
        }
        next_answer(&handles[0], 0);
        let start = Instant::now();
        assert!(fixture.processes().len() >= 4);
        nothing_is_left(&fixture.home);
        assert!(start.elapsed() > Duration::from_secs(5));
        // The handle is not dropped.
        before.wait_until_restored();
        let state = next_answer(&handles[0], 1);
        assert_eq!(&*state.output.unwrap().bytes, b"1");
    });
}

#[test]
fn there_is_no_thread_before_the_first_request() {
    in_own_process(|| {
        let before = Resources::now();
        let fixture = Fixture::new();
        let handle = fixture.runner.add(fixture.shell("echo 1"));
        assert_eq!(Resources::now(), before);
        next_answer(&handle, 0);
        assert_ne!(Resources::now(), before);
        drop(handle);
        before.wait_until_restored();
    });
}

#[test]
fn twenty_commands_run_at_a_time() {
    in_own_process(|| {
        let before = Resources::now();
        let fixture = Fixture::new();
        let handles: Vec<_> = (0..20)
            .map(|number| fixture.runner.add(fixture.shell(&format!("echo {number}"))))
            .collect();
        for handle in &handles {
            handle.ask();
        }
        for (number, handle) in handles.iter().enumerate() {
            let state = next_answer(handle, 0);
            let expected = format!("{number}\n");
            assert_eq!(&*state.output.unwrap().bytes, expected.as_bytes());
        }
        assert_eq!(
            fixture.runner.add(fixture.shell(":")).wait(FOREVER).answers,
            1
        );
        drop((handles, fixture.runner));
        nothing_is_left(&fixture.home);
        before.wait_until_restored();
    });
}
