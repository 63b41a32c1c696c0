//! start, stop, restart, reload and status, one after the other and all at once.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sampled_daemon::{Daemon, Status};

use super::support::*;

#[test]
fn every_verb_twice() {
    let place = Place::new();
    place.check(&["status"], 3, "not running");
    place.check(&["stop"], 0, "not running");
    place.check(&["reload"], 7, "");
    place.check(&["start"], 0, "started");
    let pid = place.pid();
    place.check(&["status"], 0, &format!(" s, process {pid}"));
    // Not since it wrote its file.
    let file = fs::File::options()
        .write(true)
        .open(place.pidfile())
        .unwrap();
    let hour = Duration::from_secs(3600);
    file.set_modified(std::time::SystemTime::now() - hour)
        .unwrap();
    let age = place.say(&["status"]).out;
    let age = age
        .strip_prefix("running for ")
        .and_then(|rest| rest.split(' ').next());
    assert!(age.unwrap().parse::<u32>().unwrap() < 60, "{age:?}");
    place.check(&["start"], 0, &format!("already running, process {pid}"));
    place.check(&["reload"], 0, &format!("process {pid} reloads"));
    place.check(&["reload"], 0, &format!("process {pid} reloads"));
    place.check(&["restart"], 0, "started");
    assert_ne!(place.pid(), pid);
    place.check(&["restart"], 0, "started");
    place.check(&["stop"], 0, "stopped");
    place.assert_nothing_left();
}

#[test]
fn one_that_does_not_listen_is_killed() {
    let place = Place::new();
    let pid = place.start(&["--ignore", "SIGTERM"]);
    let start = Instant::now();
    place.check(
        &["--stop-timeout", "0.3", "stop"],
        0,
        &format!("killed, process {pid}"),
    );
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(place.processes(), [0; 0]);
    place.check(&["status"], 1, "dead");
    place.check(&["start"], 0, "started");
}

#[test]
fn one_that_is_stopped_ends_in_order() {
    let place = Place::new();
    let pid = place.start(&[]);
    kill(pid, Signal::SIGSTOP);
    place.check(&["stop"], 0, &format!("stopped, process {pid}"));
    place.assert_nothing_left();
}

#[test]
fn what_it_has_started_is_killed_with_it() {
    let place = Place::new();
    // In a process group of its own, as an interactive shell makes them, and in the daemon's own one.
    let check = "exec > /dev/null 2>&1; set -m; sleep 1000 & set +m; sleep 1000 &";
    let end = |mode| {
        let pid = place.start(&["--ignore", "SIGTERM", "--check", check]);
        assert_eq!(place.processes().len(), 3);
        let stop = ["--stop-timeout", "0.2", "--kill-mode", mode, "stop"];
        place.check(&stop, 0, &format!("killed, process {pid}"));
    };
    end("session");
    assert_eq!(place.processes(), [0; 0]);
    end("process");
    assert_eq!(place.processes().len(), 2, "they were to be spared");
    // One that ends when it is asked leaves its children to themselves.
    place.start(&["--check", "sleep 1000 > /dev/null 2>&1 &"]);
    place.check(&["stop"], 0, "stopped");
    assert_eq!(place.processes().len(), 3);
}

#[test]
fn a_daemon_that_was_taken_over_gets_no_others_killed() {
    // It lies about its session: it was merely started there, beside processes of root's. Leader and all live on.
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
        let place = Place::new();
        let wait = if leader_lives { "wait" } else { "true" };
        let shell = format!("sleep 1000 & /usr/bin/python3 -c \"$SCRIPT\" & {wait}");
        let mut leader = place.command("setsid");
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
        place.check(&["--stop-timeout", "0.2", "stop"], 0, &killed);
        let of_root = |pid: &i32| status_line(*pid, "Uid").starts_with("0\t");
        let left: Vec<i32> = place.processes().into_iter().filter(of_root).collect();
        assert_eq!(left.len(), if leader_lives { 2 } else { 1 }, "{left:?}");
        let _ = leader.kill();
        leader.wait().unwrap();
    }
}

#[test]
fn a_child_whose_name_is_no_text_is_killed_as_well() {
    let place = Place::new();
    // A program's name is that of its file, in bytes.
    let odd = "cp /bin/sleep $'odd\\xff\\xfe'; ./$'odd\\xff\\xfe' 1000 > /dev/null 2>&1 &";
    let check = format!("cd {}; exec bash -c \"{odd}\"", place.path("").display());
    place.start(&["--ignore", "SIGTERM", "--check", &check]);
    while place.processes().len() < 2 {}
    place.check(&["--stop-timeout", "0.2", "stop"], 0, "killed");
    assert_eq!(place.processes(), [0; 0]);
}

#[test]
fn a_restart_that_cannot_succeed_ends_nothing() {
    let place = Place::new();
    let pid = place.start(&[]);
    let check = |options: &[&str], message: &str| {
        let said = place.say(&[options, &["restart"]].concat());
        assert_eq!(said.code, Some(1), "{options:?}: {said:?}");
        assert!(said.err.contains(message), "{options:?}: {said:?}");
        assert_eq!(place.processes(), [pid], "{options:?}");
        place.check(&["status"], 0, &format!("process {pid}"));
    };
    check(&["--log", "/nowhere/log"], "/nowhere/log: no such file");
    check(&["--user", "nobody-of-that-name"], "there is no such user");
    check(&["--check", "false"], "mydaemon: false: exit status: 1");
    check(
        &["--check", "kill -9 $PPID"],
        "the check before the start gave no answer: its process was killed by SIGKILL",
    );
    check(
        &["--ready-timeout", "0.2", "--check", "sleep 1000"],
        "the check before the start took longer than 200ms",
    );
    if root("cannot become nobody") {
        // The log is opened by the user who is to write it.
        fs::create_dir(place.path("log")).unwrap();
        let options = ["--user", "nobody", "--log", "log/log"];
        check(&options, "/log/log: permission denied");
    }
    // The trial's children are gone with it; the daemon's own is there.
    place.check(
        &["--check", "sleep 1000 > /dev/null 2>&1 &", "restart"],
        0,
        "started",
    );
    assert_eq!(place.processes().len(), 2);
    place.check(&["stop"], 0, "stopped");
}

#[test]
fn a_restart_that_cannot_have_the_pidfile_ends_nothing() {
    if !root("cannot become nobody") {
        return;
    }
    let place = Place::new();
    let pid = place.start(&["--user", "nobody"]);
    let said = place.say_as_nobody("restart");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err
            .ends_with("m.pid: belongs to user 0, not to user 65534\n"),
        "{said:?}"
    );
    assert_eq!(place.processes(), [pid]);
    let read_only = "mount --bind . . && mount -o remount,bind,ro . && exec $M restart";
    let script = format!("unshare --mount sh -c 'cd .; {read_only}'");
    let said = place.shell(&script);
    if said.err.contains("unshare:") || said.err.contains("mount:") {
        return skip(&format!("nothing can be mounted here: {said:?}"));
    }
    assert!(
        said.err.ends_with("m.pid: read-only file system\n"),
        "{said:?}"
    );
    assert_eq!(place.processes(), [pid]);
    place.check(&["--user", "nobody", "restart"], 0, "started");
    place.check(&["stop"], 0, "stopped");
}

#[test]
fn a_stopped_process_between_the_forks_holds_nothing_up() {
    let place = Place::new();
    let (begun, go) = (place.fifo("begun"), place.fifo("go"));
    let check = format!("echo > {}; cat {}", begun.display(), go.display());
    let start = |timeout| {
        let start = place.mydaemon(&["--ready-timeout", timeout, "--check", &check, "start"]);
        let start = { start }.spawn().unwrap();
        place.await_fifo(&begun, &start);
        let intermediate = status_line(place.pid(), "PPid").parse().unwrap();
        kill(intermediate, Signal::SIGSTOP);
        start
    };
    let starting = start("20");
    fs::write(&go, "").unwrap();
    assert_eq!(finish(starting).code, Some(0));
    place.check(&["stop"], 0, "stopped");
    let said = finish(start("0.3"));
    assert!(
        said.err
            .contains("was not ready after 300ms and was killed"),
        "{said:?}"
    );
    place.assert_nothing_left();
}

#[test]
fn a_restart_with_nothing_wrong_succeeds() {
    let place = Place::new();
    place.start(&[]);
    place.check(&["--check", "true", "restart"], 0, "started");
    place.check(&["stop"], 0, "stopped");
    place.assert_nothing_left();
}

#[test]
fn threads_are_verified_too_and_told_by_name() {
    let place = Place::new();
    let daemon = Daemon::new("refused").pidfile(place.pidfile());
    // The threads are those of the test harness.
    let error = daemon.verify().unwrap_err().to_string();
    assert!(error.contains("threads ("), "{error}");
}

#[test]
fn stop_returns_when_it_is_gone() {
    let place = Place::new();
    place.start(&[]);
    for round in 0..200 {
        let said = place.shell("$M stop && $M start");
        assert_eq!(said.code, Some(0), "{round}: {said:?}");
        assert!(
            said.out.contains("stopped") && said.out.contains("\nstarted"),
            "{round}: {said:?}"
        );
    }
    place.check(&["stop"], 0, "stopped");
    place.assert_nothing_left();
}

#[test]
fn two_restarts_leave_one_daemon() {
    let place = Place::new();
    let mut before = place.start(&[]);
    for round in 0..25 {
        let restarts = [(); 2].map(|()| place.mydaemon(&["restart"]).spawn().unwrap());
        let said = restarts.map(finish);
        assert!(
            said.iter().all(|said| said.code == Some(0)),
            "{round}: {said:?}"
        );
        let pid = place.pid();
        assert_eq!(place.processes(), [pid], "{round}: {said:?}");
        assert_ne!(pid, before, "{round}: {said:?}");
        before = pid;
    }
}

#[test]
fn status_is_never_wrong() {
    let place = Place::new();
    let daemon = Daemon::new("mydaemon").pidfile(place.pidfile());
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
            place.start(&[]);
            let status = daemon.status();
            assert!(
                matches!(status, Status::Running { pid, .. } if pid == place.pid()),
                "{round}: {status:?}"
            );
            place.check(&["stop"], 0, "stopped");
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
    // The first one gets ready if its fifo says so; in the other round it fails, and the second takes its place.
    for (word, outcome) in [("true", "already running"), ("false", "started")] {
        let place = Place::new();
        let (begun, go) = (place.fifo("begun"), place.fifo("go"));
        let check = format!("echo > {}; $(cat {})", begun.display(), go.display());
        let first = place
            .mydaemon(&["--check", &check, "start"])
            .spawn()
            .unwrap();
        place.await_fifo(&begun, &first);
        let pid = place.pid();
        place.check(&["status"], 0, &format!("starting, process {pid}"));
        let mut second = place.mydaemon(&["start"]).spawn().unwrap();
        // Its waiting is no event, so this is all that can be seen of it.
        assert!(!ends_within(
            &hold(second.id() as i32),
            Duration::from_millis(50)
        ));
        assert_eq!(second.try_wait().unwrap(), None);
        fs::write(&go, word).unwrap();
        assert_eq!(finish(first).code, Some(i32::from(word == "false")));
        let said = finish(second);
        assert!(
            said.code == Some(0) && said.out.contains(outcome),
            "{said:?}"
        );
        assert_eq!(place.processes(), [place.pid()]);
    }
}

#[test]
fn a_start_that_hangs_can_be_stopped() {
    let place = Place::new();
    let begun = place.fifo("begun");
    let check = format!("echo > {}; exec sleep 1000", begun.display());
    let first = place
        .mydaemon(&["--check", &check, "start"])
        .spawn()
        .unwrap();
    place.await_fifo(&begun, &first);
    let said = place.say(&["--ready-timeout", "0.2", "start"]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.err
            .contains("another instance is still starting after"),
        "{said:?}"
    );
    place.check(&["--stop-timeout", "0.2", "stop"], 0, "killed");
    let said = finish(first);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("died before it was ready"), "{said:?}");
    place.assert_nothing_left();
}
