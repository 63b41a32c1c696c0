//! Whether the program of an alert can be executed: a mistake is told at the start, not at the first crossing.

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt,
    os::unix::ffi::OsStrExt,
    path::Path,
    process::ExitCode,
};

use nix::{
    errno::Errno,
    unistd::{AccessFlags, access},
};

/// A program that cannot be executed.
#[derive(Debug)]
pub(super) struct NotExecutable {
    program: OsString,
    cause: Errno,
}

impl NotExecutable {
    /// The exit code of env(1), timeout(1) and shells: 127 if there is no such program, otherwise 126.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.cause {
            Errno::ENOENT => 127,
            _ => 126,
        })
    }
}

impl fmt::Display for NotExecutable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.program.display(), self.cause.desc())
    }
}

/// Looks a program up as execvp(3) does: a name without a slash in PATH.
pub(super) fn check(program: &OsStr) -> Result<(), NotExecutable> {
    let found = match program.as_bytes().contains(&b'/') {
        true => can_execute(Path::new(program)),
        false => {
            let path = env::var_os("PATH").unwrap_or_default();
            let mut found = Err(Errno::ENOENT);
            let directories = env::split_paths(&path).filter(|_| !program.is_empty());
            for directory in directories {
                match can_execute(&directory.join(program)) {
                    Ok(()) => return Ok(()),
                    Err(Errno::EACCES) => found = Err(Errno::EACCES),
                    Err(_) => {}
                }
            }
            found
        }
    };
    found.map_err(|cause| NotExecutable {
        program: program.to_owned(),
        cause,
    })
}

fn can_execute(path: &Path) -> Result<(), Errno> {
    access(path, AccessFlags::X_OK)?;
    match path.is_file() {
        true => Ok(()),
        false => Err(Errno::EACCES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs() {
        let check = |program: &str| check(program.as_ref()).map_err(|error| error.cause);
        assert_eq!(check("sh"), Ok(()));
        assert_eq!(check("/bin/sh"), Ok(()));
        assert_eq!(check("no-such-program"), Err(Errno::ENOENT));
        assert_eq!(check("/no/such/program"), Err(Errno::ENOENT));
        assert_eq!(check("/etc/passwd"), Err(Errno::EACCES));
        assert_eq!(check("/etc"), Err(Errno::EACCES));
        assert_eq!(check(""), Err(Errno::ENOENT));
    }
}
