//! start, stop, restart, reload and status, in sequence and concurrently.

mod restart;
mod stop;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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
