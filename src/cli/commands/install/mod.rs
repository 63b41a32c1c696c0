//! `sampled install`: installs the program, its activation file and unit, the descriptions of its interfaces, its manual
//! pages and its completions.

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
    systemd,
};

use crate::cli::{
    error::Error,
    output::format::{self, note},
    runtime::block_on,
};

use replace::InstalledProgram;

/// The timeout for reloading the bus and systemd. systemd reads all units again, perhaps on a busy machine.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The options of `install` and `uninstall`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LayoutOptions {
    /// Use DIR/bin, DIR/lib/systemd/user, and in DIR/share the directories dbus-1/services, dbus-1/interfaces, man,
    /// bash-completion/completions, zsh/site-functions and fish/vendor_completions.d [default: ~/.local/bin,
    /// $XDG_DATA_HOME and ~/.local/share/man]
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
    /// Install below DIR instead of /, without a reload of the bus and systemd: for packages
    #[arg(long, value_name = "DIR")]
    pub(super) destdir: Option<PathBuf>,
}

/// The options of `install`.
#[derive(Clone, Debug, Args)]
pub(crate) struct InstallOptions {
    #[command(flatten)]
    options: LayoutOptions,
    /// Install no unit: the bus starts the service itself
    #[arg(long)]
    no_systemd: bool,
}

pub(crate) fn run(given: InstallOptions) -> Result<ExitCode, Error> {
    let installation = given.options.installation(!given.no_systemd)?;
    let zsh_completion = installation.layout.zsh_completions.join("_sampled");
    let has_zsh_completion = zsh_completion.exists();
    // This path opens the running executable, even if another file has its path by now.
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
        if !has_zsh_completion {
            warn_of_fpath(&installation.layout.zsh_completions);
        }
    }
    let program = InstalledProgram::at(program);
    let replaced = match reload(true)? {
        Reload::Known => replace::after_install(&program, is_home),
        Reload::Elsewhere => replace::name_running(&program),
        Reload::Failed => Ok(()),
    };
    replaced
        .unwrap_or_else(|error| note(format_args!("the running service is not replaced: {error}")));
    Ok(ExitCode::SUCCESS)
}

impl LayoutOptions {
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

/// Whether the running bus knows of the written or removed files.
#[derive(PartialEq, Eq)]
pub(super) enum Reload {
    /// It uses the written files, or no longer uses the removed ones.
    Known,
    /// It looks for activation files elsewhere.
    Elsewhere,
    /// It was not told.
    Failed,
}

/// Has the running bus and its systemd reload. Without a running bus that is not needed: the next one reads the new
/// files.
pub(super) fn reload(installed: bool) -> Result<Reload, Error> {
    let reloading = async {
        let bus = Bus::within(None, RELOAD_TIMEOUT).await?;
        let systemd = systemd::reload(&bus).await?;
        let found = bus.can_start().await?;
        Ok::<_, systemd::Error>((systemd, found))
    };
    match block_on(async { Ok(reloading.await) })? {
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
                return Ok(Reload::Elsewhere);
            }
            Ok(Reload::Known)
        }
        Err(error) => {
            note(format_args!(
                "neither the bus nor systemd was told to reload: {error}"
            ));
            Ok(Reload::Failed)
        }
    }
}

/// Warns if the shell will not find the program in PATH.
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

/// Tells a user of zsh what to add: it searches no directory of the user for completions.
fn warn_of_fpath(directory: &Path) {
    let shell = env::var_os("SHELL").unwrap_or_default();
    if Path::new(&shell).file_name() == Some("zsh".as_ref()) {
        let directory = directory.display();
        note(format_args!(
            "for completion in zsh, add the line `fpath=(\"{directory}\" $fpath)` to ~/.zshrc, before compinit"
        ));
    }
}

/// Warns if HOME is not the home directory in passwd(5), which dbus-daemon uses instead of HOME.
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
