//! Programs in sandboxes, which reach the bus through the real xdg-dbus-proxy, and what they may do there.

mod callers;
mod grants;
mod refusals;

use std::{
    fs,
    io::Read,
    path::Path,
    process::{Child, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::process::{Signal, geteuid};
use sampled::{
    client::{Bus as ClientBus, Client, Error, Processes},
    wire::NAME,
};

use crate::{
    bus::Bus,
    own::place::{define, sources_d},
    process::{Process, Run},
};

const APP: &str = "org.example.App";
const INFO: &str = "[Application]\nname=org.example.App\n";

/// A root that is this one, with a file more.
const ENTER: &str = r#"
root=$1; info=$2; hung=$3; shift 3
mount -t tmpfs tmpfs "$root"
for entry in /*; do
    if [ -L "$entry" ]; then ln -s "$(readlink "$entry")" "$root$entry"
    elif [ -d "$entry" ]; then mkdir "$root$entry"; mount --rbind "$entry" "$root$entry"
    fi
done
printf '%s' "$info" >"$root/.flatpak-info"
[ -z "$hung" ] || mount --bind "$hung" "$root/.flatpak-info"
exec chroot "$root" "$@"
"#;

/// A sandbox as Flatpak makes them, `--talk-name=io.github.sampled.Sampler1`: the proxy that passes its calls.
struct Sandbox {
    proxy: Child,
    address: String,
}

impl Sandbox {
    const NEEDS: &str = "it needs xdg-dbus-proxy and a mount namespace of its own";

    /// A sandbox with this `/.flatpak-info`. None where it cannot be made.
    fn new(bus: &Bus, info: &str) -> Option<Self> {
        Self::made(bus, info, Path::new(""))
    }

    /// One in which this file is in the place of `/.flatpak-info`.
    fn with_info_at(bus: &Bus, path: &Path) -> Option<Self> {
        Self::made(bus, "", path)
    }

    fn made(bus: &Bus, info: &str, at: &Path) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("proxy-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let (socket, root) = (
            bus.dir().join(&name),
            bus.dir().join(format!("{name}-root")),
        );
        fs::create_dir_all(&root).unwrap();
        let mut command = bus.command("unshare");
        if !geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command
            .args(["--mount", "--propagation=private", "sh", "-ec", ENTER, "sh"])
            .arg(root)
            .arg(info)
            .arg(at)
            .args(["xdg-dbus-proxy", bus.address()])
            .arg(&socket)
            .args(["--filter", &format!("--talk={NAME}"), "--fd=1"]);
        let mut proxy = command.stdout(Stdio::piped()).spawn().ok()?;
        // It writes a byte when it listens.
        let mut byte = [0];
        if let Err(error) = proxy.stdout.as_mut().unwrap().read_exact(&mut byte) {
            eprintln!("no proxy: {error}");
            proxy.wait().unwrap();
            return None;
        }
        let address = format!("unix:path={}", socket.display());
        Some(Self { proxy, address })
    }

    async fn bus(&self) -> ClientBus {
        ClientBus::at(&self.address).await.expect("bus")
    }

    async fn client(&self) -> Client {
        Client::on(self.bus().await).await.expect("client")
    }

    async fn processes(&self) -> Processes {
        Processes::on(self.bus().await).await.expect("client")
    }

    /// Runs `sampled` in there.
    fn run(&self, bus: &Bus, arguments: &[&str]) -> Run {
        let mut command = bus.sampled(arguments);
        Run::of(command.env("DBUS_SESSION_BUS_ADDRESS", &self.address))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.proxy.kill().ok();
        self.proxy.wait().ok();
    }
}

/// The metric that the user has defined: a command that leaves a trace where it runs.
const SECRET: &str = "room/desk/secret";

fn define_secret(bus: &Bus) {
    let trace = bus.dir().join("trace");
    let text = format!(
        "[metrics.'{SECRET}']\ncommand = 'ask'\n[commands.ask]\nshell = 'echo 5; echo ran >> {}'\n",
        trace.display()
    );
    define(&sources_d(bus), "room.toml", &text);
}

fn has_run(bus: &Bus) -> bool {
    bus.dir().join("trace").exists()
}

/// What the configuration says from now on.
fn configure(bus: &Bus, text: &str) {
    let directory = bus.config().join("sampled");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("config.toml"), text).unwrap();
}

fn grant(bus: &Bus, grants: &str) {
    configure(bus, &format!("[sandbox.\"{APP}\"]\n{grants}"));
}

fn reload(daemon: &Process) {
    daemon.signal(Signal::HUP);
}

/// That a call is refused by an error that has these words in it.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, words: &[&str]) {
    match result {
        Err(Error::AccessDenied(text)) => {
            for word in words {
                assert!(text.contains(word), "{word} is not in: {text}");
            }
        }
        other => panic!("{other:?} is no refusal"),
    }
}
