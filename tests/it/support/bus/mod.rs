//! A private session bus for one test.
//!
//! ```ignore
//! let bus = Bus::activating("--idle-timeout 100ms");   // its file says Exec=sampled serve ...
//! let readings = bus.run(&["sample", "cpu"]).ok();     // the program, in the bus's environment
//! bus.block_on(async {
//!     let client = bus.client().await;                 // the typed client, on a connection of its own
//!     client.list(&[]).await.unwrap();
//!     let daemon = bus.daemon().await.unwrap();        // the process that owns the name
//!     daemon.signal(Signal::TERM);
//!     bus.vacant().await;                              // no process owns it any more
//!     daemon.wait();                                   // the process has ended
//! });
//! ```
//!
//! Calls on the bus are async and run in [`Bus::block_on`]; waiting for a process is not async. `drop` ends the bus
//! and every process that was started in its environment.

mod service;
mod start;

use std::{
    fs,
    ops::Deref,
    process::{Child, Command},
    time::Duration,
};

use futures_util::StreamExt;
use rustix::process::Signal;
use sampled::{client::Client, wire::NAME};
use tokio::{runtime, time::timeout};
use zbus::{
    Connection, connection,
    fdo::DBusProxy,
    names::{BusName, WellKnownName},
};

pub(crate) use self::service::Service;
use crate::support::{
    home::{Home, SAMPLED},
    process::{DEADLINE, Process, Run},
};

/// A private session bus, with the home of its user.
pub(crate) struct Bus {
    daemon: Child,
    address: String,
    runtime: runtime::Runtime,
    home: Home,
}

impl Bus {
    /// The process id of dbus-daemon.
    pub(crate) fn pid(&self) -> u32 {
        self.daemon.id()
    }

    /// Kills the bus (SIGKILL), as a logout does.
    pub(crate) fn kill(&self) {
        let daemon =
            Process::open(self.daemon.id()).expect("a child exists until it is waited for");
        daemon.signal(Signal::KILL);
        daemon.wait();
    }

    /// Stops the bus (SIGSTOP): it accepts no connection and answers no call from here on, and keeps its connections.
    pub(crate) fn stop(&self) {
        let daemon =
            Process::open(self.daemon.id()).expect("a child exists until it is waited for");
        daemon.stop();
    }

    /// Runs a future on the runtime of this bus. A loop in it that waits for a state needs no deadline of its own: the test
    /// fails after five minutes.
    #[track_caller]
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        const LONGEST: Duration = Duration::from_secs(300);
        let result = self
            .runtime
            .block_on(async { timeout(LONGEST, future).await });
        result.expect("the test waits for a state that is never reached")
    }

    /// DBUS_SESSION_BUS_ADDRESS.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The stderr of the bus and of the services that it has started.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.dir().join("log")).unwrap_or_default()
    }

    /// A program in the environment of this bus.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.home.command(program);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    /// `sampled` with these arguments.
    pub(crate) fn sampled(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(SAMPLED);
        command.args(arguments);
        command
    }

    /// Runs `sampled` with these arguments to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.sampled(arguments))
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Connection {
        let builder = connection::Builder::address(self.address());
        builder.build().await.expect("connection")
    }

    /// A client, on a connection of its own: it leaves the bus when it is dropped.
    pub(crate) async fn client(&self) -> Client {
        let bus = sampled::client::Bus::at(self.address()).await;
        Client::on(bus.expect("bus")).await.expect("client")
    }

    /// The process that owns the name of the service. The question does not activate it.
    pub(crate) async fn daemon(&self) -> Option<Process> {
        let bus = self.connect().await;
        let bus = DBusProxy::new(&bus).await.expect("proxy");
        let pid = bus.get_connection_unix_process_id(name()).await.ok()?;
        Process::open(pid)
    }

    /// Waits until a process owns the name of the service, and returns it.
    pub(crate) async fn owned(&self) -> Process {
        self.until(true).await;
        self.daemon().await.expect("the owner of the name")
    }

    /// Waits until no process owns the name of the service.
    pub(crate) async fn vacant(&self) {
        self.until(false).await;
    }

    /// Terminates the bus (SIGTERM). Its clients go on.
    pub(crate) fn end(&self) {
        let daemon =
            Process::open(self.daemon.id()).expect("a child exists until it is waited for");
        daemon.signal(Signal::TERM);
        daemon.wait();
    }

    async fn until(&self, owned: bool) {
        let connection = self.connect().await;
        let bus = DBusProxy::new(&connection).await.expect("proxy");
        let changes = bus.receive_name_owner_changed_with_args(&[(0, NAME)]);
        let mut changes = changes.await.expect("signals");
        // The question follows the subscription, so that no change is missed.
        while bus.name_has_owner(name()).await.expect("answer") != owned {
            let change = timeout(DEADLINE, changes.next()).await;
            let expected = if owned { "an owner" } else { "no owner" };
            change.unwrap_or_else(|_| panic!("{NAME} does not get {expected}: {}", self.log()));
        }
    }
}

impl Deref for Bus {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.home
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // The home ends the processes that the bus has started.
        self.daemon.kill().ok();
        self.daemon.wait().ok();
    }
}

/// The name of the service, as the type of zbus.
pub(crate) fn name() -> BusName<'static> {
    WellKnownName::from_static_str_unchecked(NAME).into()
}

#[test]
fn dropping_the_bus_ends_the_daemon_that_it_has_started() {
    let bus = Bus::activating("--idle-timeout never");
    let daemon = bus.block_on(async {
        assert!(bus.daemon().await.is_none());
        bus.client().await.list(&["cpu"]).await.expect("reply");
        bus.owned().await
    });
    let started = bus.processes();
    assert!(started.iter().any(|process| process.pid == daemon.pid));
    drop(bus);
    // `Home` finds a process by its environment, which is freed before the last thread has ended.
    daemon.wait();
}

#[test]
fn a_test_can_wait_until_the_daemon_has_left() {
    let bus = Bus::activating("--idle-timeout 50ms");
    bus.block_on(async {
        bus.client().await.list(&["cpu"]).await.expect("reply");
        // The daemon may have left already.
        let daemon = bus.daemon().await;
        bus.vacant().await;
        daemon.inspect(Process::wait);
    });
}
