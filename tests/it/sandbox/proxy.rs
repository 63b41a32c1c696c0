//! The real xdg-dbus-proxy, through which programs in sandboxes reach the bus.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use sampled::{
    client::{Bus as ClientBus, Client, Processes},
    wire::NAME,
};

use crate::support::{bus::Bus, process::Run};

/// A proxy that filters.
pub(crate) struct Proxy {
    child: Child,
    address: String,
}

impl Proxy {
    /// Starts a proxy of a bus with the filter of Flatpak's `--talk-name=io.github.sampled.Sampler1`, by a command that
    /// runs its arguments as a program; `None` if that fails.
    pub(crate) fn run_by(command: Command, bus: &Bus) -> Option<Self> {
        Self::with_rules(command, bus, &[format!("--talk={NAME}")])
    }

    /// The same with these rules.
    pub(crate) fn with_rules(mut command: Command, bus: &Bus, rules: &[String]) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("proxy-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let socket = bus.dir().join(name);
        command
            .args(["xdg-dbus-proxy", bus.address()])
            .arg(&socket)
            .args(["--filter", "--fd=1"])
            .args(rules);
        let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
        // The proxy writes a byte when it listens.
        let mut byte = [0];
        if let Err(error) = child.stdout.as_mut().unwrap().read_exact(&mut byte) {
            eprintln!("no proxy: {error}");
            child.wait().unwrap();
            return None;
        }
        let address = format!("unix:path={}", socket.display());
        Some(Self { child, address })
    }

    /// DBUS_SESSION_BUS_ADDRESS behind the proxy.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) async fn bus(&self) -> ClientBus {
        ClientBus::at(&self.address).await.expect("bus")
    }

    pub(crate) async fn client(&self) -> Client {
        Client::on(self.bus().await).await.expect("client")
    }

    pub(crate) async fn processes(&self) -> Processes {
        Processes::on(self.bus().await).await.expect("client")
    }

    /// Runs `sampled` behind the proxy.
    pub(crate) fn run(&self, bus: &Bus, arguments: &[&str]) -> Run {
        let mut command = bus.sampled(arguments);
        Run::of(command.env("DBUS_SESSION_BUS_ADDRESS", &self.address))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
