//! Pid namespaces: a process has a process id in its own namespace and in those above it.

use super::support::*;

#[test]
fn a_daemon_outside_of_the_pid_namespace_is_not_signalled() {
    let fixture = Fixture::new();
    let pid = fixture.start(&[]);
    let message = "m.pid: is held by a daemon in another pid namespace";
    let script = "sleep 1000 & $M status; [ $? = 4 ] || exit 9
                  for command in stop reload restart start; do $M $command && exit 8; done; kill $!";
    let Some(mut shell) = in_pid_namespace(&fixture, "sh") else {
        return;
    };
    let output = finish(shell.args(["-c", script]).spawn().unwrap());
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.out.contains(message), "{output:?}");
    assert_eq!(output.err.matches(message).count(), 4, "{output:?}");
    assert_eq!(fixture.processes(), [pid]);
}

#[test]
fn process_1_of_a_container_can_be_a_daemon() {
    let fixture = Fixture::new();
    let begun = fixture.fifo("begun");
    let check = format!("echo > {}", begun.display());
    let Some(mut container) = in_pid_namespace(&fixture, example("mydaemon")) else {
        return;
    };
    container.args(["--log", "log", "--check", &check, "run"]);
    let container = container.spawn().unwrap();
    fixture.wait_for_fifo(&begun, &container);
    // reload waits until the daemon is ready.
    fixture.check(&["reload"], 0, "reloads");
    assert_eq!(fixture.pid(), 1, "its process id in its namespace");
    let outside = record_lock(&fixture);
    let inside = |command: &str| {
        let enter = format!(
            "exec nsenter -t {outside} -m -p {} {command}",
            example("mydaemon").display()
        );
        fixture.shell(&enter)
    };
    let output = inside("status");
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.out.contains("process 1\n"), "{output:?}");
    let output = inside("reload");
    assert_eq!(output.out, "process 1 reloads\n", "{output:?}");
    // With process 1 the kernel ends the namespace, including the process that called stop.
    let process = open_process(outside);
    inside("stop");
    wait_for_end(&process);
    finish(container);
    fixture.check(&["status"], 3, "not running");
}

#[test]
fn a_daemon_in_a_pid_namespace_can_be_stopped_from_outside() {
    let fixture = Fixture::new();
    let begun = fixture.fifo("begun");
    let script = format!("$M start && echo > {} && sleep 1000", begun.display());
    let Some(mut container) = in_pid_namespace(&fixture, "sh") else {
        return;
    };
    container.args(["-c", &script]);
    let mut container = container.spawn().unwrap();
    fixture.wait_for_fifo(&begun, &container);
    let pid = record_lock(&fixture);
    assert_ne!(fixture.pid(), pid);
    fixture.check(&["status"], 0, &format!("process {pid}"));
    fixture.check(&["stop"], 0, &format!("stopped, process {pid}"));
    container.kill().unwrap();
    container.wait().unwrap();
}

#[test]
fn a_reused_process_id_is_not_signalled() {
    // In a namespace of its own the test can choose the next process id.
    let script = r#"
        $M start && N=$(cat "$MYDAEMON_PIDFILE") && kill -9 $N || exit 90
        while [ -e /proc/$N ]; do :; done   # the shell is pid 1 and reaps when it gets to it
        echo $((N - 1)) > /proc/sys/kernel/ns_last_pid || exit 91
        sleep 1000 & [ $! = $N ] || exit 92
        $M stop; $M reload; $M --log log restart || exit 93
        kill -0 $N || exit 94
        $M stop
    "#;
    let fixture = Fixture::new();
    let Some(mut shell) = in_pid_namespace(&fixture, "sh") else {
        return;
    };
    let output = finish(shell.args(["-c", script]).spawn().unwrap());
    if matches!(output.code, Some(91 | 92)) {
        return skip(&format!("numbers cannot be chosen here: {output:?}"));
    }
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.out.contains("not running\n"), "{output:?}");
}

/// Runs a script under unshare(1) with these options, in the directory of a fixture.
fn check_unshared(options: &[&str], script: &str, code: i32, expected: &str) -> bool {
    let fixture = Fixture::new();
    let mut unshare = fixture.command("unshare");
    unshare.args(options).args(["sh", "-c", script]);
    let output = finish(unshare.spawn().unwrap());
    if output.err.contains("unshare:") {
        skip(&format!("no namespaces here: {output:?}"));
        return false;
    }
    assert_eq!(output.code, Some(code), "{output:?}");
    assert!(
        (output.out.clone() + &output.err).contains(expected),
        "{output:?}"
    );
    true
}

#[test]
fn a_proc_of_another_pid_namespace_is_not_used() {
    if !root("cannot make a pid namespace") {
        return;
    }
    // /proc is that of the parent namespace: status has no age, and SIGKILL reaches the daemon's session only.
    let script = "set -e; $M --check 'exec >/dev/null 2>&1; sleep 1000 &' start; $M status
                  kill -STOP $(cat $MYDAEMON_PIDFILE); $M --stop-timeout 0.2 stop";
    check_unshared(
        &["--pid", "--fork", "--kill-child"],
        script,
        0,
        "\nrunning, process ",
    );
}

#[test]
fn start_as_process_1_of_a_namespace_is_refused() {
    if !root("cannot make a pid namespace") {
        return;
    }
    let fixture = Fixture::new();
    let output = fixture.shell("exec unshare --pid $M start");
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(
        output.err.contains("has left its pid namespace"),
        "{output:?}"
    );
    fixture.assert_nothing_left();
}
