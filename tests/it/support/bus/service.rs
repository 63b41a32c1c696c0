//! A service that reads the trees of a test.

use std::{path::Path, process::Child};

use super::Bus;

/// A service that a test has started. `drop` kills it.
pub(crate) struct Service(Child);

impl Bus {
    /// Starts a service that reads these trees in the places of /proc and /sys, and waits until it owns its name.
    #[track_caller]
    pub(crate) fn serve(&self, proc: impl AsRef<Path>, sys: impl AsRef<Path>) -> Service {
        let mut serve = self.sampled(&["serve", "--procfs"]);
        let serve = serve.arg(proc.as_ref()).arg("--sysfs").arg(sys.as_ref());
        let service = Service(serve.spawn().expect("spawn"));
        self.block_on(self.owned());
        service
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
