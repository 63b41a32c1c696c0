//! Snap: the control group, or the AppArmor label, that snapd gives to a program.

/// The snap of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Snap {
    /// A snap with its app id, `snap.NAME`.
    Named(String),
    /// A snap without a valid name.
    Unnamed,
}

/// The snap of a program, by `/proc/PID/cgroup`: a path element `snap.NAME.APP…` in one of the hierarchies that snapd
/// uses, or `snap.NAME` in the freezer hierarchy.
pub(super) fn of_cgroup(text: &str) -> Option<Snap> {
    let paths = text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        matches!(controllers, "" | "name=systemd" | "freezer").then_some(path)
    });
    let mut directories = paths.flat_map(|path| path.split('/'));
    directories.find_map(|directory| snap_of_tag(directory.strip_prefix("snap.")?))
}

/// The snap of a program, by its AppArmor label: `snap.NAME.APP (enforce)`.
pub(super) fn of_label(label: &str) -> Option<Snap> {
    snap_of_tag(label.strip_prefix("snap.")?)
}

/// The snap of a security tag, given without its prefix `snap.`.
fn snap_of_tag(rest: &str) -> Option<Snap> {
    let name = rest.split(['.', ' ']).next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    Some(match !name.is_empty() && name.bytes().all(is_plain) {
        true => Snap::Named(format!("snap.{name}")),
        false => Snap::Unnamed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: &str) -> Option<Snap> {
        Some(Snap::Named(id.to_owned()))
    }

    #[test]
    fn snaps_by_control_group() {
        let check = |text: &str, expected| assert_eq!(of_cgroup(text), expected, "{text}");
        let scope = "/user.slice/user-1000.slice/user@1000.service/app.slice/snap.firefox.firefox-6e5c.scope";
        check(&format!("0::{scope}\n"), id("snap.firefox"));
        check(
            &format!("12:pids:/user.slice\n1:name=systemd:{scope}\n0::/\n"),
            id("snap.firefox"),
        );
        check("0::/system.slice/snap.lxd.daemon.service\n", id("snap.lxd"));
        check(
            "7:freezer:/snap.code_two\n0::/user.slice\n",
            id("snap.code_two"),
        );
        check(
            "0::/a.slice/snap.firefox.x.scope/below\n",
            id("snap.firefox"),
        );
        check("0::/a.slice/snap..scope\n", Some(Snap::Unnamed));
        check("0::/a.slice/snap.ö.x.scope\n", Some(Snap::Unnamed));
        // The unit of snapd itself, and names that only resemble a tag.
        check("0::/system.slice/snapd.service\n", None);
        check("0::/a.slice/my-snap.x.scope\n", None);
        check("3:memory:/snap.firefox.x\n0::/\n", None);
        check("0::/user.slice\n", None);
        check("", None);
    }

    #[test]
    fn snaps_by_apparmor_label() {
        let check = |label, expected| assert_eq!(of_label(label), expected, "{label}");
        check("snap.firefox.firefox (enforce)", id("snap.firefox"));
        check("snap.code.code", id("snap.code"));
        check("snap.", Some(Snap::Unnamed));
        check("unconfined", None);
        check("snapd", None);
        check("", None);
    }
}
