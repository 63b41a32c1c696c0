//! Processes that do nothing, so that a table of processes has many rows.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

/// Processes that do nothing. They end with this process, even if it is killed.
pub(crate) struct Sleepers(Child);

impl Sleepers {
    /// As many as the machine needs to have `count` processes in all.
    pub(crate) fn up_to(count: usize) -> Self {
        let missing = count.saturating_sub(existing() + 1);
        // Each is a fork of a shell, and waits until this process closes its end of a pipe.
        let script = format!(
            "exec 3<&0; i=0; while [ $i -lt {missing} ]; do read x <&3 & i=$((i+1)); done; echo; wait"
        );
        let shell = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut shell = shell.expect("a shell");
        let ready = shell.stdout.take().expect("stdout is a pipe");
        let mut line = String::new();
        let read = BufReader::new(ready).read_line(&mut line);
        assert_eq!(read.expect("the shell answers"), 1);
        // The new processes still run for a moment.
        sleep(Duration::from_millis(500));
        Self(shell)
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().ok();
    }
}

/// The number of processes that the machine has.
fn existing() -> usize {
    let entries = fs::read_dir("/proc").expect("there is a /proc").flatten();
    let names = entries.map(|entry| entry.file_name());
    names
        .filter(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit))
        .count()
}
