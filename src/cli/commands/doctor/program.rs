//! The program that a shell finds.

use std::{
    env,
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, eaccess};

use super::{
    super::install::replace::InstalledProgram,
    report::{Check, Report},
};

/// Compares the program that a shell finds with the one that the bus starts.
pub(super) fn check(report: &mut Report, installed: Option<&Path>) {
    const CHECK: Check = Check::Program;
    let found = in_path();
    match (&found, installed) {
        (None, Some(installed)) => {
            let directory = installed.parent().unwrap_or(Path::new("/")).display();
            report.warning(
                CHECK,
                "PATH has no sampled",
                format_args!("add the line `export PATH=\"{directory}:$PATH\"` to ~/.profile"),
            );
        }
        (None, None) => report.warning(CHECK, "PATH has no sampled", "run `sampled install`"),
        (Some(found), Some(installed)) if !InstalledProgram::at(installed).is_at(found) => report
            .warning(
                CHECK,
                format_args!(
                    "PATH has {}, and the bus starts {}: their versions may differ",
                    found.display(),
                    installed.display()
                ),
                "run `install` of the newer one, or remove the older one",
            ),
        (Some(found), _) => report.ok(CHECK, format_args!("PATH has {}", found.display())),
    }
}

fn in_path() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut candidates = env::split_paths(&path).map(|directory| directory.join("sampled"));
    candidates.find(|path| path.is_file() && eaccess(path, AccessFlags::X_OK).is_ok())
}
