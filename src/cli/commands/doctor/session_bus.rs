//! The session bus, and the directory that its socket is in.

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use nix::unistd::Uid;

use sampled::client::{
    self, Bus, Sandbox,
    transport::{Listener, addresses::is_session_given},
};

use super::report::{Check, Report};
use crate::cli::deadline::TimeoutOption;

/// Checks XDG_RUNTIME_DIR by the rules of the XDG Base Directory Specification.
pub(super) fn check_runtime_directory(report: &mut Report) {
    const CHECK: Check = Check::RuntimeDirectory;
    match runtime_directory() {
        Ok(directory) => report.ok(CHECK, directory.display()),
        Err((text, remedy)) => {
            report.warning(CHECK, format_args!("XDG_RUNTIME_DIR{text}"), remedy);
        }
    }
}

/// The directory, or what is wrong with it and the remedy.
fn runtime_directory() -> Result<PathBuf, (String, String)> {
    let log_in = |text| {
        let remedy = "log in to a session of systemd-logind or elogind, which makes the directory and sets the variable";
        (text, remedy.to_owned())
    };
    let given = env::var_os("XDG_RUNTIME_DIR").filter(|value| !value.is_empty());
    let given = given.ok_or_else(|| {
        let effect = " is not set: a service that leaves has no place for the past";
        log_in(effect.to_owned())
    })?;
    let directory = PathBuf::from(given);
    let shown = directory.display();
    if !directory.is_absolute() {
        return Err(log_in(format!(" is a relative path, {shown}")));
    }
    let metadata = fs::metadata(&directory);
    let metadata = metadata.map_err(|cause| log_in(format!(": {shown}: {cause}")))?;
    if !metadata.is_dir() {
        return Err(log_in(format!(": {shown} is no directory")));
    }
    let (owner, user) = (metadata.uid(), Uid::effective());
    if owner != user.as_raw() {
        let text = format!(": {shown} belongs to the user {owner}, and this is {user}");
        let remedy =
            "use a session of your own in place of su or sudo, such as `machinectl shell USER@`";
        return Err((text, remedy.to_owned()));
    }
    match metadata.mode() & 0o777 {
        0o700 => Ok(directory),
        mode => {
            let text =
                format!(": {shown} has the mode {mode:o}: other users can reach what is in it");
            Err((text, format!("chmod 700 {shown}")))
        }
    }
}

/// Connects to the session bus.
pub(super) async fn check(report: &mut Report, timeout: TimeoutOption) -> Option<Bus> {
    match timeout.session().await {
        Ok(bus) => {
            report.ok(Check::SessionBus, format_args!("{} answers", address()));
            Some(bus)
        }
        Err(error) => {
            report.problem(Check::SessionBus, &error, remedy(&error));
            None
        }
    }
}

fn address() -> String {
    match Listener::of_environment().unwrap_or_else(Listener::usual) {
        Listener::Path(path) => path.display().to_string(),
        Listener::Other(address) => address,
    }
}

fn remedy(error: &client::Error) -> String {
    if let Some(sandbox) = Sandbox::current() {
        return sandbox.remedy();
    }
    // What is at an address of one's own may be no bus.
    let is_bus = !matches!(error, client::Error::NoBus(_) | client::Error::Handshake(_));
    if is_bus {
        return "log out and in again: the bus does not serve this program".to_owned();
    }
    if is_session_given() {
        return "DBUS_SESSION_BUS_ADDRESS gives this address: take that of a running bus, or unset it".to_owned();
    }
    match is_there("dbus-run-session") {
        true => {
            "log in to a session, or run `dbus-run-session COMMAND` for a bus of the command's own"
                .to_owned()
        }
        false => "install a session bus (Debian: apt install dbus-user-session), and log in again"
            .to_owned(),
    }
}

/// Whether PATH has a program.
fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| Path::new(&directory).join(program).is_file())
}
