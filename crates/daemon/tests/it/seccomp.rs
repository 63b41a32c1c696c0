//! A kernel or a sandbox that lacks a system call: the daemon works, or its error names the call.
//!
//! The filters hold the system call numbers of this architecture; a 64-bit shell under 32-bit tests uses others.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::support::*;

/// Makes a system call fail with `errno` in a program and its children, by a seccomp filter. With `argument` only if
/// the second argument of the call is equal to it.
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
    // Offsets in struct seccomp_data: the number of the call, and the lower half of its second argument.
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

fn check_all_commands(prepare: impl Fn(&mut Command)) {
    let fixture = Fixture::new();
    let mut shell = fixture.command("sh");
    shell.args(["-c", ALL_COMMANDS]);
    prepare(&mut shell);
    let output = finish(shell.spawn().unwrap());
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.out.ends_with("not running\n"), "{output:?}");
    fixture.assert_nothing_left();
}

#[test]
fn the_filter_works() {
    let fixture = Fixture::new();
    let mut shell = fixture.command("sh");
    shell.args(["-c", "mkdir x"]);
    let call = if cfg!(target_arch = "x86_64") {
        libc::SYS_mkdir
    } else {
        libc::SYS_mkdirat
    };
    refuse(&mut shell, call, None, libc::ENOSYS);
    let output = finish(shell.spawn().unwrap());
    assert!(
        output.err.contains("Function not implemented"),
        "{output:?}"
    );
}

#[test]
fn without_pidfds_start_and_status_work_and_stop_fails() {
    let fixture = Fixture::new();
    let mut shell = fixture.command("sh");
    shell.args(["-c", "$M start && $M status; $M stop; echo $?"]);
    refuse(&mut shell, libc::SYS_pidfd_open, None, libc::ENOSYS);
    let output = finish(shell.spawn().unwrap());
    assert!(
        output.out.contains("running for") && output.out.ends_with("\n1\n"),
        "{output:?}"
    );
    assert!(
        output
            .err
            .contains("mydaemon: no pidfd_open(2), without which"),
        "{output:?}"
    );
    fixture.check(&["stop"], 0, "stopped");
    // A failed start leaves no process either.
    let mut shell = fixture.command("sh");
    shell.args(["-c", "$M --ready-timeout 0.2 --check 'sleep 1000' start"]);
    refuse(&mut shell, libc::SYS_pidfd_open, None, libc::ENOSYS);
    let output = finish(shell.spawn().unwrap());
    assert_eq!(output.code, Some(1), "{output:?}");
    fixture.assert_nothing_left();
}

#[test]
fn without_open_file_description_locks_all_commands_work() {
    let refuse_command = |shell: &mut Command, command: i32| {
        let command = Some(command as u32);
        refuse(shell, libc::SYS_fcntl, command, libc::EINVAL);
    };
    check_all_commands(|shell| refuse_command(shell, libc::F_OFD_SETLK));
    check_all_commands(|shell| {
        refuse_command(shell, libc::F_OFD_SETLK);
        refuse_command(shell, libc::F_OFD_GETLK);
    });
}

#[test]
fn without_flock_all_commands_work() {
    check_all_commands(|shell| refuse(shell, libc::SYS_flock, None, libc::ENOLCK));
}

#[test]
fn without_locks_start_fails() {
    let fixture = Fixture::new();
    let mut shell = fixture.command("sh");
    shell.args(["-c", "$M start"]);
    refuse(
        &mut shell,
        libc::SYS_fcntl,
        Some(libc::F_OFD_SETLK as u32),
        libc::ENOLCK,
    );
    let output = finish(shell.spawn().unwrap());
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.ends_with("m.pid: no record locks available\n"),
        "{output:?}"
    );
}

#[test]
fn a_running_daemon_is_found_beside_older_read_locks() {
    let fixture = Fixture::new();
    fs::write(fixture.pidfile(), "").unwrap();
    let reader = fs::File::open(fixture.pidfile()).unwrap();
    let lock = |start| {
        let lock = lock_range(libc::F_RDLCK, start, 1);
        fcntl(&reader, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    };
    // F_OFD_GETLK reports the locks of the open file description that locked first, also locks it takes later.
    lock(100);
    let pid = fixture.start(&[]);
    lock(1);
    // renameat2(2) fails here: start must not try to replace the file of the running daemon.
    let mut shell = fixture.command("sh");
    shell.args(["-c", "$M start"]);
    refuse(&mut shell, libc::SYS_renameat2, None, libc::EINVAL);
    let output = finish(shell.spawn().unwrap());
    assert_eq!(
        output.out,
        format!("already running, process {pid}\n"),
        "{output:?}"
    );
    fixture.check(&["stop"], 0, "stopped");
}

#[test]
fn if_a_read_locked_file_cannot_be_replaced_the_error_names_the_process() {
    let fixture = Fixture::new();
    fs::write(fixture.pidfile(), "").unwrap();
    let reader = fs::File::open(fixture.pidfile()).unwrap();
    let lock = lock_range(libc::F_RDLCK, 0, 0);
    fcntl(&reader, FcntlArg::F_SETLK(&lock)).unwrap();
    let mut shell = fixture.command("sh");
    shell.args(["-c", "$M start"]);
    refuse(&mut shell, libc::SYS_renameat2, None, libc::EINVAL);
    let output = finish(shell.spawn().unwrap());
    assert_eq!(output.code, Some(1), "{output:?}");
    let named = format!(
        "m.pid: is locked for reading by process {}, and",
        std::process::id()
    );
    assert!(output.err.contains(&named), "{output:?}");
    let names = fs::read_dir(fixture.path("")).unwrap().count();
    assert_eq!(names, 1, "something is left beside the pidfile");
}
