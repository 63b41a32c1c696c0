//! `Daemon::main`, in the example article: its exit statuses are those of the Linux Standard Base.

use super::support::*;

struct Article(Fixture);

impl Article {
    fn check(&self, command: &str, code: i32, out: &str, err: &str) {
        let Self(fixture) = self;
        let article = example("article").display().to_string();
        let output = fixture.shell(&format!("XDG_RUNTIME_DIR=$PWD exec {article} {command}"));
        assert_eq!(output.code, Some(code), "{command}: {output:?}");
        // One line, of which the part before the process id is known.
        let lines: Vec<&str> = output.out.lines().collect();
        let known: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.split(',').next())
            .collect();
        assert_eq!(known.join("\n"), out, "{command}: {output:?}");
        assert_eq!(output.err, err, "{command}: {output:?}");
    }
}

#[test]
fn each_command_has_one_line_and_its_exit_status() {
    let article = Article(Fixture::new());
    let pidfile = article.0.path("article.pid");
    let not_running = format!("article: {}: no daemon is running\n", pidfile.display());
    article.check("status", 3, "not running", "");
    article.check("stop", 0, "not running", "");
    article.check("reload", 7, "", &not_running);
    article.check("start", 0, "started", "");
    article.check("start", 0, "already running", "");
    article.check("restart", 0, "started", "");
    let pid = std::fs::read_to_string(&pidfile).unwrap();
    article.check("reload", 0, &format!("process {} reloads", pid.trim()), "");
    article.check("status", 0, "running for 0 s", "");
    kill_and_wait(pid.trim().parse().unwrap());
    article.check("status", 1, "dead", "");
    article.check("start", 0, "started", "");
    article.check("stop", 0, "stopped", "");
    std::fs::create_dir(&pidfile).unwrap();
    let unknown = format!("unknown: {}: is not a regular file", pidfile.display());
    article.check("status", 4, &unknown, "");
}

#[test]
fn a_wrong_command_line_is_2() {
    let article = Article(Fixture::new());
    let usage = "usage: article start|stop|restart|reload|status|run\n";
    for command in ["", "begin", "start now", "--help", "''"] {
        article.check(command, 2, "", usage);
    }
}

#[test]
fn a_lack_of_permission_is_4() {
    if !root("cannot become nobody") {
        return;
    }
    let fixture = Fixture::new();
    fixture.start(&[]);
    for command in ["stop", "reload", "restart"] {
        let output = fixture.run_as_nobody(command);
        assert_eq!(output.code, Some(4), "{command}: {output:?}");
    }
    fixture.check(&["stop"], 0, "stopped");
    // The error of the daemon itself, which the caller gets as a text.
    let output = fixture.run_as_nobody("--pidfile /m.pid start");
    assert_eq!(output.code, Some(4), "{output:?}");
    assert_eq!(output.err, "mydaemon: /m.pid: permission denied\n");
}

#[test]
fn run_prints_nothing_of_its_own() {
    let fixture = Fixture::new();
    let article = example("article").display().to_string();
    let child = fixture.command(article).arg("run").spawn().unwrap();
    let pid = child.id() as i32;
    let deadline = std::time::Instant::now() + DEADLINE;
    // SIGTERM.
    while u64::from_str_radix(&status_line(pid, "SigCgt"), 16).unwrap() & 0x4000 == 0 {
        assert!(
            std::time::Instant::now() < deadline,
            "the signals are not caught"
        );
        std::thread::yield_now();
    }
    kill(pid, nix::sys::signal::Signal::SIGTERM);
    let output = finish(child);
    assert_eq!(
        (output.code, output.out.as_str(), output.err.as_str()),
        (Some(0), "", "")
    );
}

#[test]
fn without_a_pidfile_it_reports_readiness_and_has_no_commands() {
    let fixture = Fixture::new();
    let options = ["--pidfile", "none"];
    fixture.check(&[&options[..], &["start"]].concat(), 0, "started, process");
    fixture.check(&[&options[..], &["start"]].concat(), 0, "started, process");
    assert_eq!(fixture.processes().len(), 2);
    assert!(!fixture.pidfile().exists());
    let reason = "this daemon has no pidfile, so its process cannot be found";
    for command in ["stop", "restart", "reload"] {
        let output = fixture.run(&[&options[..], &[command]].concat());
        assert_eq!(output.code, Some(1), "{command}: {output:?}");
        assert_eq!(output.err, format!("mydaemon: {reason}\n"));
    }
    fixture.check(
        &[&options[..], &["status"]].concat(),
        4,
        &format!("unknown: {reason}"),
    );
    let failed = [&options[..], &["--check", "false", "start"]].concat();
    fixture.check(&failed, 1, "");
    assert_eq!(fixture.processes().len(), 2);
}
