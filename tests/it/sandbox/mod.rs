//! The rights of programs in sandboxes, which reach the bus through the real xdg-dbus-proxy.

mod callers;
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

/// A root that is this one, with one more file.
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

/// Sandboxes as Flatpak makes them: the proxy of one is in the same root.
struct Sandbox;

impl Sandbox {
    const NEEDS: &str = "it needs xdg-dbus-proxy and a mount namespace of its own";

    /// The proxy of a sandbox with this `/.flatpak-info`; `None` if it cannot be made.
    fn proxy(bus: &Bus, info: &str) -> Option<Proxy> {
        Self::made(bus, info, Path::new(""))
    }

    /// The proxy of a sandbox that has this file as `/.flatpak-info`.
    fn proxy_with_info_at(bus: &Bus, path: &Path) -> Option<Proxy> {
        Self::made(bus, "", path)
    }

    fn made(bus: &Bus, info: &str, at: &Path) -> Option<Proxy> {
        let root = bus.dir().join("root");
        fs::create_dir_all(&root).unwrap();
        let mut command = bus.command("unshare");
        if !geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "--propagation=private", "sh", "-ec", ENTER, "sh"]);
        command.arg(root).arg(info).arg(at);
        Proxy::run_by(command, bus)
    }
}

/// A custom metric: a command that writes a file when it runs.
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

/// Replaces the configuration.
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

/// Asserts that a call is refused with an error that contains these words.
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
