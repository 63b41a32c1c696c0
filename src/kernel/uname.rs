//! The kernel and the host, as in uname(2): `ostype`, `osrelease` and `hostname` in `/proc/sys/kernel`.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::sys::utsname::{UtsName, uname};

use crate::{
    kernel::own_kernel,
    metric::{Group, Metric, Object},
    rate::Formula,
    reading::Raw,
    source::{About, Error, Roots, Source, file::File, parse, property::Property},
};

/// `/proc/sys/kernel/ostype` and `osrelease`.
pub(super) struct KernelRelease {
    ostype: PathBuf,
    osrelease: PathBuf,
    /// Whether uname(2) tells the same.
    is_own: bool,
    /// Read once: they change only with a reboot.
    names: Option<[Arc<str>; 3]>,
}

const PROPERTIES: [Property; 3] = [
    Property::text(
        "name",
        "Name",
        "Name of the kernel.",
        "/proc/sys/kernel/ostype",
    ),
    Property::text(
        "version",
        "Version",
        "Version of the kernel.",
        "/proc/sys/kernel/osrelease",
    ),
    Property::text(
        "prettyName",
        "Name and version",
        "Name and version of the kernel.",
        "/proc/sys/kernel/ostype and /proc/sys/kernel/osrelease",
    )
    .short("Full name"),
];

const HOSTNAME: Property = Property::text(
    "hostname",
    "Host name",
    "Name of the machine in the network.",
    "/proc/sys/kernel/hostname",
);

impl KernelRelease {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            ostype: roots.proc.join("sys/kernel/ostype"),
            osrelease: roots.proc.join("sys/kernel/osrelease"),
            is_own: own_kernel::is_own(&roots.proc),
            names: None,
        }
    }

    fn names(&mut self) -> Result<[Arc<str>; 3], Error> {
        if let Some(names) = &self.names {
            return Ok(names.clone());
        }
        let read =
            |path: &Path, field: fn(&UtsName) -> &OsStr| match read_text(&mut File::new(path)) {
                Err(error) if self.is_own && own_kernel::is_hidden(&error) => {
                    of_uname(field).ok_or(error)
                }
                text => text,
            };
        let name = read(&self.ostype, UtsName::sysname)?;
        let version = read(&self.osrelease, UtsName::release)?;
        let pretty = format!("{name} {version}").into();
        Ok(self.names.insert([name, version, pretty]).clone())
    }
}

impl Source for KernelRelease {
    fn about(&self) -> About<'_> {
        About::new("os", &["os/kernel/*"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.names()?;
        let object = Object::new("Kernel", Group::System);
        let properties = PROPERTIES.iter().enumerate();
        let metric = |(column, property): (usize, &Property)| {
            property.of("os", b"kernel", &object, Formula::Level(column))
        };
        Ok(properties.map(metric).collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        columns.extend(self.names()?.map(Raw::Text));
        Ok(())
    }
}

/// `/proc/sys/kernel/hostname`, which may change at any time.
pub(super) struct Hostname {
    file: File,
    /// Whether uname(2) tells the same.
    is_own: bool,
    last: Arc<str>,
}

impl Hostname {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            file: File::new(roots.proc.join("sys/kernel/hostname")),
            is_own: own_kernel::is_own(&roots.proc),
            last: "".into(),
        }
    }

    fn name(&mut self) -> Result<Arc<str>, Error> {
        let bytes = match self.file.read() {
            Ok(bytes) => bytes,
            Err(error) if self.is_own && own_kernel::is_hidden(&error) => {
                return of_uname(UtsName::nodename).ok_or(error);
            }
            Err(error) => return Err(error),
        };
        if bytes.trim_ascii() != self.last.as_bytes() || self.last.is_empty() {
            self.last = nonempty_text(bytes).ok_or_else(|| is_empty(&self.file))?;
        }
        Ok(self.last.clone())
    }
}

impl Source for Hostname {
    fn about(&self) -> About<'_> {
        About::new("os", &["os/system/hostname"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.name()?;
        let object = Object::new("Operating system", Group::System);
        Ok(vec![HOSTNAME.of(
            "os",
            b"system",
            &object,
            Formula::Level(0),
        )])
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        columns.push(Raw::Text(self.name()?));
        Ok(())
    }
}

/// A field of uname(2); none if it is empty.
fn of_uname(field: fn(&UtsName) -> &OsStr) -> Option<Arc<str>> {
    let names = uname().ok()?;
    nonempty_text(field(&names).as_encoded_bytes())
}

/// The text of a file; an error if it is empty.
fn read_text(file: &mut File) -> Result<Arc<str>, Error> {
    nonempty_text(file.read()?).ok_or_else(|| is_empty(file))
}

fn nonempty_text(bytes: &[u8]) -> Option<Arc<str>> {
    let text = parse::text(bytes);
    (!text.is_empty()).then_some(text)
}

fn is_empty(file: &File) -> Error {
    Error::malformed(file.path(), "the file is empty")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        reading::Fault,
        source::tests::{Tree, read, roots},
    };

    #[test]
    fn a_kernel_is_read_once() {
        let tree = Tree::new();
        tree.write("sys/kernel/ostype", "Linux\n");
        tree.write("sys/kernel/osrelease", "6.1.0-21-amd64\n");
        let mut kernel = KernelRelease::new(&tree.roots());
        let names = read(&mut kernel);
        assert_eq!(names[2], Raw::Text("Linux 6.1.0-21-amd64".into()));
        tree.write("sys/kernel/osrelease", "");
        assert_eq!(read(&mut kernel), names);
        let error = KernelRelease::new(&tree.roots()).discover().unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("sys/kernel/osrelease: the file is empty")
        );
        assert_eq!(tree.descriptors(), 0);
    }

    #[test]
    fn a_hostname_is_read_afresh() {
        let tree = Tree::new();
        let mut hostname = Hostname::new(&tree.roots());
        for (bytes, expected) in [
            ("laptop\n", "laptop"),
            ("caf\u{e9}\n", "caf\u{e9}"),
            (" desk\n", "desk"),
        ] {
            tree.write("sys/kernel/hostname", bytes);
            assert_eq!(read(&mut hostname), [Raw::Text(expected.into())]);
        }
        tree.write("sys/kernel/hostname", "\n");
        let error = hostname.read(&mut Vec::new()).unwrap_err();
        assert_eq!(error.fault(), Fault::Malformed);
        assert_eq!(tree.descriptors(), 1);
    }

    #[test]
    fn fixtures() {
        let mut kernel = KernelRelease::new(&roots("laptop"));
        assert_eq!(kernel.discover().unwrap().len(), 3);
        assert_eq!(read(&mut kernel).len(), 3);
        let mut hostname = Hostname::new(&roots("laptop"));
        assert_eq!(hostname.discover().unwrap().len(), 1);
        assert_eq!(read(&mut hostname).len(), 1);
    }
}
