//! Skipped tests: their names and the reasons, printed when the test program ends. libtest captures what a test that
//! passes prints.

use std::{
    collections::BTreeSet,
    env,
    io::{self, Write},
    panic::Location,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use nix::libc;

/// If this variable is set, a test that skips fails.
const SKIP_NOTHING: &str = "SAMPLED_SKIP_NOTHING";

/// The tests that have skipped something, each with a reason.
static SKIPPED: Mutex<BTreeSet<[String; 2]>> = Mutex::new(BTreeSet::new());

/// Records why the running test, or a part of it, is skipped. With SAMPLED_SKIP_NOTHING the test fails instead.
#[track_caller]
pub(crate) fn skip(reason: &str) {
    let may_skip = env::var_os(SKIP_NOTHING).is_none();
    assert!(may_skip, "{SKIP_NOTHING} is set: {reason}");
    // libtest names the thread of a test after the test.
    let thread = thread::current();
    let caller = Location::caller().to_string();
    let test = thread.name().unwrap_or(&caller).to_owned();
    // A line for each: the reason may be the output of a program.
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut skipped = skipped();
    if skipped.is_empty() {
        print_at_exit();
    }
    skipped.insert([test, reason]);
}

/// The reasons in the output of a test program that another test has run.
pub(crate) fn reasons(output: &str) -> impl Iterator<Item = &str> {
    let mut lines = output.lines();
    lines.find(|line| line.ends_with(" skipped, wholly or in part:"));
    lines.filter_map(|line| Some(line.strip_prefix("    ")?.split_once(": ")?.1))
}

fn skipped() -> MutexGuard<'static, BTreeSet<[String; 2]>> {
    SKIPPED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// libtest calls nothing at its end, but it ends by exit(3).
#[allow(unsafe_code, reason = "atexit has no safe form")]
fn print_at_exit() {
    // SAFETY: `print` is a function of this program, never unloaded, and does not unwind: it panics nowhere. exit(3)
    // calls it on a thread that does not hold the lock of SKIPPED, because `skip` does not exit.
    let status = unsafe { libc::atexit(print) };
    assert_eq!(status, 0, "atexit");
}

extern "C" fn print() {
    let skipped = skipped();
    let tests: BTreeSet<_> = skipped.iter().map(|[test, _]| test).collect();
    let tests = match tests.len() {
        1 => "1 test".to_owned(),
        count => format!("{count} tests"),
    };
    let lines = skipped.iter();
    let lines: String = lines
        .map(|[test, reason]| format!("    {test}: {reason}\n"))
        .collect();
    // eprint! panics if stderr is closed.
    let _ = write!(
        io::stderr(),
        "{tests} skipped, wholly or in part:\n{lines}\n"
    );
}

#[test]
fn skips_are_shown_behind_the_result() {
    const INSIDE: &str = "SAMPLED_TEST_SKIPS";
    if env::var_os(INSIDE).is_some() {
        skip("no camera");
        skip("no camera");
        return skip("no\n  microphone");
    }
    let thread = thread::current();
    let test = thread.name().expect("the name of the test");
    let mut command = Command::new("sh");
    command.args(["-c", "\"$0\" \"$@\" 2>&1"]);
    command.arg(env::current_exe().expect("path of the test"));
    command
        .args(["--exact", test])
        .env(INSIDE, "1")
        .env_remove(SKIP_NOTHING);
    let output = |command: &mut Command| {
        let output = command.output().expect("sh").stdout;
        String::from_utf8(output).expect("UTF-8")
    };

    let shown = output(&mut command);
    let result = shown.split_once("test result: ok. 1 passed");
    let summary = result.and_then(|(_, result)| result.split_once("\n\n"));
    let expected = format!(
        "1 test skipped, wholly or in part:\n    {test}: no camera\n    {test}: no microphone\n\n"
    );
    assert_eq!(summary.expect(&shown).1, expected);
    assert!(reasons(&shown).eq(["no camera", "no microphone"]));

    let failed = output(command.env(SKIP_NOTHING, "1"));
    assert!(failed.contains("test result: FAILED"), "{failed}");
    assert!(failed.contains("is set: no camera"), "{failed}");
    assert_eq!(reasons(&failed).count(), 0, "{failed}");
}
