//! The sandbox that this process is in.

use std::{fs, path::Path};

use crate::wire::NAME;

/// A sandbox around this process: what the kernel's files show in it is not the whole machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// Flatpak's.
    Flatpak,
    /// A confined snap's.
    Snap,
}

impl Sandbox {
    /// The one that this process is in, if it is in one.
    pub fn current() -> Option<Self> {
        if Path::new("/.flatpak-info").exists() {
            return Some(Self::Flatpak);
        }
        // The variables of a snap are inherited by whatever is started from its terminal; the label is not.
        let label = fs::read_to_string("/proc/self/attr/current").unwrap_or_default();
        is_snap(&label).then_some(Self::Snap)
    }

    /// What has to be done so that a program in it reaches the service.
    pub fn remedy(self) -> String {
        match self {
            Self::Flatpak => format!(
                "this Flatpak may not talk to it: start it by `flatpak run --talk-name={NAME}`, or put that into its \
                 finish-args"
            ),
            Self::Snap => {
                format!("this snap may not talk to it: its plug for D-Bus has to name {NAME}")
            }
        }
    }
}

/// Whether a label of AppArmor is that of a snap which it confines: `snap.NAME.APP (enforce)`.
fn is_snap(label: &str) -> bool {
    let label = label.trim_end_matches(['\0', '\n']);
    label.starts_with("snap.") && label.ends_with("(enforce)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confined_snap_is_known_by_its_label() {
        let check = |label, expected| assert_eq!(is_snap(label), expected, "{label}");
        check("snap.firefox.firefox (enforce)\n", true);
        check("snap.code.code (complain)\n", false);
        check("unconfined\n", false);
        check("/usr/bin/snap.x (enforce)\n", false);
        check("", false);
    }
}
