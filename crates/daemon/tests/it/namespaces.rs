//! Pid namespaces: a process has a number in each of them, or none.

use super::support::*;

#[test]
fn a_daemon_outside_of_the_pid_namespace_is_left_alone() {
    let place = Place::new();
    let pid = place.start(&[]);
    let message = "m.pid: is held by a daemon in another pid namespace";
    let script = "sleep 1000 & $M status; [ $? = 4 ] || exit 9
                  for verb in stop reload restart start; do $M $verb && exit 8; done; kill $!";
    let Some(mut shell) = in_pid_namespace(&place, "sh") else {
        return;
    };
    let said = finish(shell.args(["-c", script]).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains(message), "{said:?}");
    assert_eq!(said.err.matches(message).count(), 4, "{said:?}");
    assert_eq!(place.processes(), [pid]);
}

#[test]
fn process_1_of_a_container_is_a_daemon() {
    let place = Place::new();
    let begun = place.fifo("begun");
    let check = format!("echo > {}", begun.display());
    let Some(mut container) = in_pid_namespace(&place, example("mydaemon")) else {
        return;
    };
    container.args(["--log", "log", "--check", &check, "run"]);
    let container = container.spawn().unwrap();
    place.await_fifo(&begun, &container);
    // Waits until it is ready.
    place.check(&["reload"], 0, "reloads");
    assert_eq!(place.pid(), 1, "its own number");
    let outside = record_lock(&place);
    let inside = |verb: &str| {
        let enter = format!(
            "exec nsenter -t {outside} -m -p {} {verb}",
            example("mydaemon").display()
        );
        place.shell(&enter)
    };
    let said = inside("status");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("process 1\n"), "{said:?}");
    let said = inside("reload");
    assert_eq!(said.out, "process 1 reloads\n", "{said:?}");
    // It takes its namespace along, and with it the one who asked.
    let process = hold(outside);
    inside("stop");
    wait_for_end(&process);
    finish(container);
    place.check(&["status"], 3, "not running");
}

#[test]
fn a_daemon_in_a_pid_namespace_has_a_number_outside() {
    let place = Place::new();
    let begun = place.fifo("begun");
    let script = format!("$M start && echo > {} && sleep 1000", begun.display());
    let Some(mut container) = in_pid_namespace(&place, "sh") else {
        return;
    };
    container.args(["-c", &script]);
    let mut container = container.spawn().unwrap();
    place.await_fifo(&begun, &container);
    let pid = record_lock(&place);
    assert_ne!(place.pid(), pid);
    place.check(&["status"], 0, &format!("process {pid}"));
    place.check(&["stop"], 0, &format!("stopped, process {pid}"));
    container.kill().unwrap();
    container.wait().unwrap();
}

#[test]
fn a_number_given_to_somebody_else_gets_nobody_killed() {
    // In a namespace of its own the next number can be chosen.
    let script = r#"
        $M start && N=$(cat "$MYDAEMON_PIDFILE") && kill -9 $N || exit 90
        while [ -e /proc/$N ]; do :; done   # the shell is pid 1 and reaps when it gets to it
        echo $((N - 1)) > /proc/sys/kernel/ns_last_pid || exit 91
        sleep 1000 & [ $! = $N ] || exit 92
        $M stop; $M reload; $M --log log restart || exit 93
        kill -0 $N || exit 94
        $M stop
    "#;
    let place = Place::new();
    let Some(mut shell) = in_pid_namespace(&place, "sh") else {
        return;
    };
    let said = finish(shell.args(["-c", script]).spawn().unwrap());
    if matches!(said.code, Some(91 | 92)) {
        return skip(&format!("numbers cannot be chosen here: {said:?}"));
    }
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("not running\n"), "{said:?}");
}

/// unshare(1) with these options, and mydaemon's place as `$PWD`.
fn check_unshared(options: &[&str], script: &str, code: i32, expected: &str) -> bool {
    let place = Place::new();
    let mut unshare = place.command("unshare");
    unshare.args(options).args(["sh", "-c", script]);
    let said = finish(unshare.spawn().unwrap());
    if said.err.contains("unshare:") {
        skip(&format!("no namespaces here: {said:?}"));
        return false;
    }
    assert_eq!(said.code, Some(code), "{said:?}");
    assert!(
        (said.out.clone() + &said.err).contains(expected),
        "{said:?}"
    );
    true
}

#[test]
fn the_numbers_of_another_pid_namespace_are_not_believed() {
    if !root("cannot make a pid namespace") {
        return;
    }
    // /proc is that of the namespace above: no age, and no session of that number is killed but the daemon's.
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
fn where_the_daemon_would_be_killed_it_says_so() {
    if !root("cannot make a pid namespace") {
        return;
    }
    let place = Place::new();
    let said = place.shell("exec unshare --pid $M start");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("has left its pid namespace"), "{said:?}");
    place.assert_nothing_left();
}
