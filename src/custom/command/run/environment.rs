//! The environment of a command. It does not depend on the way in which the service was started.

use std::{env, ffi::OsString, path::PathBuf};

use nix::unistd::{Uid, User};

use crate::custom::command::Command;

/// The default of PATH.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The variables that are passed on: the paths of the user's sockets.
const PASSED: [&str; 3] = [
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
];

/// The whole environment of a command.
///
/// PATH is that of the service, because on some systems no fixed PATH contains any program. The locale is C, so
/// numbers have decimal points and messages are in English. Nothing else is passed on, because the environment of a
/// service that a shell has started differs from that of one that the bus has started.
pub(super) fn of(command: &Command) -> Vec<(OsString, OsString)> {
    let (user, home) = user();
    let mut variables = vec![
        ("PATH".into(), env::var_os("PATH").unwrap_or(PATH.into())),
        ("HOME".into(), home.into()),
        ("USER".into(), user.clone()),
        ("LOGNAME".into(), user),
        ("LANG".into(), "C".into()),
        ("LC_ALL".into(), "C".into()),
    ];
    let passed = PASSED.into_iter();
    variables.extend(passed.filter_map(|name| Some((name.into(), env::var_os(name)?))));
    variables.extend(command.environment.iter().cloned());
    variables
}

/// The working directory of a command.
pub(super) fn directory(command: &Command) -> PathBuf {
    command.directory.clone().unwrap_or_else(|| user().1)
}

/// The user's name and home, from the environment or else from the user database.
fn user() -> (OsString, PathBuf) {
    let name = env::var_os("USER").or_else(|| env::var_os("LOGNAME"));
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    if let (Some(name), Some(home)) = (&name, &home) {
        return (name.clone(), home.into());
    }
    let entry = User::from_uid(Uid::current()).ok().flatten();
    let (known_name, known_home) = match entry {
        Some(user) => (user.name.into(), user.dir),
        None => (Uid::current().to_string().into(), "/".into()),
    };
    (
        name.unwrap_or(known_name),
        home.map_or(known_home, PathBuf::from),
    )
}
