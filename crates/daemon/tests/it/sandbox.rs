//! Where something is missing or in the way, the daemon works, or says in words what is wrong.

use super::support::*;

/// In a mount namespace, so for root only.
fn check_mounted(prepare: &str, script: &str, expected: &str) {
    if !root("cannot mount") {
        return;
    }
    let place = Place::new();
    let script = format!(
        "set -e; cd {}; {prepare}\n{script}",
        place.path("").display()
    );
    let unshare = ["--mount", "sh", "-c", &script];
    let said = finish(place.command("unshare").args(unshare).spawn().unwrap());
    if said.err.starts_with("unshare:") || said.err.contains("mount:") {
        return skip(&format!("nothing can be mounted here: {said:?}"));
    }
    assert_eq!(said.code, Some(0), "{said:?}");
    let all = said.out.clone() + &said.err;
    assert!(all.contains(expected), "{expected}: {said:?}");
}

#[test]
fn without_proc_it_lives() {
    // The line of status has no age here.
    check_mounted("mount -t tmpfs none /proc", LIFE, "\nrunning, process ");
}

#[test]
fn on_a_full_disk_it_says_so() {
    let fill =
        "mkdir d; mount -t tmpfs -o size=16k none d; touch d/m.pid; ! cat /dev/zero > d/x 2>&1";
    let script = "! $M --pidfile d/m.pid start; [ ! -s d/m.pid ]; rm d/x
                  $M --pidfile d/m.pid start; $M --pidfile d/m.pid stop";
    check_mounted(fill, script, "/d/m.pid: no space left on device\n");
}

#[test]
fn a_full_disk_for_its_log_ends_nothing() {
    let fill = "mkdir d; mount -t tmpfs -o size=16k none d; ! cat /dev/zero > d/log 2>&1";
    let script = "$M --log d/log start; $M --log d/log restart; $M reload; $M status; $M stop";
    check_mounted(fill, script, "running for");
}

#[test]
fn on_a_read_only_disk_it_says_so() {
    let mount = "mkdir d; mount -t tmpfs none d; mount -o remount,ro d";
    let script =
        "! $M --pidfile d/m.pid start; [ \"$($M --pidfile d/m.pid status)\" = 'not running' ]";
    check_mounted(mount, script, "/d/m.pid: read-only file system\n");
}

#[test]
fn a_large_file_is_no_obstacle() {
    let place = Place::new();
    std::fs::write(place.pidfile(), vec![b'9'; 10 << 20]).unwrap();
    place.check(&["status"], 1, "dead");
    let pid = place.start(&[]);
    assert_eq!(place.pid(), pid);
    place.check(&["stop"], 0, "stopped");
    place.assert_nothing_left();
}

#[test]
fn few_descriptors_are_enough() {
    check_script("ulimit -n 16; ", "");
    // An inherited one above the limit, which a later open cannot get: raised by root, closed for others.
    let place = Place::new();
    let script = "exec 33</etc/hostname; ulimit -n 16; $M start";
    let said = finish(place.command("bash").args(["-c", script]).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    let files = open_files(place.pid());
    assert!(
        files.iter().all(|(_, target)| target != "/etc/hostname"),
        "{files:?}"
    );
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", place.pid())).unwrap();
    let limit = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    assert_eq!(
        limit.unwrap().split_whitespace().collect::<Vec<_>>(),
        ["16", "16", "files"]
    );
    place.check(&["stop"], 0, "stopped");
    if !root("cannot give up root's right to raise limits") {
        return;
    }
    let weak = "setpriv --bounding-set -sys_resource --inh-caps -sys_resource $M start";
    let script = script.replace("$M start", weak);
    let said = finish(place.command("bash").args(["-c", &script]).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(open_files(place.pid()).iter().all(|&(fd, _)| fd < 16));
    place.check(&["stop"], 0, "stopped");
}

fn check_script(before: &str, wrapper: &str) {
    let place = Place::new();
    let life = LIFE.replace("$M", &format!("{wrapper} $M"));
    let said = place.shell(&format!("{before}{life}"));
    assert_eq!(said.code, Some(0), "{before}{wrapper}: {said:?}");
    place.assert_nothing_left();
}

#[test]
fn a_strange_process_to_start_with_is_no_obstacle() {
    check_script("umask 0777; ", "");
    check_script("mkdir d; cd d; rmdir ../d; ", "");
    check_script("", "env -i MYDAEMON_PIDFILE=$MYDAEMON_PIDFILE");
    check_script("", "env --block-signal --ignore-signal");
}

#[test]
fn the_pidfile_can_be_read_whatever_the_mask() {
    let place = Place::new();
    place.shell("umask 0777; $M start");
    let mode = std::fs::metadata(place.pidfile()).unwrap().permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o7777,
        0o644
    );
    place.check(&["stop"], 0, "stopped");
}

#[test]
fn a_relative_path_in_a_directory_that_is_gone() {
    let place = Place::new();
    let said = place.shell("mkdir d; cd d; rmdir ../d; $M --pidfile x.pid start");
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.err,
        "mydaemon: x.pid: the current directory does not exist any more, so give an absolute path\n"
    );
}

#[test]
fn a_path_that_leads_nowhere_is_named() {
    let place = Place::new();
    let check = |script: &str, message: &str| {
        let said = place.shell(script);
        assert_eq!(said.code, Some(1), "{script}: {said:?}");
        assert!(said.err.contains(message), "{script}: {said:?}");
        place.assert_nothing_left();
    };
    check(
        "ln -s loop loop; $M --log loop start",
        "/loop: too many symbolic links",
    );
    // Nobody reads it.
    check(
        "mkfifo fifo; $M --log fifo --ready-timeout max start",
        "/fifo: no such device or address",
    );
    check("$M --pidfile '' start", "the path of a file is empty");
    check("$M --log '' start", "the path of a file is empty");
}

#[test]
fn nobody_needs_to_read_what_it_prints() {
    let place = Place::new();
    let said = place.shell("$M start > /dev/full 2>&1 && $M stop > /dev/full");
    assert_eq!(said.code, Some(0), "{said:?}");
    // The daemon's output stays a closed pipe: reload prints.
    let said = place.shell("$M start | true; $M reload; $M reload; $M stop");
    assert_eq!(said.code, Some(0), "{said:?}");
    place.assert_nothing_left();
}

#[test]
fn no_limit_is_a_time_out_as_well() {
    let place = Place::new();
    let forever = ["--ready-timeout", "max", "--stop-timeout", "max"];
    for verb in ["start", "start", "reload", "restart", "stop", "stop"] {
        place.check(&[&forever[..], &[verb]].concat(), 0, "");
    }
    place.assert_nothing_left();
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
