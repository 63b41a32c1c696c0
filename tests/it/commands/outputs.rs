//! The outputs of commands, their environment and their intervals.

use std::time::{Duration, Instant};

use sampled::custom::command::{Command, LIMIT};

use super::fixture::{Fixture, next_answer, nothing_is_left};

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
