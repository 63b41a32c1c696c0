//! Installation: the program, the activation file that the session bus starts it by, and the unit of
//! systemd that the bus starts it in.
//!
//! What is written says that it was written here, and is all that is ever removed or replaced.

mod activation;
mod error;
mod file;

use std::{
    env, fs,
    path::{self, Path, PathBuf},
};

use nix::unistd::{AccessFlags, eaccess};

use crate::wire::NAME;

pub use activation::activation_file;
use activation::unit_file;
pub use error::Error;
use error::at;
use file::{MARK, WITH_PROGRAM, is_ours, is_same, is_there, is_with_program, replace};

/// Where everything goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The program.
    pub program: PathBuf,
    /// The directory of activation files.
    pub services: PathBuf,
    /// The directory of units.
    pub units: PathBuf,
}

/// Something to be installed, or taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Where everything goes.
    pub layout: Layout,
    /// A directory that stands for `/` while a package is made. No file names it.
    pub destdir: Option<PathBuf>,
    /// Whether there is to be a unit. With its name in the activation file, a bus that works with
    /// systemd starts nothing but the unit: there are both or neither.
    pub systemd: bool,
}

impl Layout {
    /// In the home directory of this user.
    ///
    /// Units go to the data directory: systemd.unit(5) has it for what is installed in a home, and
    /// leaves the configuration directory to the user's own hand.
    ///
    /// # Errors
    /// When there is none.
    pub fn of_user() -> Result<Self, Error> {
        let home = absolute("HOME").ok_or(Error::Homeless)?;
        let data = absolute("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
        Ok(Self {
            program: home.join(".local/bin/sampled"),
            services: data.join("dbus-1/services"),
            units: data.join("systemd/user"),
        })
    }

    /// Under a prefix, such as `/usr/local`.
    ///
    /// # Errors
    /// When the prefix is relative, and the working directory cannot be found.
    pub fn under(prefix: &Path) -> Result<Self, Error> {
        let prefix = path::absolute(prefix).map_err(at(prefix))?;
        Ok(Self {
            program: prefix.join("bin/sampled"),
            services: prefix.join("share/dbus-1/services"),
            units: prefix.join("lib/systemd/user"),
        })
    }
}

fn absolute(variable: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os(variable)?);
    path.is_absolute().then_some(path)
}

impl Installation {
    /// Puts everything in place, the program as a copy of the file `from`. Returns what it wrote.
    ///
    /// # Errors
    /// When a file cannot be written, or would replace one that is not ours.
    pub fn install(&self, from: &Path) -> Result<Vec<PathBuf>, Error> {
        let [program, activation, unit] = self.places();
        let is_same = is_same(from, &program)?;
        let mark = if is_same && !is_with_program(&activation)? {
            format!("{MARK}.\n")
        } else {
            format!("{MARK}{WITH_PROGRAM}.\n")
        };
        let named = &self.layout.program;
        let activation_text = mark.clone() + &self.activation(named)?;
        let unit_text = mark + &unit_file(named)?;
        // Nothing is written as long as anything is in the way.
        for path in [&program, &activation, &unit] {
            let is_written = (path != &program || !is_same) && (path != &unit || self.systemd);
            if is_written && is_there(path)? && !is_ours(path)? {
                return Err(Error::Foreign { path: path.clone() });
            }
        }
        let mut written = Vec::new();
        if !is_same {
            let text = fs::read(from).map_err(at(from))?;
            replace(&program, &text, 0o755)?;
            written.push(program);
        }
        // The unit first: from the moment of its activation file on, somebody may want it.
        if self.systemd {
            replace(&unit, unit_text.as_bytes(), 0o644)?;
            written.push(unit);
        }
        replace(&activation, activation_text.as_bytes(), 0o644)?;
        written.push(activation);
        Ok(written)
    }

    /// Takes away what [`install`](Self::install) has put in place, and nothing else. Returns what
    /// it removed; directories stay.
    ///
    /// # Errors
    /// When a file cannot be read or removed.
    pub fn uninstall(&self) -> Result<Vec<PathBuf>, Error> {
        let [program, activation, unit] = self.places();
        let with_program = is_with_program(&activation)?;
        let mut ours = Vec::new();
        for path in [activation, unit, program.clone()] {
            let is_to_stay = path == program && !with_program;
            if !is_to_stay && is_there(&path)? && is_ours(&path)? {
                ours.push(path);
            }
        }
        // Nothing is removed as long as something cannot be: the first file says what belongs to the others.
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

    /// Where program, activation file and unit are put.
    fn places(&self) -> [PathBuf; 3] {
        let layout = &self.layout;
        [
            layout.program.clone(),
            layout.services.join(format!("{NAME}.service")),
            layout.units.join("sampled.service"),
        ]
        .map(|path| match &self.destdir {
            Some(destdir) => destdir.join(path.strip_prefix("/").unwrap_or(&path)),
            None => path,
        })
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
