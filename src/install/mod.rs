//! Installation: the program, the activation file that the session bus starts it by, and the unit of
//! systemd that the bus starts it in.
//!
//! What is written says that it was written here, and is all that is ever removed or replaced.

use std::{
    env, fs,
    io::{self, ErrorKind, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{self, Path, PathBuf},
};

use nix::unistd::{AccessFlags, eaccess};

use crate::{regular_file, wire::NAME};

const ACTIVATION: &str = include_str!("../dbus/io.github.sampled.Sampler1.service");
const UNIT: &str = include_str!("../systemd/sampled.service");

/// The first line of the files that are written here.
const MARK: &str = "# Written by `sampled install`";
/// The end of that line where the program was put in place along with them, and goes with them.
const WITH_PROGRAM: &str = ", with the program";

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

/// Why something cannot be installed or removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read, written or removed.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        cause: io::Error,
    },
    /// A file of that name is there already.
    #[error("{}: not written by `sampled install`: remove it first", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A path cannot be written in an activation file or a unit.
    #[error("{}: {what}", path.display())]
    Unquotable {
        /// The path.
        path: PathBuf,
        /// What is in it.
        what: &'static str,
    },
    /// There is no home directory to install in.
    #[error("HOME is not set to an absolute path: say where with --prefix")]
    Homeless,
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

/// The activation file by which a bus runs this program with these arguments.
///
/// # Errors
/// When the path cannot be written there.
pub fn activation_file(program: &Path, arguments: &str) -> Result<String, Error> {
    let exec = format!("Exec={} {arguments}", quote(program)?);
    Ok(with_line(ACTIVATION, "Exec=", &exec))
}

fn unit_file(program: &Path) -> Result<String, Error> {
    // % begins a specifier (systemd.unit(5)).
    let exec = format!("ExecStart={} serve", quote(program)?.replace('%', "%%"));
    Ok(with_line(UNIT, "ExecStart=", &exec))
}

/// The text, with the line that begins like this replaced.
fn with_line(text: &str, start: &str, line: &str) -> String {
    let lines = text
        .lines()
        .map(|old| if old.starts_with(start) { line } else { old });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// A path, as dbus-daemon, dbus-broker and systemd all read it: in quotes where it needs them.
///
/// They agree on quotes and on nothing beyond: what would need a backslash is refused.
fn quote(path: &Path) -> Result<String, Error> {
    let unquotable = |what| Error::Unquotable {
        path: path.to_owned(),
        what,
    };
    let text = path
        .to_str()
        .ok_or_else(|| unquotable("a path that is not UTF-8 cannot be activated"))?;
    if text.contains(|c: char| c.is_control() || matches!(c, '\\' | '"' | '`' | '$')) {
        return Err(unquotable(
            "a path with a control character, \\, \", ` or $ cannot be activated",
        ));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-@:,=%".contains(c);
    if text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Ok(format!("\"{text}\""))
}

fn is_there(path: &Path) -> Result<bool, Error> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(cause) if is_absent(&cause) => Ok(false),
        Err(cause) => Err(at(path)(cause)),
    }
}

fn is_absent(cause: &io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Whether both are one file.
fn is_same(one: &Path, other: &Path) -> Result<bool, Error> {
    let identity = |path: &Path| match fs::metadata(path) {
        Ok(metadata) => Ok(Some((metadata.dev(), metadata.ino()))),
        Err(cause) if is_absent(&cause) => Ok(None),
        Err(cause) => Err(at(path)(cause)),
    };
    Ok(identity(one)?.is_some_and(|one| identity(other).is_ok_and(|other| other == Some(one))))
}

/// Whether a file was written here: it begins with the mark, or is a program that has the mark in
/// it, as this one has.
fn is_ours(path: &Path) -> Result<bool, Error> {
    let Some(text) = read(path)? else {
        return Ok(false);
    };
    if text.starts_with(b"\x7fELF") {
        let mark = MARK.as_bytes();
        return Ok(text.windows(mark.len()).any(|window| window == mark));
    }
    Ok(text.starts_with(MARK.as_bytes()))
}

fn is_with_program(activation: &Path) -> Result<bool, Error> {
    let mark = format!("{MARK}{WITH_PROGRAM}");
    Ok(read(activation)?.is_some_and(|text| text.starts_with(mark.as_bytes())))
}

/// What is in a file. None if there is none, or if it is nothing that was written here: a FIFO, a directory.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    /// No program of this name is larger, in bytes.
    const LARGEST: u64 = 256 << 20;
    match regular_file::read(path, LARGEST) {
        Ok(text) => Ok(Some(text)),
        Err(cause) if is_absent(&cause) || cause.kind() == ErrorKind::InvalidData => Ok(None),
        Err(cause) => Err(at(path)(cause)),
    }
}

/// Writes a file at once: whoever opens it finds the old one or the new one, whole. A program that
/// is running keeps the old one.
fn replace(path: &Path, text: &[u8], mode: u32) -> Result<(), Error> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir).map_err(at(dir))?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(name);
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&temporary)?;
        // Whatever the umask says: others run it too.
        file.set_permissions(PermissionsExt::from_mode(mode))?;
        file.write_all(text)?;
        file.sync_all()?;
        // A program that is open for writing cannot be run.
        drop(file);
        fs::rename(&temporary, path)
    };
    write().map_err(|cause| {
        fs::remove_file(&temporary).ok();
        at(path)(cause)
    })
}

fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    move |cause| Error::Io {
        path: path.to_owned(),
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted() {
        let check = |path: &str, bus: &str, systemd: &str| {
            let path = Path::new(path);
            let file = activation_file(path, "serve").unwrap();
            assert!(file.lines().any(|line| line == bus), "{file}");
            let unit = unit_file(path).unwrap();
            assert!(unit.lines().any(|line| line == systemd), "{unit}");
        };
        check(
            "/usr/bin/sampled",
            "Exec=/usr/bin/sampled serve",
            "ExecStart=/usr/bin/sampled serve",
        );
        check(
            "/home/J. O'Neill/bin/sampled",
            "Exec=\"/home/J. O'Neill/bin/sampled\" serve",
            "ExecStart=\"/home/J. O'Neill/bin/sampled\" serve",
        );
        check(
            "/100%/sampled",
            "Exec=/100%/sampled serve",
            "ExecStart=/100%%/sampled serve",
        );
        for path in ["/a\"b", "/a\\b", "/a\nb", "/$HOME/b"] {
            assert!(activation_file(Path::new(path), "serve").is_err(), "{path}");
        }
    }

    #[test]
    fn what_is_shipped_is_what_is_written_for_usr() {
        let program = Path::new("/usr/bin/sampled");
        assert_eq!(activation_file(program, "serve").unwrap(), ACTIVATION);
        assert_eq!(unit_file(program).unwrap(), UNIT);
    }

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
