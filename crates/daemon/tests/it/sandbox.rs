//! Where something is missing or in the way: it works, or it says in words what is wrong.
//!
//! Filters of system calls go by the numbers of this architecture, which a shell of another one does not use.

use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::support::*;

/// Has the kernel answer a system call with an error, in a program and all that it starts. `argument`: only if the
/// second argument is this.
#[allow(unsafe_code, reason = "seccomp(2) is set up between fork and exec")]
fn refuse(command: &mut Command, call: libc::c_long, argument: Option<u32>, errno: i32) {
    let step = |code: u32, jump_true, jump_false, k| libc::sock_filter {
        code: code as u16,
        jt: jump_true,
        jf: jump_false,
        k,
    };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let answer = libc::BPF_RET | libc::BPF_K;
    // Offsets in struct seccomp_data: the call's number, and the lower half of its second argument.
    let (number, second) = (
        0,
        if cfg!(target_endian = "little") {
            24
        } else {
            28
        },
    );
    let mut filter = vec![step(load, 0, 0, number), step(equal, 0, 3, call as u32)];
    match argument {
        Some(value) => filter.extend([step(load, 0, 0, second), step(equal, 0, 1, value)]),
        None => filter.extend([step(load, 0, 0, number), step(equal, 0, 1, call as u32)]),
    }
    filter.push(step(answer, 0, 0, libc::SECCOMP_RET_ERRNO | errno as u32));
    filter.push(step(answer, 0, 0, libc::SECCOMP_RET_ALLOW));
    let set_up = move || {
        let program = libc::sock_fprog {
            len: filter.len() as u16,
            filter: filter.as_ptr().cast_mut(),
        };
        // SAFETY: both calls take numbers and a program that lives until they return.
        let done = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) == 0
        };
        if done {
            Ok(())
        } else {
            Err(std::io::Error::last_os_error())
        }
    };
    // SAFETY: the closure makes two system calls and allocates nothing.
    unsafe { command.pre_exec(set_up) };
}

/// A life from start to stop, with a restart in between.
const LIFE: &str = "$M start && $M status && $M reload && $M restart && $M stop && ! $M status";

fn check_life(prepare: impl Fn(&mut Command)) {
    let place = Place::new();
    let mut shell = place.command("sh");
    shell.args(["-c", LIFE]);
    prepare(&mut shell);
    let said = finish(shell.spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.ends_with("not running\n"), "{said:?}");
    place.assert_nothing_left();
}

#[test]
fn the_filter_works() {
    let place = Place::new();
    let mut shell = place.command("sh");
    shell.args(["-c", "mkdir x"]);
    let call = if cfg!(target_arch = "x86_64") {
        libc::SYS_mkdir
    } else {
        libc::SYS_mkdirat
    };
    refuse(&mut shell, call, None, libc::ENOSYS);
    let said = finish(shell.spawn().unwrap());
    assert!(said.err.contains("Function not implemented"), "{said:?}");
}

#[test]
fn without_pidfds_it_starts_and_is_seen_but_not_signalled() {
    let place = Place::new();
    let mut shell = place.command("sh");
    shell.args(["-c", "$M start && $M status; $M stop; echo $?"]);
    refuse(&mut shell, libc::SYS_pidfd_open, None, libc::ENOSYS);
    let said = finish(shell.spawn().unwrap());
    assert!(
        said.out.contains("running for") && said.out.ends_with("\n1\n"),
        "{said:?}"
    );
    assert!(
        said.err
            .contains("mydaemon: no pidfd_open(2), without which"),
        "{said:?}"
    );
    place.check(&["stop"], 0, "stopped");
    // One that fails is gone all the same.
    let mut shell = place.command("sh");
    shell.args(["-c", "$M --ready-timeout 0.2 --check 'sleep 1000' start"]);
    refuse(&mut shell, libc::SYS_pidfd_open, None, libc::ENOSYS);
    let said = finish(shell.spawn().unwrap());
    assert_eq!(said.code, Some(1), "{said:?}");
    place.assert_nothing_left();
}

#[test]
fn without_open_file_description_locks_it_lives() {
    let refuse_command = |shell: &mut Command, command: i32| {
        let command = Some(command as u32);
        refuse(shell, libc::SYS_fcntl, command, libc::EINVAL);
    };
    check_life(|shell| refuse_command(shell, libc::F_OFD_SETLK));
    check_life(|shell| {
        refuse_command(shell, libc::F_OFD_SETLK);
        refuse_command(shell, libc::F_OFD_GETLK);
    });
}

#[test]
fn where_flock_is_refused_it_lives() {
    check_life(|shell| refuse(shell, libc::SYS_flock, None, libc::ENOLCK));
}

#[test]
fn where_nothing_can_be_locked_it_says_so() {
    let place = Place::new();
    let mut shell = place.command("sh");
    shell.args(["-c", "$M start"]);
    refuse(
        &mut shell,
        libc::SYS_fcntl,
        Some(libc::F_OFD_SETLK as u32),
        libc::ENOLCK,
    );
    let said = finish(shell.spawn().unwrap());
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.ends_with("m.pid: no record locks available\n"),
        "{said:?}"
    );
}

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
        return eprintln!("skipped: nothing can be mounted here: {said:?}");
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

/// unshare(1) with these options, and mydaemon's place as `$PWD`.
fn check_unshared(options: &[&str], script: &str, code: i32, expected: &str) -> bool {
    let place = Place::new();
    let mut unshare = place.command("unshare");
    unshare.args(options).args(["sh", "-c", script]);
    let said = finish(unshare.spawn().unwrap());
    if said.err.contains("unshare:") {
        eprintln!("skipped: no namespaces here: {said:?}");
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

#[test]
fn a_living_daemon_is_seen_behind_strangers_locks() {
    let place = Place::new();
    std::fs::write(place.pidfile(), "").unwrap();
    let stranger = std::fs::File::open(place.pidfile()).unwrap();
    let lock = |start| {
        let lock = range(libc::F_RDLCK, start, 1);
        fcntl(&stranger, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    };
    // The kernel shows the locks of one who was there first before all others, whenever he takes them.
    lock(100);
    let pid = place.start(&[]);
    lock(1);
    // It is not even tried to put another file in the place of the daemon's.
    let mut shell = place.command("sh");
    shell.args(["-c", "$M start"]);
    refuse(&mut shell, libc::SYS_renameat2, None, libc::EINVAL);
    let said = finish(shell.spawn().unwrap());
    assert_eq!(
        said.out,
        format!("already running, process {pid}\n"),
        "{said:?}"
    );
    place.check(&["stop"], 0, "stopped");
}

#[test]
fn where_a_locked_file_cannot_be_replaced_it_names_the_lock() {
    let place = Place::new();
    std::fs::write(place.pidfile(), "").unwrap();
    let reader = std::fs::File::open(place.pidfile()).unwrap();
    let lock = range(libc::F_RDLCK, 0, 0);
    fcntl(&reader, FcntlArg::F_SETLK(&lock)).unwrap();
    let mut shell = place.command("sh");
    shell.args(["-c", "$M start"]);
    refuse(&mut shell, libc::SYS_renameat2, None, libc::EINVAL);
    let said = finish(shell.spawn().unwrap());
    assert_eq!(said.code, Some(1), "{said:?}");
    let named = format!(
        "m.pid: is locked for reading by process {}, and",
        std::process::id()
    );
    assert!(said.err.contains(&named), "{said:?}");
    let names = std::fs::read_dir(place.path("")).unwrap().count();
    assert_eq!(names, 1, "something is left beside the pidfile");
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
