//! A kernel or a sandbox that lacks a system call: the daemon works, or says in words what is missing.
//!
//! The filters go by the numbers of this architecture, which a 64-bit shell under 32-bit tests does not use.

use std::fs;
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

#[test]
fn a_living_daemon_is_seen_behind_strangers_locks() {
    let place = Place::new();
    fs::write(place.pidfile(), "").unwrap();
    let stranger = fs::File::open(place.pidfile()).unwrap();
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
    fs::write(place.pidfile(), "").unwrap();
    let reader = fs::File::open(place.pidfile()).unwrap();
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
    let names = fs::read_dir(place.path("")).unwrap().count();
    assert_eq!(names, 1, "something is left beside the pidfile");
}
