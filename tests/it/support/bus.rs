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
//!     bus.vacant().await;                              // nobody owns it any more
//!     daemon.wait();                                   // and the process has gone
//! });
//! ```
//!
//! Whatever asks the bus is async, and runs in [`Bus::block_on`]; whatever waits for processes is
//! not. Dropping the bus ends it, and every process that was started in its environment.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind},
    ops::Deref,
    process::{Child, Command, Stdio},
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

use crate::support::{
    home::{Home, SAMPLED},
    process::{DEADLINE, Process, Run},
};

/// A bus, and the user whose it is.
pub(crate) struct Bus {
    daemon: Child,
    address: String,
    runtime: runtime::Runtime,
    home: Home,
}

impl Bus {
    /// A bus that has nothing to start.
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self::in_home(Home::new())
    }

    /// A bus that starts `sampled serve` with these arguments.
    #[track_caller]
    pub(crate) fn activating(arguments: &str) -> Self {
        Self::executing(format!("{SAMPLED} serve {arguments}").trim_end())
    }

    /// A bus whose activation file has this `Exec=`.
    #[track_caller]
    pub(crate) fn executing(exec: &str) -> Self {
        let home = Home::new();
        write_activation_file(&home, exec);
        Self::in_home(home)
    }

    /// A bus for a user whose files are there already.
    #[track_caller]
    pub(crate) fn in_home(home: Home) -> Self {
        Self::configured(home, "--session", None)
    }

    /// A bus that starts `sampled serve` and tells no client's unread bytes, like one that was built without
    /// statistics.
    #[track_caller]
    pub(crate) fn without_statistics() -> Self {
        let denied = "<deny send_interface='org.freedesktop.DBus.Debug.Stats'/>";
        Self::with_policy(denied, "", None)
    }

    /// A bus that lets every user in.
    #[track_caller]
    pub(crate) fn for_all_users() -> Self {
        Self::with_policy("<allow user='*'/>", "", None)
    }

    /// A bus at a TCP address, which lets everybody in.
    #[track_caller]
    pub(crate) fn over_tcp() -> Self {
        let anonymous = "<auth>ANONYMOUS</auth><allow_anonymous/>";
        Self::with_policy("", anonymous, Some("tcp:host=127.0.0.1,port=0"))
    }

    #[track_caller]
    fn with_policy(rules: &str, auth: &str, address: Option<&str>) -> Self {
        let home = Home::new();
        write_activation_file(&home, &format!("{SAMPLED} serve"));
        let config = home.dir().join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>\
             {auth}<standard_session_servicedirs/><policy context='default'>\
             <allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/>\
             <allow own='*'/>{rules}</policy></busconfig>"
        );
        fs::write(&config, text).expect("configuration");
        let config = format!("--config-file={}", config.display());
        Self::configured(home, &config, address)
    }

    #[track_caller]
    fn configured(home: Home, config: &str, address: Option<&str>) -> Self {
        let unix = format!("unix:path={}", home.dir().join("bus").display());
        let log = fs::File::create(home.dir().join("log")).expect("log");
        let spawned = home
            .command("dbus-daemon")
            .args([config, "--nofork", "--nopidfile", "--print-address=1"])
            .arg(format!("--address={}", address.unwrap_or(&unix)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        let mut daemon = match spawned {
            Ok(daemon) => daemon,
            Err(error) if error.kind() == ErrorKind::NotFound => panic!(
                "these tests need dbus-daemon: install it (Debian: apt install dbus-daemon; Fedora: \
                 dnf install dbus-daemon)"
            ),
            Err(error) => panic!("dbus-daemon: {error}"),
        };
        let mut address = String::new();
        // It says its address when it listens.
        let mut stdout = BufReader::new(daemon.stdout.take().expect("stdout is a pipe"));
        stdout.read_line(&mut address).expect("address");
        let bus = Self {
            daemon,
            address: address.trim_end().to_owned(),
            runtime: runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("runtime"),
            home,
        };
        assert!(!bus.address.is_empty(), "dbus-daemon: {}", bus.log());
        bus
    }

    /// The process of the bus.
    pub(crate) fn pid(&self) -> u32 {
        self.daemon.id()
    }

    /// Ends the bus, as a logout does.
    pub(crate) fn kill(&self) {
        let daemon = Process::open(self.daemon.id()).expect("it is there until it is waited for");
        daemon.signal(Signal::KILL);
        daemon.wait();
    }

    /// Stops the bus: it lets nobody in and answers nobody from here on, and does not go either.
    pub(crate) fn stop(&self) {
        let daemon = Process::open(self.daemon.id()).expect("it is there until it is waited for");
        daemon.stop();
    }

    /// Runs what asks the bus.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// DBUS_SESSION_BUS_ADDRESS.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What the bus and the services that it has started wrote to stderr.
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

    /// The process that owns the name of the service. Asking starts none.
    pub(crate) async fn daemon(&self) -> Option<Process> {
        let bus = self.connect().await;
        let bus = DBusProxy::new(&bus).await.expect("proxy");
        let pid = bus.get_connection_unix_process_id(name()).await.ok()?;
        Process::open(pid)
    }

    /// Waits until somebody owns the name of the service, and returns the process.
    pub(crate) async fn owned(&self) -> Process {
        self.until(true).await;
        self.daemon().await.expect("the owner of the name")
    }

    /// Waits until nobody owns the name of the service.
    pub(crate) async fn vacant(&self) {
        self.until(false).await;
    }

    /// Ends the bus under those who are on it. They are not ended with it.
    pub(crate) fn end(&self) {
        let daemon = Process::open(self.daemon.id()).expect("the bus is there");
        daemon.signal(Signal::TERM);
        daemon.wait();
    }

    async fn until(&self, owned: bool) {
        let connection = self.connect().await;
        let bus = DBusProxy::new(&connection).await.expect("proxy");
        let changes = bus.receive_name_owner_changed_with_args(&[(0, NAME)]);
        let mut changes = changes.await.expect("signals");
        // Asked after the subscription: no change goes unseen.
        while bus.name_has_owner(name()).await.expect("answer") != owned {
            let change = timeout(DEADLINE, changes.next()).await;
            change.unwrap_or_else(|_| panic!("owned is not {owned} yet: {}", self.log()));
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
        // What the bus has started is ended with the home.
        self.daemon.kill().ok();
        self.daemon.wait().ok();
    }
}

fn write_activation_file(home: &Home, exec: &str) {
    let dir = home.data().join("dbus-1/services");
    fs::create_dir_all(&dir).expect("services");
    let file = format!("[D-BUS Service]\nName={NAME}\nExec={exec}\n");
    fs::write(dir.join(format!("{NAME}.service")), file).expect("activation file");
}

pub(crate) fn name() -> BusName<'static> {
    WellKnownName::from_static_str_unchecked(NAME).into()
}

#[test]
fn the_bus_starts_the_daemon_and_takes_it_along() {
    let bus = Bus::activating("--idle-timeout never");
    let daemon = bus.block_on(async {
        assert!(bus.daemon().await.is_none());
        bus.client().await.list(&["cpu"]).await.expect("reply");
        bus.owned().await
    });
    let started = bus.processes();
    assert!(started.iter().any(|process| process.pid == daemon.pid));
    drop(bus);
    // Its memory may have gone, by which it is known, and its last thread not yet.
    daemon.wait();
}

#[test]
fn the_daemon_can_be_seen_to_leave() {
    let bus = Bus::activating("--idle-timeout 50ms");
    bus.block_on(async {
        bus.client().await.list(&["cpu"]).await.expect("reply");
        // It may have left already.
        let daemon = bus.daemon().await;
        bus.vacant().await;
        daemon.inspect(Process::wait);
    });
}
