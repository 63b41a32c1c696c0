//! A session of a real `systemd --user`: the part of a test that makes it, and the part that runs in it.

use std::{
    any, env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use futures_util::StreamExt;
use sampled::{
    client::{Bus, Client, Error, Sample, SampleOptions},
    wire::{INTERFACE, NAME, PATH},
};
use tokio::{runtime, time::timeout};
use zbus::{Connection, fdo::DBusProxy};

use super::unit::{SYSTEMD, Unit};
use crate::support::{
    home::SAMPLED,
    process::{DEADLINE, Process, Run, stress_time},
    skip::{self, skip},
};

/// The environment variable that tells the test binary that it runs inside of a session; its value is the index of the
/// setup.
const INSIDE: &str = "SAMPLED_SESSION";

/// The properties of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// dbus-broker instead of dbus-daemon.
    pub(crate) broker: bool,
    /// Installed with a systemd unit. Without, the bus runs the command of the activation file.
    pub(crate) unit: bool,
    /// The user of the session.
    pub(crate) user: &'static str,
}

/// All ways of activation under systemd.
pub(crate) const EVERYWHERE: [Setup; 4] =
    [UNITS[0], UNITS[1], setup(false, false), setup(true, false)];

/// The setups with a unit of the service.
pub(crate) const UNITS: [Setup; 2] = [setup(false, true), setup(true, true)];

const fn setup(broker: bool, unit: bool) -> Setup {
    Setup {
        broker,
        unit,
        user: "root",
    }
}

/// Runs the closure of a test in each of these sessions, by running the test again inside of the session. Without
/// SAMPLED_STRESS_SECONDS, only in the first one.
///
/// If the machine cannot make such a session, the test is skipped with a reason.
#[track_caller]
pub(crate) fn within<F: AsyncFn(&Session)>(setups: &[Setup], inside: F) {
    // The name is crate::module::test::{{closure}}. Should it ever change, `run` fails, as no test has passed.
    let name = any::type_name::<F>().split_once("::");
    let test = name.and_then(|(_, name)| name.rsplit_once("::"));
    let (test, _) = test.expect("name of the test");
    match env::var(INSIDE) {
        Ok(number) => {
            let setup = setups[number.parse::<usize>().expect("number")];
            let session = Session::join(setup);
            session.runtime.block_on(inside(&session));
        }
        Err(_) => {
            let setups = match stress_time() {
                Some(_) => setups,
                None => &setups[..1],
            };
            for (number, setup) in setups.iter().enumerate() {
                setup.run(test, number);
            }
        }
    }
}

/// Whether this process runs inside of such a session.
pub(crate) fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

impl Setup {
    #[track_caller]
    fn run(self, test: &str, number: usize) {
        let program = env::current_exe().expect("path of the test");
        if self.user != "root" && !self.can_run(&program) {
            return skip(&format!("{} may not run {}", self.user, program.display()));
        }
        let mut command = Command::new("timeout");
        command
            .arg("120")
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/systemd-user-session"
            ))
            .args(["--user", self.user])
            .args(self.broker.then_some("--broker"))
            .arg("--")
            .arg(program)
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(INSIDE, number.to_string());
        let run = Run::of(&mut command);
        if run.code == Some(77) {
            return skip(&run.stderr);
        }
        let passed = run.code == Some(0) && run.stdout.contains("test result: ok. 1 passed");
        assert!(passed, "{self:?}:\n{}{}", run.stdout, run.stderr);
        println!("{self:?}:\n{}", run.stdout);
        for reason in skip::reasons(&run.stderr) {
            skip(reason);
        }
    }

    fn can_run(self, program: &Path) -> bool {
        [program, Path::new(SAMPLED)].into_iter().all(|program| {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", self.user, "--clear-groups", "test", "-x"]);
            command
                .arg(program)
                .status()
                .is_ok_and(|status| status.success())
        })
    }
}

/// The session that this process is in, with the service installed.
pub(crate) struct Session {
    pub(crate) setup: Setup,
    runtime: runtime::Runtime,
}

impl Session {
    fn join(setup: Setup) -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let session = Self {
            setup,
            runtime: runtime.expect("runtime"),
        };
        // This first connection activates the bus, and systemd connects next.
        session.runtime.block_on(until_owned(SYSTEMD, true));
        let option = (!setup.unit).then_some("--no-systemd");
        let run = Run::of(session.sampled(&["install"]).args(option));
        assert!(
            run.stderr
                .contains("told the session bus and systemd to reload"),
            "{run:?}"
        );
        run.ok();
        session
    }

    /// Writes the configuration of the service.
    pub(crate) fn configure(&self, text: &str) {
        let dir = PathBuf::from(env::var_os("HOME").expect("HOME")).join(".config/sampled");
        fs::create_dir_all(&dir).expect("directory");
        fs::write(dir.join("config.toml"), text).expect("configuration");
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_remove(INSIDE);
        command
    }

    pub(crate) fn sampled(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(SAMPLED);
        command.args(arguments);
        command
    }

    #[track_caller]
    pub(crate) fn systemctl(&self, arguments: &[&str]) -> String {
        Run::of(self.command("systemctl").arg("--user").args(arguments)).ok()
    }

    /// Starts the service in a unit with another name, `readings.service`.
    #[track_caller]
    pub(crate) fn start_as_readings(&self, program: &str) {
        let mut start = self.command("systemd-run");
        start.args([
            "--user",
            "--quiet",
            "--unit=readings",
            "--property=Type=notify",
        ]);
        Run::of(start.args([program, "serve", "--idle-timeout", "never"])).ok();
    }

    /// The failed units, one per line.
    #[track_caller]
    pub(crate) fn failed_units(&self) -> String {
        self.systemctl(&["list-units", "--failed", "--plain", "--no-legend"])
    }

    /// Calls `Sample` by busctl and checks the reply.
    #[track_caller]
    pub(crate) fn busctl_sample(&self) {
        let mut command = self.command("busctl");
        command.args(["--user", "--timeout=20", "call", NAME, PATH, INTERFACE]);
        command.args([
            "Sample",
            "asa{sv}",
            "2",
            "cpu/all/usage",
            "memory/physical/used",
            "0",
        ]);
        let answer = Run::of(&mut command).ok();
        let mut words = answer.split_whitespace();
        assert_eq!(words.next(), Some("ta{sv}a{ss}"), "{answer}");
        let number = |id: &str| -> f64 {
            let mut words = answer.split_whitespace().skip_while(|word| *word != id);
            let number = words.nth(2).and_then(|number| number.parse().ok());
            number.unwrap_or_else(|| panic!("{id} in {answer}"))
        };
        assert!(
            (0.0..=100.0).contains(&number("\"cpu/all/usage\"")),
            "{answer}"
        );
        assert!(number("\"memory/physical/used\"") > 1e6, "{answer}");
        assert!(answer.ends_with(" 0\n"), "{answer}");
    }

    /// Reads metrics that need no window.
    pub(crate) async fn read(&self, client: &Client) -> Result<Sample, Error> {
        let options = SampleOptions::default();
        client.sample(&["memory/physical"], options).await
    }

    /// A client, on a connection of its own.
    pub(crate) async fn client(&self) -> Client {
        Client::connect().await.expect("client")
    }

    /// The process that owns the name of the service.
    pub(crate) async fn owner(&self) -> Process {
        let bus = Bus::session().await.expect("bus");
        let owner = bus.owner().await.expect("an answer");
        let pid = owner.expect("an owner of the name").pid;
        let process = pid.and_then(Process::open);
        process.expect("a process")
    }

    /// Waits until a process owns the name of the service.
    pub(crate) async fn owned(&self) {
        until_owned(NAME, true).await;
    }

    /// Waits until no process owns it.
    pub(crate) async fn vacant(&self) {
        until_owned(NAME, false).await;
    }

    /// The unit of the service. If none is installed, it is an inactive one.
    pub(crate) async fn unit(&self) -> Unit {
        Unit::load("sampled.service", self.setup.unit).await
    }
}

async fn until_owned(name: &'static str, owned: bool) {
    let connection = Connection::session().await.expect("bus");
    let bus = DBusProxy::new(&connection).await.expect("proxy");
    let arguments = [(0, name)];
    let changes = bus.receive_name_owner_changed_with_args(&arguments);
    let mut changes = changes.await.expect("signals");
    // The question follows the subscription, so that no change is missed.
    let bus_name = || name.try_into().expect("name");
    while bus.name_has_owner(bus_name()).await.expect("answer") != owned {
        timeout(DEADLINE, changes.next()).await.expect("a change");
    }
}
