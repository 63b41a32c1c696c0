//! The control group of a process: its path, systemd unit and application.

use std::sync::Arc;

use crate::process::application::application;

/// The control group of a process.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cgroup {
    pub(super) path: Arc<str>,
    pub(super) unit: Arc<str>,
    pub(super) application: Arc<str>,
}

impl Cgroup {
    /// Parses `/proc/PID/cgroup`; none if it does not have the form of cgroups(7).
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(text);
        let path = path(&text)?;
        // A removed cgroup keeps its name until its last process has ended.
        let of_unit = path.strip_suffix(" (deleted)").unwrap_or(path);
        let Unit {
            name: unit,
            of_user,
        } = Unit::of(of_unit).unwrap_or_default();
        // The system manager runs no desktop applications.
        let application = match of_user {
            true => application(&unit, of_unit).unwrap_or_default(),
            false => String::new(),
        };
        Some(Self {
            path: path.into(),
            application: application.into(),
            unit: unit.into(),
        })
    }
}

/// The path in the hierarchy of systemd's units: cgroup v2 (`0::`), or the v1 hierarchy `name=systemd`. In hybrid mode
/// both have the same path, unless v2 is unused. Without systemd, any hierarchy serves.
fn path(text: &str) -> Option<&str> {
    let mut unified = None;
    let mut any = None;
    for line in text.lines() {
        let mut parts = line.splitn(3, ':');
        let (id, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        match (id, controllers) {
            (_, "name=systemd") => return Some(path),
            ("0", "") => unified = Some(path),
            _ => any = any.or(Some(path)),
        }
    }
    unified.or(any)
}

/// The systemd unit of a process.
#[derive(Default)]
struct Unit {
    name: String,
    /// Whether a user manager has started it, or no system manager is to be seen.
    of_user: bool,
}

impl Unit {
    /// The unit in a path. Below a user manager, it is the unit of that manager, as in `cg_path_get_user_unit` and
    /// `cg_path_get_unit` of systemd's cgroup-util.c.
    fn of(path: &str) -> Option<Self> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let name = first_unit(&mut parts)?;
        if name.starts_with("user@") && name.ends_with(".service") {
            // A cgroup below the user manager that belongs to none of its units belongs to user@.service itself.
            if let Some(name) = first_unit(&mut parts) {
                return Some(Self {
                    name,
                    of_user: true,
                });
            }
        }
        let of_user = !path.starts_with("/system.slice/");
        Some(Self { name, of_user })
    }
}

/// The first part that is a unit but not a slice. A slice has no processes of its own.
fn first_unit<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<String> {
    for part in parts {
        let part = part.strip_prefix('_').unwrap_or(part);
        if part.ends_with(".slice") {
            continue;
        }
        return is_unit(part).then(|| part.to_owned());
    }
    None
}

/// Whether this is the name of a unit of a type that has processes.
fn is_unit(name: &str) -> bool {
    // unit_name_is_valid of systemd's unit-name.c.
    const LONGEST: usize = 255;
    const SUFFIXES: [&str; 5] = [".service", ".scope", ".socket", ".mount", ".swap"];
    let is_valid = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    let mut suffixes = SUFFIXES.iter();
    let stem = suffixes.find_map(|suffix| name.strip_suffix(suffix));
    name.len() <= LONGEST
        && stem.is_some_and(|stem| !stem.is_empty() && !stem.starts_with('@'))
        && name.chars().all(is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, path: &str, unit: &str, application: &str) {
        let expected = Cgroup {
            path: path.into(),
            unit: unit.into(),
            application: application.into(),
        };
        assert_eq!(Cgroup::parse(text.as_bytes()), Some(expected), "{text}");
    }

    #[track_caller]
    fn check_unit(path: &str, unit: &str, application: &str) {
        check(&format!("0::{path}\n"), path, unit, application);
    }

    #[test]
    fn hierarchies() {
        check("0::/\n", "/", "", "");
        let hybrid = "12:pids:/user.slice\n1:name=systemd:/system.slice/a.service\n0::/system.slice/a.service\n";
        check(hybrid, "/system.slice/a.service", "a.service", "");
        let old = "3:cpu,cpuacct:/\n1:name=systemd:/system.slice/a.service\n";
        check(old, "/system.slice/a.service", "a.service", "");
        check("4:memory:/docker/0123\n", "/docker/0123", "", "");
        check("0::/a:b\n", "/a:b", "", "");
        for text in ["", "0:\n", "nonsense\n"] {
            assert_eq!(Cgroup::parse(text.as_bytes()), None);
        }
    }

    #[test]
    fn units() {
        check_unit("/init.scope", "init.scope", "");
        check_unit("/system.slice/cron.service", "cron.service", "");
        check_unit("/system.slice/a.service/supervisor", "a.service", "");
        check_unit(
            "/system.slice/system-getty.slice/getty@tty1.service",
            "getty@tty1.service",
            "",
        );
        check_unit(
            "/user.slice/user-1000.slice/session-2.scope",
            "session-2.scope",
            "",
        );
        check_unit(
            "/user.slice/user-1000.slice/user@1000.service/init.scope",
            "init.scope",
            "",
        );
        check_unit(
            "/user.slice/user-1000.slice/user@1000.service/session.slice/pipewire.service",
            "pipewire.service",
            "",
        );
        check_unit(
            "/user.slice/user-1000.slice/user@1000.service",
            "user@1000.service",
            "",
        );
        check_unit(
            "/user.slice/user-1000.slice/user@1000.service/other",
            "user@1000.service",
            "",
        );
        check_unit("/system.slice/_cpu.service", "cpu.service", "");
        check_unit(
            "/machine.slice/machine-a.scope/payload/system.slice/b.service",
            "machine-a.scope",
            "",
        );
        check_unit("/system.slice", "", "");
        check_unit("/docker/0123", "", "");
        check_unit("/system.slice/.service", "", "");
        let gone = "0::/system.slice/a.service (deleted)\n";
        check(gone, "/system.slice/a.service (deleted)", "a.service", "");
    }
}
