//! Constructors of the errors.

use std::io;
use std::path::Path;

use nix::errno::Errno;

use super::Error;

impl Error {
    pub(crate) fn file(path: &Path, cause: impl Into<io::Error>) -> Self {
        Self::File {
            path: path.to_path_buf(),
            cause: cause.into(),
        }
    }

    pub(crate) fn process(pid: i32, cause: Errno) -> Self {
        Self::Process {
            pid,
            cause: cause.into(),
        }
    }

    /// For `map_err`: names the call that failed.
    pub(crate) fn call<E: Into<io::Error>>(call: &'static str) -> impl Fn(E) -> Self {
        move |cause| Self::Call {
            call,
            cause: cause.into(),
        }
    }

    /// An error of the service, with its causes.
    pub(crate) fn failed(error: &(dyn std::error::Error + 'static)) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        let all = std::iter::successors(Some(error), |cause| cause.source());
        Self::Failed {
            message: error.to_string(),
            causes: causes.map(ToString::to_string).collect(),
            denied: { all }.any(is_denied),
        }
    }

    /// An error that is a text.
    pub(crate) fn message(message: String) -> Self {
        Self::Failed {
            message,
            causes: Vec::new(),
            denied: false,
        }
    }
}

fn is_denied(error: &(dyn std::error::Error + 'static)) -> bool {
    match (
        error.downcast_ref::<io::Error>(),
        error.downcast_ref::<Error>(),
    ) {
        (Some(cause), _) => cause.kind() == io::ErrorKind::PermissionDenied,
        (_, Some(error)) => error.is_denied(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_printed_in_lower_case() {
        let check = |errno: Errno, expected| {
            assert_eq!(
                Error::file(Path::new("/run/x.pid"), errno).to_string(),
                expected
            );
        };
        check(Errno::EISDIR, "/run/x.pid: is a directory");
        check(Errno::ENOENT, "/run/x.pid: no such file or directory");
    }

    #[test]
    fn a_failing_main_prints_one_line() {
        let error = Error::file(Path::new("/run/x.pid"), Errno::EACCES);
        assert_eq!(format!("{error:?}"), "/run/x.pid: permission denied");
    }
}
