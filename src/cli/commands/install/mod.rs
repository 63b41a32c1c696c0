//! `sampled install`: puts the program in place for the bus and systemd.

pub(super) mod replace;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use nix::unistd::{Uid, User};

use sampled::{
    client::Bus,
    install::{Installation, Layout},
};

use crate::cli::{
    error::Error,
    output::format::{self, note},
    runtime::block_on,
};

use replace::Program;

/// The bus and systemd have this long. systemd reads all units again, on a machine that may be busy.
const TELL: Duration = Duration::from_secs(10);

/// What `install` and `uninstall` can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Use DIR/bin, DIR/share/dbus-1/services and DIR/lib/systemd/user [default: ~/.local/bin and
    /// $XDG_DATA_HOME]
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
    /// Put everything below DIR, as if it were /, and tell nobody: for those who make packages
    #[arg(long, value_name = "DIR")]
    pub(super) destdir: Option<PathBuf>,
}

/// What `install` alone can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct InstallOptions {
    #[command(flatten)]
    options: Options,
    /// Install no unit: the bus starts the service itself, also where it works with systemd
    #[arg(long)]
    no_systemd: bool,
}

pub(crate) fn run(given: InstallOptions) -> Result<ExitCode, Error> {
    let installation = given.options.installation(!given.no_systemd)?;
    // Opened by this name, it is the program that runs, even if another has its path by now.
    let written = installation.install(Path::new("/proc/self/exe"))?;
    print("wrote", &written)?;
    if given.options.destdir.is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    let program = &installation.layout.program;
    let is_home = given.options.prefix.is_none();
    warn_of_path(program);
    if is_home {
        warn_of_home();
    }
    if tell(true)? {
        let replaced = replace::by_installed(&Program::at(program), is_home);
        replaced.unwrap_or_else(|error| note(format_args!("what runs is not replaced: {error}")));
    }
    Ok(ExitCode::SUCCESS)
}

impl Options {
    pub(super) fn installation(&self, systemd: bool) -> Result<Installation, Error> {
        let layout = match &self.prefix {
            Some(prefix) => Layout::under(prefix)?,
            None => Layout::of_user()?,
        };
        Ok(Installation {
            layout,
            destdir: self.destdir.clone(),
            systemd,
        })
    }
}

pub(super) fn print(what: &str, paths: &[PathBuf]) -> Result<(), Error> {
    let mut paths = paths.iter();
    paths.try_for_each(|path| format::say(format_args!("{what} {}", path.display())))
}

/// Tells the bus that runs, and its systemd. Where there is none, the next one finds what it needs. Returns whether
/// the bus does from here on what was installed, or removed.
pub(super) fn tell(installed: bool) -> Result<bool, Error> {
    let telling = async {
        let bus = Bus::within(None, TELL).await?;
        let systemd = bus.reload().await?;
        let found = bus.can_start().await?;
        Ok::<_, sampled::client::Error>((systemd, found))
    };
    match block_on(async { Ok(telling.await) })? {
        Ok((systemd, found)) => {
            let told = if systemd {
                "the session bus and systemd"
            } else {
                "the session bus"
            };
            note(format_args!("told {told} to reload"));
            if installed && !found {
                note(
                    "the session bus does not look there for activation files: see \
                     XDG_DATA_HOME and XDG_DATA_DIRS in its environment",
                );
            }
            Ok(found || !installed)
        }
        Err(error) => {
            note(format_args!("nobody was told to reload: {error}"));
            Ok(false)
        }
    }
}

/// A person types the name of the program, and the shell looks for it in PATH.
fn warn_of_path(program: &Path) {
    let Some(directory) = program.parent() else {
        return;
    };
    let path = env::var_os("PATH").unwrap_or_default();
    if !env::split_paths(&path).any(|searched| searched == directory) {
        let directory = directory.display();
        note(format_args!(
            "{directory} is not in PATH: add the line `export PATH=\"{directory}:$PATH\"` to ~/.profile"
        ));
    }
}

/// dbus-daemon does not take the home directory from HOME but from the system's list of users.
fn warn_of_home() {
    let Some(home) = env::var_os("HOME") else {
        return;
    };
    let user = User::from_uid(Uid::current()).ok().flatten();
    if env::var_os("XDG_DATA_HOME").is_none()
        && let Some(user) = user
        && user.dir != Path::new(&home)
    {
        note(format_args!(
            "HOME is {}, but dbus-daemon will look in {}, unless XDG_DATA_HOME is set for it",
            Path::new(&home).display(),
            user.dir.display()
        ));
    }
}
