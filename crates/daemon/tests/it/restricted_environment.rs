//! In a restricted environment the daemon works, or its error says what is missing.

use super::support::*;

/// Runs a script in a mount namespace, which needs root.
fn check_mounted(prepare: &str, script: &str, expected: &str) {
    if !root("cannot mount") {
        return;
    }
    let fixture = Fixture::new();
    let script = format!(
        "set -e; cd {}; {prepare}\n{script}",
        fixture.path("").display()
    );
    let unshare = ["--mount", "sh", "-c", &script];
    let output = finish(fixture.command("unshare").args(unshare).spawn().unwrap());
    if output.err.starts_with("unshare:") || output.err.contains("mount:") {
        return skip(&format!("nothing can be mounted here: {output:?}"));
    }
    assert_eq!(output.code, Some(0), "{output:?}");
    let all = output.out.clone() + &output.err;
    assert!(all.contains(expected), "{expected}: {output:?}");
}

#[test]
fn without_proc_all_commands_work() {
    // Without /proc the status has no age.
    check_mounted(
        "mount -t tmpfs none /proc",
        ALL_COMMANDS,
        "\nrunning, process ",
    );
}

#[test]
fn a_full_disk_is_reported() {
    let fill =
        "mkdir d; mount -t tmpfs -o size=16k none d; touch d/m.pid; ! cat /dev/zero > d/x 2>&1";
    let script = "! $M --pidfile d/m.pid start; [ ! -s d/m.pid ]; rm d/x
                  $M --pidfile d/m.pid start; $M --pidfile d/m.pid stop";
    check_mounted(fill, script, "/d/m.pid: no space left on device\n");
}

#[test]
fn a_full_disk_for_the_log_does_not_end_the_daemon() {
    let fill = "mkdir d; mount -t tmpfs -o size=16k none d; ! cat /dev/zero > d/log 2>&1";
    let script = "$M --log d/log start; $M --log d/log restart; $M reload; $M status; $M stop";
    check_mounted(fill, script, "running for");
}

#[test]
fn a_read_only_disk_is_reported() {
    let mount = "mkdir d; mount -t tmpfs none d; mount -o remount,ro d";
    let script =
        "! $M --pidfile d/m.pid start; [ \"$($M --pidfile d/m.pid status)\" = 'not running' ]";
    check_mounted(mount, script, "/d/m.pid: read-only file system\n");
}

#[test]
fn a_large_pidfile_does_not_prevent_a_start() {
    let fixture = Fixture::new();
    std::fs::write(fixture.pidfile(), vec![b'9'; 10 << 20]).unwrap();
    fixture.check(&["status"], 1, "dead");
    let pid = fixture.start(&[]);
    assert_eq!(fixture.pid(), pid);
    fixture.check(&["stop"], 0, "stopped");
    fixture.assert_nothing_left();
}

#[test]
fn few_descriptors_are_enough() {
    check_script("ulimit -n 16; ", "");
    // An inherited descriptor above RLIMIT_NOFILE: root raises the limit to replace it, others close it.
    let fixture = Fixture::new();
    let script = "exec 33</etc/hostname; ulimit -n 16; $M start";
    let output = finish(
        fixture
            .command("bash")
            .args(["-c", script])
            .spawn()
            .unwrap(),
    );
    assert_eq!(output.code, Some(0), "{output:?}");
    let files = open_files(fixture.pid());
    assert!(
        files.iter().all(|(_, target)| target != "/etc/hostname"),
        "{files:?}"
    );
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", fixture.pid())).unwrap();
    let limit = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    assert_eq!(
        limit.unwrap().split_whitespace().collect::<Vec<_>>(),
        ["16", "16", "files"]
    );
    fixture.check(&["stop"], 0, "stopped");
    if !root("cannot give up root's right to raise limits") {
        return;
    }
    let weak = "setpriv --bounding-set -sys_resource --inh-caps -sys_resource $M start";
    let script = script.replace("$M start", weak);
    let output = finish(
        fixture
            .command("bash")
            .args(["-c", &script])
            .spawn()
            .unwrap(),
    );
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(open_files(fixture.pid()).iter().all(|&(fd, _)| fd < 16));
    fixture.check(&["stop"], 0, "stopped");
}

fn check_script(before: &str, wrapper: &str) {
    let fixture = Fixture::new();
    let commands = ALL_COMMANDS.replace("$M", &format!("{wrapper} $M"));
    let output = fixture.shell(&format!("{before}{commands}"));
    assert_eq!(output.code, Some(0), "{before}{wrapper}: {output:?}");
    fixture.assert_nothing_left();
}

#[test]
fn it_starts_with_any_mask_directory_environment_and_signals() {
    check_script("umask 0777; ", "");
    check_script("mkdir d; cd d; rmdir ../d; ", "");
    check_script("", "env -i MYDAEMON_PIDFILE=$MYDAEMON_PIDFILE");
    check_script("", "env --block-signal --ignore-signal");
}

#[test]
fn the_pidfile_can_be_read_whatever_the_mask() {
    let fixture = Fixture::new();
    fixture.shell("umask 0777; $M start");
    let mode = std::fs::metadata(fixture.pidfile()).unwrap().permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o7777,
        0o644
    );
    fixture.check(&["stop"], 0, "stopped");
}

#[test]
fn a_relative_path_in_a_removed_directory_is_refused() {
    let fixture = Fixture::new();
    let output = fixture.shell("mkdir d; cd d; rmdir ../d; $M --pidfile x.pid start");
    assert_eq!(output.code, Some(1));
    assert_eq!(
        output.err,
        "mydaemon: x.pid: the current directory does not exist any more, so give an absolute path\n"
    );
}

#[test]
fn the_error_names_a_path_that_cannot_be_opened() {
    let fixture = Fixture::new();
    let check = |script: &str, message: &str| {
        let output = fixture.shell(script);
        assert_eq!(output.code, Some(1), "{script}: {output:?}");
        assert!(output.err.contains(message), "{script}: {output:?}");
        fixture.assert_nothing_left();
    };
    check(
        "ln -s loop loop; $M --log loop start",
        "/loop: too many symbolic links",
    );
    // The FIFO has no reader.
    check(
        "mkfifo fifo; $M --log fifo --ready-timeout max start",
        "/fifo: no such device or address",
    );
    check("$M --pidfile '' start", "the path of a file is empty");
    check("$M --log '' start", "the path of a file is empty");
}

#[test]
fn it_works_if_its_output_cannot_be_written() {
    let fixture = Fixture::new();
    let output = fixture.shell("$M start > /dev/full 2>&1 && $M stop > /dev/full");
    assert_eq!(output.code, Some(0), "{output:?}");
    // The daemon logs at each reload; its standard output was a closed pipe.
    let output = fixture.shell("$M start | true; $M reload; $M reload; $M stop");
    assert_eq!(output.code, Some(0), "{output:?}");
    fixture.assert_nothing_left();
}

#[test]
fn a_timeout_may_be_infinite() {
    let fixture = Fixture::new();
    let forever = ["--ready-timeout", "max", "--stop-timeout", "max"];
    for command in ["start", "start", "reload", "restart", "stop", "stop"] {
        fixture.check(&[&forever[..], &[command]].concat(), 0, "");
    }
    fixture.assert_nothing_left();
}

#[test]
fn a_number_that_is_no_process_id_is_an_error() {
    for number in [-1, 0, i32::MIN] {
        let error = sampled_daemon::Process::open(number).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("process {number}: invalid argument")
        );
    }
    assert!(sampled_daemon::Process::open(i32::MAX).unwrap().is_none());
}
