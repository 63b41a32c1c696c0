//! `stop` ends a daemon and the processes of its session, and no other process.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::*;

#[test]
fn a_daemon_that_ignores_sigterm_is_killed() {
    let fixture = Fixture::new();
    let pid = fixture.start(&["--ignore-stop", "true"]);
    let start = Instant::now();
    fixture.check(
        &["--stop-timeout", "0.3", "stop"],
        0,
        &format!("killed, process {pid}"),
    );
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(fixture.processes(), [0; 0]);
    fixture.check(&["status"], 1, "dead");
    fixture.check(&["start"], 0, "started");
}

#[test]
fn a_stopped_daemon_is_continued_and_terminated() {
    let fixture = Fixture::new();
    let pid = fixture.start(&[]);
    kill(pid, Signal::SIGSTOP);
    fixture.check(&["stop"], 0, &format!("stopped, process {pid}"));
    fixture.assert_nothing_left();
}

#[test]
fn sigkill_reaches_the_session_unless_kill_mode_is_process() {
    let fixture = Fixture::new();
    // One child in a process group of its own, as an interactive shell makes them; one in the daemon's group.
    let check = "exec > /dev/null 2>&1; set -m; sleep 1000 & set +m; sleep 1000 &";
    let end = |mode| {
        let pid = fixture.start(&["--ignore-stop", "true", "--check", check]);
        assert_eq!(fixture.processes().len(), 3);
        let stop = ["--stop-timeout", "0.2", "--kill-mode", mode, "stop"];
        fixture.check(&stop, 0, &format!("killed, process {pid}"));
    };
    end("session");
    assert_eq!(fixture.processes(), [0; 0]);
    end("process");
    assert_eq!(fixture.processes().len(), 2, "the children were killed");
    // A daemon that ends on SIGTERM leaves its children running.
    fixture.start(&["--check", "sleep 1000 > /dev/null 2>&1 &"]);
    fixture.check(&["stop"], 0, "stopped");
    assert_eq!(fixture.processes().len(), 3);
}

#[test]
fn a_compromised_daemon_does_not_get_other_processes_killed() {
    // It claims that the session is its own, but was started in the session of root's processes. These must survive.
    let script = format!(
        "import fcntl, os, struct, sys, time
file = open('m.pid', 'w')
os.setresuid(65534, 65534, 65534)
fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 1, 0))
fcntl.lockf(file, fcntl.LOCK_EX, 2, 8)
if os.fork() == 0: time.sleep(1000)
{}
time.sleep(1000)",
        "__import__('signal').signal(15, 1); print(os.getpid(), flush=True)"
    );
    if !root("cannot become nobody") {
        return;
    }
    for leader_lives in [true, false] {
        let fixture = Fixture::new();
        let wait = if leader_lives { "wait" } else { "true" };
        let shell = format!("sleep 1000 & /usr/bin/python3 -c \"$SCRIPT\" & {wait}");
        let mut leader = fixture.command("setsid");
        leader.args(["sh", "-c", &shell]).env("SCRIPT", &script);
        let mut leader = leader.spawn().unwrap();
        let mut line = String::new();
        let output = leader.stdout.as_mut().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
        let daemon: i32 = line.trim().parse().unwrap();
        if !leader_lives {
            leader.wait().unwrap();
        }
        let killed = format!("killed, process {daemon}");
        fixture.check(&["--stop-timeout", "0.2", "stop"], 0, &killed);
        let of_root = |pid: &i32| status_line(*pid, "Uid").starts_with("0\t");
        let left: Vec<i32> = fixture.processes().into_iter().filter(of_root).collect();
        assert_eq!(left.len(), if leader_lives { 2 } else { 1 }, "{left:?}");
        let _ = leader.kill();
        leader.wait().unwrap();
    }
}

#[test]
fn a_child_whose_name_is_not_utf8_is_killed() {
    let fixture = Fixture::new();
    // The kernel takes the name of a process from the file name, in bytes.
    let odd = "cp /bin/sleep $'odd\\xff\\xfe'; ./$'odd\\xff\\xfe' 1000 > /dev/null 2>&1 &";
    let check = format!("cd {}; exec bash -c \"{odd}\"", fixture.path("").display());
    fixture.start(&["--ignore-stop", "true", "--check", &check]);
    let deadline = Instant::now() + DEADLINE;
    while fixture.processes().len() < 2 {
        assert!(Instant::now() < deadline, "the child has not started");
    }
    fixture.check(&["--stop-timeout", "0.2", "stop"], 0, "killed");
    assert_eq!(fixture.processes(), [0; 0]);
}

#[test]
fn a_stopped_intermediate_process_delays_nothing() {
    let fixture = Fixture::new();
    let (begun, go) = (fixture.fifo("begun"), fixture.fifo("go"));
    let check = format!("echo > {}; cat {}", begun.display(), go.display());
    let start = |timeout| {
        let start = fixture.mydaemon(&["--ready-timeout", timeout, "--check", &check, "start"]);
        let start = { start }.spawn().unwrap();
        fixture.wait_for_fifo(&begun, &start);
        let intermediate = status_line(fixture.pid(), "PPid").parse().unwrap();
        kill(intermediate, Signal::SIGSTOP);
        start
    };
    let starting = start("20");
    fs::write(&go, "").unwrap();
    assert_eq!(finish(starting).code, Some(0));
    fixture.check(&["stop"], 0, "stopped");
    let output = finish(start("0.3"));
    assert!(
        output
            .err
            .contains("was not ready after 300ms and was killed"),
        "{output:?}"
    );
    fixture.assert_nothing_left();
}

#[test]
fn stop_returns_when_the_process_is_gone() {
    let fixture = Fixture::new();
    fixture.start(&[]);
    for round in 0..200 {
        let output = fixture.shell("$M stop && $M start");
        assert_eq!(output.code, Some(0), "{round}: {output:?}");
        assert!(
            output.out.contains("stopped") && output.out.contains("\nstarted"),
            "{round}: {output:?}"
        );
    }
    fixture.check(&["stop"], 0, "stopped");
    fixture.assert_nothing_left();
}
