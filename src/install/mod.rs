//! Installation of the program, the activation file for the session bus, the systemd unit that the bus starts it in, the
//! descriptions of the interfaces, the manual pages and the completions of shells.
//!
//! The written files carry a mark. Only files with the mark are replaced or removed.

mod activation;
mod companion;
mod documents;
mod error;
mod file;
mod installed;

use std::{
    env, fs,
    path::{self, Path, PathBuf},
};

use nix::unistd::{AccessFlags, eaccess};

use crate::wire::NAME;

pub use activation::activation_file;
use activation::unit_file;
pub use companion::COMPANIONS;
use companion::Companion;
pub use error::Error;
use error::at;
use file::{MARK, WITH_PROGRAM, is_ours, is_same, is_there, mark_of, replace};
pub use installed::ActivationFile;

/// The paths of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The program.
    pub program: PathBuf,
    /// The directory of activation files.
    pub services: PathBuf,
    /// The directory of units.
    pub units: PathBuf,
    /// The directory of descriptions of interfaces.
    pub interfaces: PathBuf,
    /// The directory of manual pages, which has a directory for each section.
    pub manuals: PathBuf,
    /// The directory of completions for bash.
    pub bash_completions: PathBuf,
    /// The directory of completions for zsh. No shell searches that of a user.
    pub zsh_completions: PathBuf,
    /// The directory of completions for fish.
    pub fish_completions: PathBuf,
}

/// Something to install or to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The paths.
    pub layout: Layout,
    /// The staging directory of a package, in place of `/`. The written files do not mention it.
    pub destdir: Option<PathBuf>,
    /// Whether a unit is installed. If the activation file names a unit, a bus that works with systemd starts only the
    /// unit; so the unit and its name in the activation file are written together or not at all.
    pub systemd: bool,
}

impl Layout {
    /// The paths in the home directory of this user.
    ///
    /// Units go to the data directory: by systemd.unit(5) it is for installed units, and the configuration directory for
    /// those that the user writes.
    ///
    /// # Errors
    /// When HOME is not set to an absolute path.
    pub fn of_user() -> Result<Self, Error> {
        let home = absolute("HOME").ok_or(Error::Homeless)?;
        let data = absolute("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
        Ok(Self {
            program: home.join(".local/bin/sampled"),
            services: data.join("dbus-1/services"),
            units: data.join("systemd/user"),
            interfaces: data.join("dbus-1/interfaces"),
            // man(1) searches beside the directories of PATH, and not in XDG_DATA_HOME.
            manuals: home.join(".local/share/man"),
            bash_completions: data.join("bash-completion/completions"),
            zsh_completions: data.join("zsh/site-functions"),
            fish_completions: data.join("fish/vendor_completions.d"),
        })
    }

    /// The paths under a prefix, such as `/usr/local`.
    ///
    /// # Errors
    /// When the prefix is relative, and the working directory cannot be found.
    pub fn under(prefix: &Path) -> Result<Self, Error> {
        let prefix = path::absolute(prefix).map_err(at(prefix))?;
        Ok(Self {
            program: prefix.join("bin/sampled"),
            services: prefix.join("share/dbus-1/services"),
            units: prefix.join("lib/systemd/user"),
            interfaces: prefix.join("share/dbus-1/interfaces"),
            manuals: prefix.join("share/man"),
            bash_completions: prefix.join("share/bash-completion/completions"),
            zsh_completions: prefix.join("share/zsh/site-functions"),
            fish_completions: prefix.join("share/fish/vendor_completions.d"),
        })
    }
}

fn absolute(variable: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os(variable)?);
    path.is_absolute().then_some(path)
}

impl Installation {
    /// Installs everything: the program as a copy of the file `from`, and the [`COMPANIONS`] that lie beside it. Returns
    /// the paths that it has written.
    ///
    /// # Errors
    /// When a file cannot be written, or would replace one without the mark.
    pub fn install(&self, from: &Path) -> Result<Vec<PathBuf>, Error> {
        let [program, activation, unit] = self.paths();
        let documents = documents::all(&self.layout);
        let is_same = is_same(from, &program)?;
        let former = mark_of(&activation)?;
        let companions = Companion::all(from, &program, &former)?;
        let mark = match is_same && !former.contains(WITH_PROGRAM) {
            true => format!("{MARK}.\n"),
            false => {
                let mut mark = format!("{MARK}{WITH_PROGRAM}");
                let known = companions.iter().filter(|companion| companion.is_ours);
                known.for_each(|companion| mark.push_str(&companion.mark()));
                mark + ".\n"
            }
        };
        let named = &self.layout.program;
        let activation_text = mark.clone() + &self.activation(named)?;
        let unit_text = mark + &unit_file(named)?;
        // Check all files before writing any.
        let paths = [&program, &activation, &unit].map(Clone::clone).into_iter();
        let staged = documents
            .iter()
            .map(|document| self.staged(document.path.clone()));
        for path in paths.chain(staged) {
            let is_written = (path != program || !is_same) && (path != unit || self.systemd);
            if is_written && is_there(&path)? && !is_ours(&path)? {
                return Err(Error::Foreign { path });
            }
        }
        let mut written = Vec::new();
        if !is_same {
            let text = fs::read(from).map_err(at(from))?;
            replace(&program, &text, 0o755)?;
            written.push(program);
        }
        for companion in companions {
            if let Some(from) = companion.from {
                let text = fs::read(&from).map_err(at(&from))?;
                replace(&companion.path, &text, 0o755)?;
                written.push(companion.path);
            }
        }
        for document in documents {
            let path = self.staged(document.path.clone());
            replace(&path, document.content().as_bytes(), 0o644)?;
            written.push(path);
        }
        // The unit first: once the activation file exists, the bus may start the unit.
        if self.systemd {
            replace(&unit, unit_text.as_bytes(), 0o644)?;
            written.push(unit);
        }
        replace(&activation, activation_text.as_bytes(), 0o644)?;
        written.push(activation);
        Ok(written)
    }

    /// Removes the files that [`install`](Self::install) has written, and no others. Returns their paths. Directories
    /// stay.
    ///
    /// # Errors
    /// When a file cannot be read or removed.
    pub fn uninstall(&self) -> Result<Vec<PathBuf>, Error> {
        let [program, activation, unit] = self.paths();
        let mark = mark_of(&activation)?;
        let with_program = mark.contains(WITH_PROGRAM);
        let mut ours = Vec::new();
        let documents = documents::all(&self.layout).into_iter();
        let documents = documents.map(|document| self.staged(document.path));
        let others = documents.chain([program.clone()]);
        for path in [activation, unit].into_iter().chain(others) {
            let is_to_stay = path == program && !with_program;
            if !is_to_stay && is_there(&path)? && is_ours(&path)? {
                ours.push(path);
            }
        }
        ours.extend(companion::installed(&program, &mark));
        // Check that all can be removed before removing any: the activation file tells whether the program belongs to it.
        for path in &ours {
            let dir = path.parent().unwrap_or(Path::new("/"));
            let rights = AccessFlags::W_OK | AccessFlags::X_OK;
            eaccess(dir, rights).map_err(|cause| at(path)(cause.into()))?;
        }
        for path in &ours {
            fs::remove_file(path).map_err(at(path))?;
        }
        Ok(ours)
    }

    /// The paths of program, activation file and unit.
    fn paths(&self) -> [PathBuf; 3] {
        let layout = &self.layout;
        [
            layout.program.clone(),
            layout.services.join(format!("{NAME}.service")),
            layout.units.join("sampled.service"),
        ]
        .map(|path| self.staged(path))
    }

    fn staged(&self, path: PathBuf) -> PathBuf {
        match &self.destdir {
            Some(destdir) => destdir.join(path.strip_prefix("/").unwrap_or(&path)),
            None => path,
        }
    }

    fn activation(&self, program: &Path) -> Result<String, Error> {
        let text = activation_file(program, "serve")?;
        if self.systemd {
            return Ok(text);
        }
        let lines = text.lines();
        let lines = lines.filter(|line| !line.starts_with("SystemdService="));
        Ok(lines.flat_map(|line| [line, "\n"]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_systemd_no_unit_is_named() {
        let mut installation = Installation {
            layout: Layout::under(Path::new("/usr")).unwrap(),
            destdir: None,
            systemd: true,
        };
        let program = installation.layout.program.clone();
        let with = installation.activation(&program).unwrap();
        assert!(with.contains("SystemdService=sampled.service"));
        installation.systemd = false;
        let without = installation.activation(&program).unwrap();
        assert_eq!(
            without,
            with.replace("SystemdService=sampled.service\n", "")
        );
    }
}
