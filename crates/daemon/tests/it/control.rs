//! start, stop, restart, reload and status, in sequence and concurrently.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sampled_daemon::{Daemon, Status};

use super::support::*;

#[test]
fn every_command_can_be_repeated() {
    let fixture = Fixture::new();
    fixture.check(&["status"], 3, "not running");
    fixture.check(&["stop"], 0, "not running");
    fixture.check(&["reload"], 7, "");
    fixture.check(&["start"], 0, "started");
    let pid = fixture.pid();
    fixture.check(&["status"], 0, &format!(" s, process {pid}"));
    // The age is that of the process, not of the pidfile.
    let file = fs::File::options()
        .write(true)
        .open(fixture.pidfile())
        .unwrap();
    let hour = Duration::from_secs(3600);
    file.set_modified(std::time::SystemTime::now() - hour)
        .unwrap();
    let age = fixture.run(&["status"]).out;
    let age = age
        .strip_prefix("running for ")
        .and_then(|rest| rest.split(' ').next());
    assert!(age.unwrap().parse::<u32>().unwrap() < 60, "{age:?}");
    fixture.check(&["start"], 0, &format!("already running, process {pid}"));
    fixture.check(&["reload"], 0, &format!("process {pid} reloads"));
    fixture.check(&["reload"], 0, &format!("process {pid} reloads"));
    fixture.check(&["restart"], 0, "started");
    assert_ne!(fixture.pid(), pid);
    fixture.check(&["restart"], 0, "started");
    fixture.check(&["stop"], 0, "stopped");
    fixture.assert_nothing_left();
}

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
fn a_restart_that_fails_its_check_ends_nothing() {
    let fixture = Fixture::new();
    let pid = fixture.start(&[]);
    let check = |options: &[&str], code, message: &str| {
        let output = fixture.run(&[options, &["restart"]].concat());
        assert_eq!(output.code, Some(code), "{options:?}: {output:?}");
        assert!(output.err.contains(message), "{options:?}: {output:?}");
        assert_eq!(fixture.processes(), [pid], "{options:?}");
        fixture.check(&["status"], 0, &format!("process {pid}"));
    };
    check(&["--log", "/nowhere/log"], 1, "/nowhere/log: no such file");
    check(
        &["--user", "nobody-of-that-name"],
        1,
        "there is no such user",
    );
    check(&["--check", "false"], 1, "mydaemon: false: exit status: 1");
    check(
        &["--check", "kill -9 $PPID"],
        1,
        "the check before the start gave no answer: its process was killed by SIGKILL",
    );
    check(
        &["--ready-timeout", "0.2", "--check", "sleep 1000"],
        1,
        "the check before the start took longer than 200ms",
    );
    if root("cannot become nobody") {
        // Where everybody may write, the log is opened after the change of user.
        fs::create_dir(fixture.path("log")).unwrap();
        fs::write(fixture.path("log/log"), "").unwrap();
        let mode = |path, mode| {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(fixture.path(path), mode).unwrap();
        };
        mode("log/log", 0o600);
        mode("log", 0o777);
        let options = ["--user", "nobody", "--log", "log/log"];
        check(&options, 4, "/log/log: permission denied");
    }
    // The children of the check are killed with it; the child of the daemon runs.
    fixture.check(
        &["--check", "sleep 1000 > /dev/null 2>&1 &", "restart"],
        0,
        "started",
    );
    assert_eq!(fixture.processes().len(), 2);
    fixture.check(&["stop"], 0, "stopped");
}

#[test]
fn a_restart_that_cannot_take_the_pidfile_ends_nothing() {
    if !root("cannot become nobody") {
        return;
    }
    let fixture = Fixture::new();
    let pid = fixture.start(&["--user", "nobody"]);
    let output = fixture.run_as_nobody("restart");
    assert_eq!(output.code, Some(4), "{output:?}");
    assert!(
        output
            .err
            .ends_with("m.pid: belongs to user 0, not to user 65534\n"),
        "{output:?}"
    );
    assert_eq!(fixture.processes(), [pid]);
    let read_only = "mount --bind . . && mount -o remount,bind,ro . && exec $M restart";
    let script = format!("unshare --mount sh -c 'cd .; {read_only}'");
    let output = fixture.shell(&script);
    if output.err.contains("unshare:") || output.err.contains("mount:") {
        return skip(&format!("nothing can be mounted here: {output:?}"));
    }
    assert!(
        output.err.ends_with("m.pid: read-only file system\n"),
        "{output:?}"
    );
    assert_eq!(fixture.processes(), [pid]);
    fixture.check(&["--user", "nobody", "restart"], 0, "started");
    fixture.check(&["stop"], 0, "stopped");
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
fn a_restart_whose_check_passes_succeeds() {
    let fixture = Fixture::new();
    fixture.start(&[]);
    fixture.check(&["--check", "true", "restart"], 0, "started");
    fixture.check(&["stop"], 0, "stopped");
    fixture.assert_nothing_left();
}

#[test]
fn verify_names_the_threads() {
    let fixture = Fixture::new();
    let daemon = Daemon::new("refused").pidfile(fixture.pidfile());
    // The threads are those of the test harness.
    let error = daemon.verify().unwrap_err().to_string();
    assert!(error.contains("threads ("), "{error}");
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

#[test]
fn two_restarts_leave_one_daemon() {
    let fixture = Fixture::new();
    let mut before = fixture.start(&[]);
    for round in 0..25 {
        let restarts = [(); 2].map(|()| fixture.mydaemon(&["restart"]).spawn().unwrap());
        let output = restarts.map(finish);
        assert!(
            output.iter().all(|output| output.code == Some(0)),
            "{round}: {output:?}"
        );
        let pid = fixture.pid();
        assert_eq!(fixture.processes(), [pid], "{round}: {output:?}");
        assert_ne!(pid, before, "{round}: {output:?}");
        before = pid;
    }
}

#[test]
fn status_is_never_wrong() {
    let fixture = Fixture::new();
    let daemon = Daemon::new("mydaemon").pidfile(fixture.pidfile());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let observer = scope.spawn(|| {
            let mut seen = [0_u32; 3];
            while !done.load(Ordering::Relaxed) {
                match daemon.status() {
                    Status::Running { .. } => seen[0] += 1,
                    Status::Starting { .. } => seen[1] += 1,
                    Status::NotRunning => seen[2] += 1,
                    wrong => panic!("{wrong:?} after {seen:?}"),
                }
            }
            seen
        });
        for round in 0..200 {
            if observer.is_finished() {
                break;
            }
            fixture.start(&[]);
            let status = daemon.status();
            assert!(
                matches!(status, Status::Running { pid, .. } if pid == fixture.pid()),
                "{round}: {status:?}"
            );
            fixture.check(&["stop"], 0, "stopped");
            let status = daemon.status();
            assert!(matches!(status, Status::NotRunning), "{round}: {status:?}");
        }
        done.store(true, Ordering::Relaxed);
        let [running, _, not_running] = observer.join().unwrap();
        assert!(running > 0 && not_running > 0);
    });
}

#[test]
fn a_second_start_waits_for_the_first() {
    // The word written to the FIFO makes the first start succeed or fail; if it fails, the second one starts.
    for (word, outcome) in [("true", "already running"), ("false", "started")] {
        let fixture = Fixture::new();
        let (begun, go) = (fixture.fifo("begun"), fixture.fifo("go"));
        let check = format!("echo > {}; $(cat {})", begun.display(), go.display());
        let first = fixture
            .mydaemon(&["--check", &check, "start"])
            .spawn()
            .unwrap();
        fixture.wait_for_fifo(&begun, &first);
        let pid = fixture.pid();
        fixture.check(&["status"], 0, &format!("starting, process {pid}"));
        let mut second = fixture.mydaemon(&["start"]).spawn().unwrap();
        // Waiting is no event: the test can only see that the second start has not ended.
        assert!(!ends_within(
            &open_process(second.id() as i32),
            Duration::from_millis(50)
        ));
        assert_eq!(second.try_wait().unwrap(), None);
        fs::write(&go, word).unwrap();
        assert_eq!(finish(first).code, Some(i32::from(word == "false")));
        let output = finish(second);
        assert!(
            output.code == Some(0) && output.out.contains(outcome),
            "{output:?}"
        );
        assert_eq!(fixture.processes(), [fixture.pid()]);
    }
}

#[test]
fn a_start_that_hangs_can_be_stopped() {
    let fixture = Fixture::new();
    let begun = fixture.fifo("begun");
    let check = format!("echo > {}; exec sleep 1000", begun.display());
    let first = fixture
        .mydaemon(&["--check", &check, "start"])
        .spawn()
        .unwrap();
    fixture.wait_for_fifo(&begun, &first);
    let output = fixture.run(&["--ready-timeout", "0.2", "start"]);
    assert_eq!(output.code, Some(1));
    assert!(
        output
            .err
            .contains("another instance is still starting after"),
        "{output:?}"
    );
    fixture.check(&["--stop-timeout", "0.2", "stop"], 0, "killed");
    let output = finish(first);
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("died before it was ready"),
        "{output:?}"
    );
    fixture.assert_nothing_left();
}
