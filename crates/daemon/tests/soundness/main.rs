//! Descriptors and children of a program with one thread. It runs without the test harness, which has several.
//!
//! - `descriptors`, `children`, `signals`: the tests.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod children;
mod descriptors;
mod signals;

use std::error::Error;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sampled_daemon::{Daemon, Ready};

type Test = fn(&Daemon);
type Done = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    if let (Some("listen"), Some(how)) = (args.next().as_deref(), args.next()) {
        return descriptors::listen(&how);
    }
    let tests: [(&str, Test); 14] = [
        (
            "a_file_opened_before_stays_that_file",
            descriptors::a_file_opened_before_stays_that_file,
        ),
        (
            "a_descriptor_without_close_on_exec_becomes_dev_null",
            descriptors::a_descriptor_becomes_dev_null,
        ),
        (
            "keep_fd_keeps_a_descriptor",
            descriptors::keep_fd_keeps_a_descriptor,
        ),
        (
            "an_async_runtime_is_refused",
            descriptors::an_async_runtime_is_refused,
        ),
        (
            "a_child_that_shares_the_descriptor_table_is_no_daemon",
            children::a_child_that_shares_the_table_is_no_daemon,
        ),
        (
            "a_service_that_leaves_its_session_is_killed_after_the_timeout",
            children::a_service_that_leaves_its_session,
        ),
        (
            "a_daemon_started_by_a_daemon_does_not_inherit_its_lock",
            children::a_daemon_started_by_a_daemon_does_not_inherit_its_lock,
        ),
        (
            "a_service_that_fails_and_does_not_end_is_killed",
            children::a_service_that_fails_and_does_not_end,
        ),
        (
            "a_joined_thread_is_not_counted",
            children::a_joined_thread_is_not_counted,
        ),
        (
            "signals_are_taken_one_by_one_by_any_thread",
            signals::signals_are_taken_one_by_one_by_any_thread,
        ),
        (
            "signals_caught_before_the_fork_are_refused",
            signals::signals_caught_before_the_fork_are_refused,
        ),
        (
            "a_descriptor_that_a_value_owns_is_not_taken",
            descriptors::a_descriptor_that_a_value_owns_is_not_taken,
        ),
        (
            "sockets_are_taken_once",
            descriptors::sockets_are_taken_once,
        ),
        (
            "output_buffered_by_c_is_printed_once",
            descriptors::output_buffered_by_c_is_printed_once,
        ),
    ];
    let mut failed = 0;
    for (name, test) in tests {
        let directory = tempfile::tempdir().unwrap();
        let daemon = Daemon::new("soundness").pidfile(directory.path().join("x.pid"));
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&daemon)));
        failed += usize::from(outcome.is_err());
        println!(
            "test {name} ... {}",
            if outcome.is_ok() { "ok" } else { "FAILED" }
        );
        end_daemons();
    }
    println!("\n{} passed, {failed} failed", tests.len() - failed);
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Kills every other process of this program. A failed test may have left some.
fn end_daemons() {
    let program = std::env::current_exe().unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    for pid in numbers.filter(|&pid| pid != std::process::id() as i32) {
        if fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// Starts a daemon that checks something before it is ready, and ends it.
fn check(daemon: &Daemon, service: impl FnOnce() -> Done) {
    let serve = |ready: Ready| {
        service()?;
        ready.ready()?;
        nix::sys::signal::SigSet::from(Signal::SIGTERM).wait()?;
        Done::Ok(())
    };
    let _started = daemon.start(serve).unwrap();
    let _stopped = daemon.stop().unwrap();
}

fn require(condition: bool, failure: &str) -> Done {
    match condition {
        true => Ok(()),
        false => Err(failure.into()),
    }
}
