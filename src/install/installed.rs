//! The activation files of this machine: which program the session bus would start.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use crate::{regular_file, wire::NAME};

/// A file that makes the bus start the service at the first call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationFile {
    /// Its path.
    pub path: PathBuf,
    /// The name on the bus that it is for.
    pub name: String,
    /// The program, if `Exec` begins with an absolute path. dbus-daemon executes it; where systemd starts the service, the
    /// unit names the program.
    pub program: Option<PathBuf>,
    /// The unit in which systemd starts the service.
    pub unit: Option<String>,
}

impl ActivationFile {
    /// The files for the service, in the order in which the bus prefers them. The directories are those of the D-Bus
    /// specification by the environment of this process; that of the bus may differ.
    pub fn find() -> Vec<Result<Self, (PathBuf, io::Error)>> {
        let paths = directories().into_iter();
        let paths = paths.map(|directory| directory.join(format!("{NAME}.service")));
        let found = paths.filter_map(|path| match Self::read(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) if cause.kind() == io::ErrorKind::NotADirectory => None,
            read => Some(read.map_err(|cause| (path, cause))),
        });
        found.collect()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is no regular file, or is too large.
    fn read(path: &Path) -> io::Result<Self> {
        /// A usual file has less than 200 bytes.
        const SIZE_LIMIT: u64 = 64 << 10;
        let text = regular_file::read(path, SIZE_LIMIT)?;
        let text = String::from_utf8_lossy(&text);
        Ok(Self::parse(path, &text))
    }

    fn parse(path: &Path, text: &str) -> Self {
        let mut lines = text.lines().map(str::trim);
        lines.find(|line| *line == "[D-BUS Service]");
        let lines: Vec<_> = lines.take_while(|line| !line.starts_with('[')).collect();
        let value = |key: &str| {
            let mut pairs = lines.iter().filter_map(|line| line.split_once('='));
            pairs.find_map(|(name, value)| (name.trim_end() == key).then(|| value.trim_start()))
        };
        Self {
            path: path.to_owned(),
            name: value("Name").unwrap_or_default().to_owned(),
            program: value("Exec").and_then(program),
            unit: value("SystemdService").map(str::to_owned),
        }
    }
}

/// The first word of a command line, unless it is quoted in a way that `install` does not write.
fn program(exec: &str) -> Option<PathBuf> {
    let word = match exec.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => exec.split_ascii_whitespace().next(),
    };
    word.map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The directories of activation files: that of the runtime directory, that of the user, those of the system.
fn directories() -> Vec<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let home = || absolute("HOME").map(|home| home.join(".local/share"));
    let system = variable("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    let user = absolute("XDG_RUNTIME_DIR")
        .into_iter()
        .chain(absolute("XDG_DATA_HOME").or_else(home));
    let mut found: Vec<PathBuf> = Vec::new();
    // dbus-daemon has /usr/share also where XDG_DATA_DIRS lacks it.
    for directory in user
        .chain(env::split_paths(&system))
        .chain(["/usr/share".into()])
    {
        let directory = directory.join("dbus-1/services");
        if !found.contains(&directory) {
            found.push(directory);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activation_file_names_program_and_unit() {
        let check = |text: &str, program: Option<&str>, unit: Option<&str>| {
            let file = ActivationFile::parse(Path::new("/f"), text);
            assert_eq!(file.program.as_deref(), program.map(Path::new), "{text}");
            assert_eq!(file.unit.as_deref(), unit, "{text}");
            assert_eq!(file.name, "a.b", "{text}");
        };
        check(
            "# c\n[D-BUS Service]\nName=a.b\nExec=/bin/x serve\n",
            Some("/bin/x"),
            None,
        );
        check(
            "[D-BUS Service]\nExec=\"/a b/x\" serve\nName = a.b\nSystemdService=s.service\n",
            Some("/a b/x"),
            Some("s.service"),
        );
        check(
            "[D-BUS Service]\nName=a.b\nExec=x serve\n[Other]\nSystemdService=s\n",
            None,
            None,
        );
        check("Exec=/bin/x\n[D-BUS Service]\nName=a.b", None, None);
    }

    #[test]
    fn what_install_writes_is_read() {
        for program in ["/usr/bin/sampled", "/home/J. O'Neill/bin/sampled"] {
            let program = Path::new(program);
            let text = crate::install::activation_file(program, "serve").unwrap();
            let file = ActivationFile::parse(Path::new("/f"), &text);
            assert_eq!(file.program.as_deref(), Some(program));
            assert_eq!(
                (file.name.as_str(), file.unit.as_deref()),
                (NAME, Some("sampled.service"))
            );
        }
    }
}
