//! The activation file, and the unit of systemd that it names.

use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, eaccess};

use sampled::{
    client::Bus,
    install::ActivationFile,
    systemd::{self, UnitState},
    wire::NAME,
};

use super::report::{Check, Report};

/// The remedy for a missing or broken installation.
const INSTALL: &str = "run `sampled install`";

/// Checks that the bus would start the service. Returns the file that it uses, as far as this process can tell.
pub(super) async fn check(report: &mut Report, bus: &Bus) -> Option<ActivationFile> {
    const CHECK: Check = Check::Activation;
    let is_known = match bus.can_start().await {
        Ok(is_known) => is_known,
        Err(error) => {
            report.problem(
                CHECK,
                error,
                "log out and in again: the bus does not answer",
            );
            return None;
        }
    };
    let mut files = Vec::new();
    for found in ActivationFile::find() {
        match found {
            Ok(file) => files.push(file),
            Err((path, cause)) => report.warning(
                CHECK,
                format_args!("{}: {cause}", path.display()),
                "remove it, or correct its permissions",
            ),
        }
    }
    let mut files = files.into_iter();
    let Some(file) = files.next() else {
        match is_known {
            true => report.ok(CHECK, "the bus starts the service, by a file outside of this shell's XDG_DATA_HOME and XDG_DATA_DIRS"),
            false => report.problem(CHECK, "the bus cannot start the service: it is not installed", INSTALL),
        }
        return None;
    };
    let path = file.path.display();
    if !is_known {
        report.problem(
            CHECK,
            format_args!("{path} is there, and the bus does not know it"),
            "log in again; if that does not help, the bus looks elsewhere: see XDG_DATA_HOME and XDG_DATA_DIRS in its environment",
        );
    } else if file.name != NAME {
        report.problem(
            CHECK,
            format_args!("{path} is for the name {:?}", file.name),
            INSTALL,
        );
    } else if let Some(why) = file.program.as_deref().and_then(unusable) {
        report.problem(CHECK, format_args!("{path} starts {why}"), INSTALL);
    } else {
        report.ok(CHECK, format_args!("{path} starts {}", target(&file)));
    }
    for hidden in files {
        report.warning(
            CHECK,
            format_args!(
                "{} is not used: {path} has precedence",
                hidden.path.display()
            ),
            "remove one of them, so that each update takes effect",
        );
    }
    Some(file)
}

fn target(file: &ActivationFile) -> String {
    let program = match &file.program {
        Some(program) => program.display().to_string(),
        None => "a program".to_owned(),
    };
    match &file.unit {
        Some(unit) => format!("{program}, with systemd as {unit}"),
        None => program,
    }
}

/// Why a program cannot be executed.
fn unusable(program: &Path) -> Option<String> {
    let error = eaccess(program, AccessFlags::X_OK).err()?;
    Some(format!("{}: {}", program.display(), error.desc()))
}

/// Checks the unit that the activation file names.
pub(super) async fn check_unit(report: &mut Report, bus: &Bus, unit: &str) {
    const CHECK: Check = Check::Unit;
    let state = match systemd::unit_state(bus, unit).await {
        Ok(Some(state)) => state,
        Ok(None) => {
            report.ok(
                CHECK,
                "systemd is not on this bus, which starts the program itself",
            );
            return;
        }
        Err(error) => {
            report.problem(CHECK, error, "systemctl --user status");
            return;
        }
    };
    let UnitState { load, active, .. } = &state;
    match (load.as_str(), active.as_str()) {
        ("masked", _) => report.problem(
            CHECK,
            format_args!("{unit} is masked: systemd refuses to start it"),
            format_args!("systemctl --user unmask {unit}"),
        ),
        ("not-found", _) => report.problem(CHECK, format_args!("systemd has no unit {unit}"), INSTALL),
        ("loaded", "failed") => report.problem(
            CHECK,
            format_args!("{unit} has failed"),
            format_args!("`journalctl --user --unit {unit}` says why, and `systemctl --user reset-failed {unit}` permits the next start"),
        ),
        ("loaded", _) if state.needs_reload => report.warning(
            CHECK,
            format_args!("the file of {unit} has changed, and systemd has the former one"),
            "systemctl --user daemon-reload",
        ),
        ("loaded", active) => report.ok(CHECK, format_args!("{unit} is {active}")),
        (load, _) => report.problem(
            CHECK,
            format_args!("{unit} cannot be loaded ({load})"),
            format_args!("`systemctl --user status {unit}` says why"),
        ),
    }
}

/// The program that the bus starts, if it is known.
pub(super) fn program(file: Option<&ActivationFile>) -> Option<PathBuf> {
    file?.program.clone()
}
