//! The messages of commands that fail.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use sampled::custom::command::Command;

use super::fixture::{Fixture, next_answer, nothing_is_left};

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
