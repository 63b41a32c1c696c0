//! A private bus that starts `sampled`, and a program that uses all of the client, for the tests of this package.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use futures_util::{StreamExt, TryStreamExt};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sampled_client::{
    Bus as ClientBus, Change, Client, Error, Frame, Metadata, Processes, Sample, SampleOptions,
    Start, TableOptions, wire::NAME,
};
use tempfile::TempDir;

/// The metric that is asked for.
pub const LOAD: &str = "cpu/loadaverages/loadaverage1";

/// A bus, which ends with the test and takes the service along.
pub struct Bus {
    daemon: Child,
    address: String,
    _home: TempDir,
}

impl Bus {
    /// Starts dbus-daemon in a home of its own.
    #[must_use]
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let services = home.path().join("data/dbus-1/services");
        fs::create_dir_all(&services).unwrap();
        let exec = format!("{} serve --idle-timeout never", sampled().display());
        let file = format!("[D-BUS Service]\nName={NAME}\nExec={exec}\n");
        fs::write(services.join(format!("{NAME}.service")), file).unwrap();
        let directory = |name| home.path().join(name);
        fs::create_dir_all(directory("run")).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .arg(format!(
                "--address=unix:path={}",
                directory("bus").display()
            ))
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", directory("config"))
            .env("XDG_DATA_HOME", directory("data"))
            .env("XDG_RUNTIME_DIR", directory("run"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("apt install dbus-daemon");
        let mut address = String::new();
        let mut stdout = BufReader::new(daemon.stdout.take().unwrap());
        stdout.read_line(&mut address).unwrap();
        Self {
            daemon,
            address: address.trim_end().to_owned(),
            _home: home,
        }
    }

    /// DBUS_SESSION_BUS_ADDRESS.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Default for Bus {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.daemon.kill().ok();
        self.daemon.wait().ok();
    }
}

/// The program, which `cargo build` puts beside the directory of the tests. Cargo builds no binary of another package
/// for a test.
fn sampled() -> PathBuf {
    let test = env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("sampled");
    assert!(
        program.exists(),
        "{} is missing: `cargo build` makes it",
        program.display()
    );
    program
}

/// Everything that the service has sent to [`use_everything`].
#[derive(Debug)]
pub struct Received {
    /// The metadata of [`LOAD`].
    pub metadata: Option<Metadata>,
    /// A sample of it.
    pub sample: Sample,
    /// Three frames of it.
    pub frames: Vec<Frame>,
    /// The first table of processes.
    pub table: Change,
    /// The error of a session whose service has left.
    pub end: Option<Result<Frame, Error>>,
}

/// Calls the service, takes frames and a table, and ends it by SIGTERM.
///
/// # Errors
/// That of the first call that fails.
pub async fn use_everything(address: &str) -> Result<Received, Error> {
    let client = Client::on(ClientBus::at(address).await?).await?;
    let metadata = client.list(&[LOAD]).await?.remove(LOAD);
    let sample = client.sample(&[LOAD], SampleOptions::default()).await?;
    let mut session = client.start(&[LOAD], Start::every_millis(50)).await?;
    let frames = session.by_ref().take(3).try_collect().await?;
    let processes = Processes::on(client.bus().clone()).await?;
    let options = TableOptions::default();
    let table = processes.start(&["name"], &options, Start::every_millis(500));
    let mut table = table.await?;
    let change = table.next().await?;
    table.stop().await?;
    let owner = client.bus().owner().await?;
    if let Some(pid) = owner.and_then(|owner| owner.pid) {
        kill(Pid::from_raw(pid as i32), Signal::SIGTERM).unwrap();
    }
    let end = session.filter(|item| std::future::ready(item.is_err()));
    let end = std::pin::pin!(end).next().await;
    Ok(Received {
        metadata,
        sample,
        frames,
        table: change,
        end,
    })
}

/// Checks all of it.
///
/// # Panics
/// If something else was received than the service sends.
#[track_caller]
pub fn check(received: Received) {
    assert_eq!(received.metadata.unwrap().kind, "gauge");
    assert!(received.sample.readings.contains_key(LOAD));
    assert_eq!(received.frames.len(), 3);
    let is_number = |frame: &Frame| matches!(frame.reading(LOAD), Some(Ok(_)));
    assert!(received.frames.iter().all(is_number));
    assert!(received.table.came.contains(&std::process::id()));
    let end = received.end;
    assert!(matches!(end, Some(Err(Error::Ended(_)))), "{end:?}");
}
