//! Limits and priorities of a process, by setrlimit(2), setpriority(2) and oom_score_adj in proc_pid_oom_score_adj(5).

use std::fs;
use std::path::Path;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};
use rustix::process::setpriority_process;

use crate::linux::error::Error;
use crate::linux::sys::to_nix;

/// Each is `None` for the caller's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) core: Option<u64>,
    pub(crate) open_files: Option<u64>,
    pub(crate) nice: Option<i32>,
    pub(crate) oom_score_adj: Option<i32>,
}

impl Limits {
    /// To be called before the change of user: only root may raise some of them.
    pub(crate) fn apply(&self) -> Result<(), Error> {
        if let Some(bytes) = self.core {
            let (_, most) = getrlimit(Resource::RLIMIT_CORE).map_err(Error::call("getrlimit"))?;
            set(Resource::RLIMIT_CORE, limit(bytes).min(most))?;
        }
        if let Some(count) = self.open_files {
            set(Resource::RLIMIT_NOFILE, limit(count))?;
        }
        if let Some(nice) = self.nice {
            let done = setpriority_process(None, nice);
            done.map_err(to_nix).map_err(Error::call("setpriority"))?;
        }
        if let Some(score) = self.oom_score_adj {
            let path = Path::new("/proc/self/oom_score_adj");
            fs::write(path, score.to_string()).map_err(|cause| Error::file(path, cause))?;
        }
        Ok(())
    }
}

/// Both the soft and the hard limit.
fn set(resource: Resource, value: rlim_t) -> Result<(), Error> {
    setrlimit(resource, value, value).map_err(Error::call("setrlimit"))
}

/// On 32-bit systems rlim_t is narrower than u64: a larger limit means no limit.
fn limit(value: u64) -> rlim_t {
    rlim_t::try_from(value).unwrap_or(RLIM_INFINITY)
}
