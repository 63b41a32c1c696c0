//! `sampled restart`: replaces the running service, however it was started.

use std::process::{self, ExitCode};

use clap::Args;
use tokio::time::timeout;

use sampled::{client::Owner, daemon::Status, systemd};

use crate::cli::{
    common_options::CommonOptions,
    error::Error,
    log,
    output::format,
    running::{DaemonOptions, Starter, name_owner::NameOwner},
    runtime::block_on,
};

use super::{
    start::{self, StartOptions},
    stop,
};

/// The exit code of `make-way` when systemd has restarted the service and nothing is left to do.
const RESTARTED: u8 = 100;

/// The options of `make-way`, which `restart` runs.
#[derive(Clone, Debug, Args)]
pub(crate) struct MakeWayOptions {
    #[command(flatten)]
    daemon: DaemonOptions,
    /// An option of `restart` that a service started by systemd does not get
    #[arg(long, value_name = "OPTION")]
    given: Vec<String>,
}

/// Stops the service, however it was started, and starts it.
pub(crate) fn run(common: &CommonOptions, options: &StartOptions) -> Result<ExitCode, Error> {
    let deadline = options.daemon.deadline();
    // An error in the configuration, or a log file that cannot be opened, leaves the old service running.
    // The old service ends first, because it may hold the pidfile. A call in between has the bus start another one,
    // which the new service then replaces.
    let process = options.service_process(common)?.replacing();
    let checked = common.absolute()?;
    let check = move || checked.settings().map(drop);
    let daemon = options.detached().verify_with(check);
    daemon.verify()?;
    // In another process: it uses the bus, and a process that has done so must not fork afterwards.
    let mut make_way = process::Command::new("/proc/self/exe");
    let timeout = format!("{}ms", options.daemon.timeout.as_millis());
    make_way.args(["make-way", "--timeout", &timeout]);
    if let Ok(pidfile) = daemon.pidfile_path() {
        make_way.arg("--pidfile").arg(pidfile);
    }
    make_way.args(given(common, options).map(|option| format!("--given={option}")));
    let made = make_way.status();
    let made = made.map_err(|cause| Error::Kernel {
        what: "sampled make-way",
        cause,
    })?;
    if made.code() == Some(RESTARTED.into()) {
        return Ok(ExitCode::SUCCESS);
    }
    if !made.success() {
        return Ok(ExitCode::FAILURE);
    }
    let daemon = daemon.ready_timeout(deadline.left());
    start::launch(common, &process, &daemon, deadline, |daemon, service| {
        daemon.restart(service)
    })
}

/// The options given here that a service started by systemd would not get.
fn given(common: &CommonOptions, options: &StartOptions) -> impl Iterator<Item = &'static str> {
    let daemon = &options.daemon;
    [
        ("--config", common.config.is_some()),
        ("--procfs", common.procfs.is_some()),
        ("--sysfs", common.sysfs.is_some()),
        ("--rootfs", common.rootfs.is_some()),
        ("--log-level", !matches!(common.log_level, log::Level::Warn)),
        ("--idle-timeout", options.service.idle_timeout.is_some()),
        ("--log-file", daemon.log_file.is_some()),
        ("--pidfile", daemon.pidfile.is_some()),
    ]
    .into_iter()
    .filter_map(|(option, is_given)| is_given.then_some(option))
}

/// `sampled make-way`: has systemd restart the service if it is a unit, and stops it otherwise.
pub(crate) fn make_way(options: &MakeWayOptions) -> Result<ExitCode, Error> {
    let daemon = &options.daemon;
    // A daemon that `start` has detached is replaced, even if systemd runs another one.
    let is_detached = matches!(
        daemon.daemon().status(),
        Status::Running { .. } | Status::Starting { .. }
    );
    if !is_detached && by_systemd(options)? {
        return Ok(ExitCode::from(RESTARTED));
    }
    stop::run(&DaemonOptions {
        timeout: daemon.timeout.div_f64(2.0),
        ..daemon.clone()
    })
}

/// Has systemd restart the service, if it has started it.
fn by_systemd(options: &MakeWayOptions) -> Result<bool, Error> {
    let deadline = options.daemon.deadline();
    let Some(owner) = NameOwner::find(deadline)? else {
        return Ok(false);
    };
    let Ok(verified) = owner.verified() else {
        return Ok(false);
    };
    let pid = verified.pid();
    if Starter::of(pid) != Starter::Systemd {
        return Ok(false);
    }
    let Some(unit) =
        block_on(async { Ok(systemd::unit_of(&deadline.session().await?, pid).await?) })?
    else {
        return Ok(false);
    };
    if !options.given.is_empty() {
        let options = options.given.join(" and ");
        return Err(Error::NotInUnit { pid, unit, options });
    }
    let successor = block_on(async {
        let bus = deadline.session().await?;
        systemd::restart_unit(&bus, &unit).await?;
        // systemd considers a unit of `Type=simple` started before it has its name.
        timeout(deadline.left(), bus.until_owned()).await.ok();
        Ok(bus.owner().await?)
    })?;
    match successor {
        Some(Owner { pid: Some(pid), .. }) => {
            format::report(format_args!("restarted by systemd: process {pid}"))?
        }
        Some(Owner { pid: None, .. }) => format::report("restarted by systemd")?,
        None => return Err(Error::NameNotTaken { unit }),
    }
    Ok(true)
}
