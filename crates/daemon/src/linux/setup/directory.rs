use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd;

use crate::linux::error::Error;

/// Sets the file mode mask and the working directory.
pub(crate) fn enter(directory: &Path, umask: Mode) -> Result<(), Error> {
    nix::sys::stat::umask(umask);
    unistd::chdir(directory).map_err(|errno| Error::file(directory, errno))
}
