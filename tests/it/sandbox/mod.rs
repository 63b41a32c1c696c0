//! The rights of programs in sandboxes, which reach the bus through the real xdg-dbus-proxy.

mod callers;
mod custom_metrics;
mod grants;
mod inside;
mod proxy;
mod refusals;

use std::{fs, path::Path};

use rustix::process::{Signal, geteuid};
use sampled::client::Error;

pub(crate) use proxy::Proxy;

use crate::{
    custom::fixture::{define, sources_d},
    support::{bus::Bus, process::Process},
};

const APP: &str = "org.example.App";
const INFO: &str = "[Application]\nname=org.example.App\n";

/// A metric that every program in a sandbox may read.
const KERNEL_METRIC: &str = "memory/physical/total";

/// A shell script that runs a program in a copy of the root directory, made of bind mounts, with a `/.flatpak-info`.
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

/// A sandbox as Flatpak makes it: its proxy has the same root directory.
struct Sandbox;

impl Sandbox {
    const NEEDS: &str = "it needs xdg-dbus-proxy and a mount namespace of its own";

    /// The proxy of a sandbox with this text in `/.flatpak-info`; `None` if no sandbox can be made.
    fn proxy(bus: &Bus, info: &str) -> Option<Proxy> {
        Self::run_proxy(bus, info, Path::new(""))
    }

    /// The proxy of a sandbox that has this file as `/.flatpak-info`.
    fn proxy_with_info_at(bus: &Bus, path: &Path) -> Option<Proxy> {
        Self::run_proxy(bus, "", path)
    }

    fn run_proxy(bus: &Bus, info: &str, info_file: &Path) -> Option<Proxy> {
        let root = bus.dir().join("root");
        fs::create_dir_all(&root).unwrap();
        let mut command = bus.command("unshare");
        if !geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "--propagation=private", "sh", "-ec", ENTER, "sh"]);
        command.arg(root).arg(info).arg(info_file);
        Proxy::run_by(command, bus)
    }
}

/// The id of a custom metric with a command that writes a file when it runs.
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

/// Replaces config.toml.
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

/// Asserts that a call is refused with an error that contains these texts.
#[track_caller]
fn assert_denied<T: std::fmt::Debug>(result: Result<T, Error>, texts: &[&str]) {
    match result {
        Err(Error::AccessDenied(error)) => {
            for text in texts {
                assert!(error.contains(text), "{text} is not in: {error}");
            }
        }
        other => panic!("not denied: {other:?}"),
    }
}
