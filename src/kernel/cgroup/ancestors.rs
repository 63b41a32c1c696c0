//! The control groups above the unit of the service.

use std::path::{Path, PathBuf};

use crate::{
    reading::Fault,
    regular_file,
    source::{Error, Roots, file::File},
};

/// The files of a control group.
pub(super) struct Ancestor {
    pub(super) memory_max: ControlFile,
    pub(super) memory_current: ControlFile,
    pub(super) cpu_max: ControlFile,
}

/// A file of a control group; none where the control group does not have its controller, as the root.
pub(super) struct ControlFile(Option<File>);

impl ControlFile {
    fn find(path: PathBuf) -> Self {
        Self(path.exists().then(|| File::attribute(path)))
    }

    /// The value in the text.
    pub(super) fn value<T>(&mut self, parse: impl FnOnce(&[u8]) -> Option<T>) -> Result<T, Fault> {
        let file = self.0.as_mut().ok_or(Fault::Gone)?;
        let text = file.read().map_err(|error| error.fault())?;
        parse(text).ok_or(Fault::Malformed)
    }

    /// The limit in the text; none without a limit.
    pub(super) fn limit<T>(
        &mut self,
        parse: impl FnOnce(&[u8]) -> Option<Result<T, Fault>>,
    ) -> Option<Result<T, Fault>> {
        match self.0.as_mut()?.read() {
            Ok(text) => parse(text),
            // The control group has been removed, or moved to another place.
            Err(error) if error.fault() == Fault::Gone => None,
            Err(error) => Some(Err(error.fault())),
        }
    }
}

/// The control groups whose limits hold for more than the unit of the service: from the root that can be seen, which is that
/// of the container in a container, down to the one above the unit. Without cgroup v2 there are none.
pub(super) fn ancestors(roots: &Roots) -> Result<Vec<Ancestor>, Error> {
    let cgroup = roots.proc.join("self/cgroup");
    let text = match regular_file::table(&cgroup) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(Error::io(&cgroup, cause)),
    };
    let text = String::from_utf8_lossy(&text);
    let Some(path) = text.lines().find_map(|line| line.strip_prefix("0::")) else {
        return Ok(Vec::new());
    };
    let (place, root) = mount(roots);
    // A control group outside the mount cannot be seen, and neither can its ancestors.
    let below = Path::new(path).strip_prefix(&root).unwrap_or(Path::new(""));
    let directories = above_unit(below).into_iter().map(|below| place.join(below));
    let ancestor = |directory: PathBuf| Ancestor {
        memory_max: ControlFile::find(directory.join("memory.max")),
        memory_current: ControlFile::find(directory.join("memory.current")),
        cpu_max: ControlFile::find(directory.join("cpu.max")),
    };
    Ok(directories.map(ancestor).collect())
}

/// The place at which cgroup v2 is mounted, and the control group that is there.
fn mount(roots: &Roots) -> (PathBuf, PathBuf) {
    let text = regular_file::table(&roots.proc.join("self/mountinfo")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    // 29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw
    let found = text.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, place) = (fields.next()?, fields.next()?);
        let place = Path::new(place).strip_prefix("/sys").ok()?;
        kind.starts_with("cgroup2 ")
            .then(|| (roots.sys.join(place), root.into()))
    });
    found.unwrap_or_else(|| (roots.sys.join("fs/cgroup"), "/".into()))
}

/// The paths of the control groups above the unit of this path. The unit of a user manager is below that of the manager.
fn above_unit(path: &Path) -> Vec<PathBuf> {
    let is_unit = |part: &Path| {
        let name = part.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.ends_with(".service") || name.ends_with(".scope"))
    };
    let unit = path.ancestors().find(|path| is_unit(path));
    // The first of the ancestors of a path is the path itself.
    let above = unit.unwrap_or(path).ancestors();
    let above = above.skip(unit.is_some().into());
    above.map(Path::to_owned).collect()
}
