//! The control group of a process: its path, systemd unit and application.

use std::sync::Arc;

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
        let unit = unit(of_unit).unwrap_or_default();
        let application = application(&unit).unwrap_or_default();
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

/// The systemd unit. Below a user manager, it is the unit of that manager, as in `cg_path_get_user_unit` and
/// `cg_path_get_unit` of systemd's cgroup-util.c.
fn unit(path: &str) -> Option<String> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let unit = first_unit(&mut parts)?;
    if unit.starts_with("user@") && unit.ends_with(".service") {
        // A cgroup below the user manager that belongs to none of its units belongs to user@.service itself.
        if let Some(of_user) = first_unit(&mut parts) {
            return Some(of_user);
        }
    }
    Some(unit)
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

/// The id of the application, if the name of the unit has the form of systemd.io/DESKTOP_ENVIRONMENTS:
/// `app[-LAUNCHER]-ID-RANDOM.scope`, `app[-LAUNCHER]-ID[@RANDOM].service`. In each of the parts, a dash
/// is written `\x2d`.
fn application(unit: &str) -> Option<String> {
    let id = if let Some(name) = unit.strip_suffix(".scope") {
        let (name, _random) = name.strip_prefix("app-")?.rsplit_once('-')?;
        name
    } else {
        let name = unit.strip_suffix(".service")?.strip_prefix("app-")?;
        name.split_once('@').map_or(name, |(name, _random)| name)
    };
    let id = id.rsplit_once('-').map_or(id, |(_launcher, id)| id);
    let id = unescape(id);
    (!id.is_empty()).then_some(id)
}

/// Undoes the escapes of systemd.unit(5): `\x2d` is a dash.
fn unescape(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, others @ ..] = rest {
        let escaped = rest
            .strip_prefix(br"\x")
            .and_then(|rest| Some((rest.get(..2)?, &rest[2..])))
            .and_then(|(digits, rest)| {
                let digits = std::str::from_utf8(digits).ok()?;
                let byte = u8::from_str_radix(digits, 16).ok()?;
                (byte != 0 && !digits.starts_with('+')).then_some((byte, rest))
            });
        let (byte, others) = escaped.unwrap_or((*first, others));
        bytes.push(byte);
        rest = others;
    }
    String::from_utf8_lossy(&bytes).into_owned()
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

    #[test]
    fn applications() {
        let check = |unit: &str, expected: &str| {
            assert_eq!(application(unit).unwrap_or_default(), expected, "{unit}");
        };
        check(
            "app-gnome-org.gnome.Terminal-1234.scope",
            "org.gnome.Terminal",
        );
        check("app-org.gnome.Terminal-1234.scope", "org.gnome.Terminal");
        check(
            r"app-flatpak-org.example.My\x2dApp-99.scope",
            "org.example.My-App",
        );
        check("app-firefox@0123abcd.service", "firefox");
        check("app-KDE-org.kde.okular@0123.service", "org.kde.okular");
        check("app-org.kde.okular.service", "org.kde.okular");
        check(r"app-gnome-google\x2dchrome-77.scope", "google-chrome");
        check(r"app-gnome-a\x2db@autostart.service", "a-b");
        check("app-1.scope", "");
        check("app.slice", "");
        check("application.service", "");
        check("session-2.scope", "");
    }

    #[test]
    fn escapes() {
        let check = |name, expected| assert_eq!(unescape(name), expected);
        check(r"a\x2db", "a-b");
        check(r"\xc3\xa4", "ä");
        check(r"\xff", "\u{fffd}");
        check(r"\x2", r"\x2");
        check(r"\xzz\x00\", r"\xzz\x00\");
        check("", "");
    }
}
