//! The sandbox around this process.

use std::{fs, path::Path};

use crate::wire::NAME;

/// A sandbox around this process. /proc and /sys in it do not show the whole machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// Flatpak.
    Flatpak,
    /// A confined snap.
    Snap,
}

impl Sandbox {
    /// The sandbox around this process, if there is one.
    pub fn current() -> Option<Self> {
        if Path::new("/.flatpak-info").exists() {
            return Some(Self::Flatpak);
        }
        // Not by SNAP variables: programs started from a snap's terminal inherit them, but not the AppArmor label.
        let label = fs::read_to_string("/proc/self/attr/current").unwrap_or_default();
        is_snap(&label).then_some(Self::Snap)
    }

    /// The remedy: how to permit the program to reach the service.
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

/// Whether an AppArmor label is that of a confined snap: `snap.NAME.APP (enforce)`.
fn is_snap(label: &str) -> bool {
    let label = label.trim_end_matches(['\0', '\n']);
    label.starts_with("snap.") && label.ends_with("(enforce)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_identifies_a_confined_snap() {
        let check = |label, expected| assert_eq!(is_snap(label), expected, "{label}");
        check("snap.firefox.firefox (enforce)\n", true);
        check("snap.code.code (complain)\n", false);
        check("unconfined\n", false);
        check("/usr/bin/snap.x (enforce)\n", false);
        check("", false);
    }
}
