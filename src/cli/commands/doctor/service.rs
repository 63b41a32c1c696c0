//! The running service.

use std::path::Path;

use sampled::{
    client::{self, Bus, Client},
    wire::NAME,
};

use super::{
    super::install::replace::InstalledProgram,
    report::{Check, Report},
};
use crate::cli::running::{HeldProcess, Starter, name_owner};

/// Calls the service, which the bus starts if it does not run.
pub(super) async fn check(
    report: &mut Report,
    bus: Bus,
    installed: Option<&Path>,
) -> Option<Client> {
    const CHECK: Check = Check::Service;
    let before = bus.owner().await.ok().flatten();
    if let Some(foreign) = before.as_ref().and_then(name_owner::another_program) {
        report.problem(
            CHECK,
            foreign,
            "end that program: while it has the name, no service can have it",
        );
        return None;
    }
    // The check of the activation has told why no call can start it.
    if before.is_none() && !bus.can_start().await.unwrap_or(true) {
        return None;
    }
    let answered = async {
        let client = Client::on(bus).await?;
        client.sources().await?;
        let version = client.bus().ask(client.proxy().version()).await?;
        let owner = client.bus().owner().await?;
        Ok::<_, client::Error>((client, version, owner))
    };
    let (client, version, owner) = match answered.await {
        Ok(answered) => answered,
        Err(error) => {
            report.problem(CHECK, &error, remedy(&error, installed));
            return None;
        }
    };
    let pid = owner.and_then(|owner| owner.pid);
    let process = match pid {
        Some(pid) => format!("process {pid}, {}", Starter::of(pid)),
        None => "a process without a known pid, as in another pid namespace".to_owned(),
    };
    let now = if before.is_none() {
        " for this check"
    } else {
        ""
    };
    report.ok(
        CHECK,
        format_args!("version {version} answers: {process}{now}"),
    );
    let own = env!("CARGO_PKG_VERSION");
    if version != own {
        report.warning(
            CHECK,
            format_args!("the service has the version {version}, and this program {own}"),
            "run `sampled restart` with the newer one",
        );
    }
    if let Some(process) = pid.and_then(|pid| HeldProcess::open(pid).ok().flatten()) {
        check_executable(report, &process, installed);
    }
    Some(client)
}

/// Compares the executable of the service with the installed one.
fn check_executable(report: &mut Report, process: &HeldProcess, installed: Option<&Path>) {
    let (Some(runs), Some(installed)) = (process.program(), installed) else {
        return;
    };
    if InstalledProgram::at(installed).is_run_by(process) {
        return;
    }
    report.warning(
        Check::Service,
        format_args!(
            "process {} runs {}, and not the file that is {} now",
            process.pid(),
            runs.display(),
            installed.display()
        ),
        format_args!("run `{} restart`", installed.display()),
    );
}

fn remedy(error: &client::Error, installed: Option<&Path>) -> String {
    match (error, installed) {
        (client::Error::NotInstalled(_), _) => "run `sampled install`".to_owned(),
        (client::Error::NoAnswer { .. }, _) => "run `sampled restart`".to_owned(),
        (_, Some(program)) => format!(
            "run `{} serve` in a terminal: it says why it does not take the name {NAME}",
            program.display()
        ),
        (_, None) => {
            "the log of the session has the error of the service: `journalctl --user`".to_owned()
        }
    }
}
