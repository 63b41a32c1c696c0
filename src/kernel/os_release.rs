//! The distribution: os-release(5).

use std::{fs, io, os::unix::fs::MetadataExt, path::PathBuf, sync::Arc, time::Duration};

use crate::{
    metric::{Group, Metric, Object},
    rate::Formula,
    reading::{Fault, Raw, monotonic},
    source::{
        About, Error, Roots, Source, file::File, last_probe::LastProbe, parse, property::Property,
    },
};

/// `/etc/os-release`, or `/usr/lib/os-release` if there is none.
pub(super) struct OsRelease {
    paths: [PathBuf; 2],
    version: Option<FileVersion>,
    fields: OsFields,
    looked: LastProbe,
}

/// The time between two looks at the path.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Identifies a version of the file. An upgrade replaces the file or the symbolic link to it, which an open
/// file descriptor does not show. So the path is looked up, which costs less than to open, read and close the file.
#[derive(PartialEq)]
struct FileVersion {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    size: u64,
}

impl OsRelease {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            paths: ["etc/os-release", "usr/lib/os-release"].map(|path| roots.root.join(path)),
            version: None,
            fields: OsFields::default(),
            looked: LastProbe::default(),
        }
    }

    fn refresh(&mut self) -> Result<(), Error> {
        for path in &self.paths {
            let metadata = match fs::metadata(path) {
                Ok(metadata) => metadata,
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
                Err(cause) => return Err(Error::io(path, cause)),
            };
            let version = FileVersion {
                device: metadata.dev(),
                inode: metadata.ino(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                size: metadata.size(),
            };
            if self.version.as_ref() != Some(&version) {
                self.fields = parse_fields(File::new(path).read()?);
                self.version = Some(version);
            }
            return Ok(());
        }
        self.fields = OsFields::default();
        self.version = None;
        Ok(())
    }
}

const PROPERTIES: [Property; 5] = [
    Property::text(
        "name",
        "Name",
        "Name of the distribution.",
        "NAME of /etc/os-release, otherwise Linux",
    ),
    Property::text(
        "version",
        "Version",
        "Version of the distribution.",
        "VERSION of /etc/os-release, otherwise VERSION_ID",
    ),
    Property::text(
        "prettyName",
        "Name and version",
        "Name and version of the distribution.",
        "PRETTY_NAME of /etc/os-release, otherwise Linux",
    )
    .short("Full name"),
    Property::text(
        "logo",
        "Logo",
        "Name of the distribution's icon in an icon theme.",
        "LOGO of /etc/os-release",
    ),
    Property::text(
        "url",
        "Web site",
        "Web site of the distribution.",
        "HOME_URL of /etc/os-release",
    ),
];

/// In the order of [`PROPERTIES`].
type OsFields = [Option<Arc<str>>; PROPERTIES.len()];

impl Source for OsRelease {
    fn about(&self) -> About<'_> {
        About::new(
            "os",
            &[
                "os/system/name",
                "os/system/version",
                "os/system/prettyName",
                "os/system/logo",
                "os/system/url",
            ],
        )
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.refresh()?;
        let object = Object::new("Operating system", Group::System);
        let properties = PROPERTIES.iter().enumerate();
        Ok(properties
            .filter(|&(column, _)| self.fields[column].is_some())
            .map(|(column, property)| property.of("os", b"system", &object, Formula::Level(column)))
            .collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        if self.looked.again(monotonic(), BETWEEN_LOOKS, || false) {
            self.refresh().inspect_err(|_| self.looked.forget())?;
        }
        let fields = self.fields.iter();
        columns.extend(fields.map(|field| match field {
            Some(text) => Raw::Text(text.clone()),
            None => Raw::Fault(Fault::Gone),
        }));
        Ok(())
    }
}

/// The fields in a text of os-release.
pub(super) fn parse_fields(text: &[u8]) -> OsFields {
    let [mut name, mut version, mut id, mut pretty, mut logo, mut url] = [const { None }; 6];
    for line in parse::lines(text) {
        let line = line.trim_ascii();
        let Some((key, value)) = parse::split(line, b'=') else {
            continue;
        };
        let field = match key {
            b"NAME" => &mut name,
            b"VERSION" => &mut version,
            b"VERSION_ID" => &mut id,
            b"PRETTY_NAME" => &mut pretty,
            b"LOGO" => &mut logo,
            b"HOME_URL" => &mut url,
            _ => continue,
        };
        // The last assignment counts, as in a shell, and an empty value is none.
        *field = unquote(value)
            .map(|value| parse::text(&value))
            .filter(|value| !value.is_empty());
    }
    let linux = || Some("Linux".into());
    [
        name.or_else(linux),
        version.or(id),
        pretty.or_else(linux),
        logo,
        url,
    ]
}

/// The value of an assignment with the quotes of a shell. Nothing is expanded.
fn unquote(value: &[u8]) -> Option<Vec<u8>> {
    match value {
        [b'\'', inner @ .., b'\''] if !inner.contains(&b'\'') => Some(inner.to_vec()),
        [b'"', inner @ .., b'"'] => unescape(inner, Some(b"$\"\\`")),
        _ => unescape(value, None),
    }
}

/// Removes the backslashes before `special` characters, or before any character if the text is not quoted.
fn unescape(text: &[u8], special: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                let next = bytes.next()?;
                if special.is_some_and(|special| !special.contains(&next)) {
                    plain.push(b'\\');
                }
                plain.push(next);
            }
            // A quote inside of the quotes, or a quote in unquoted text.
            b'"' => return None,
            b'\'' if special.is_none() => return None,
            _ => plain.push(byte),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{Tree, read, roots};

    #[track_caller]
    fn check(value: &str, expected: Option<&str>) {
        let name = parse_fields(format!("LOGO={value}\n").as_bytes())[3].clone();
        assert_eq!(name.as_deref(), expected);
    }

    #[test]
    fn quoting() {
        check("fedora", Some("fedora"));
        check("\"Debian GNU/Linux\"", Some("Debian GNU/Linux"));
        check("'single $x \\'", Some("single $x \\"));
        check(r#""a \"b\" \$c \\ \` \d""#, Some(r#"a "b" $c \ ` \d"#));
        check(r"a\ b", Some("a b"));
        check("\"caf\u{e9}\"  ", Some("caf\u{e9}"));
        check("\"unended", None);
        check("unstarted\"", None);
        check("\"one\"\"two\"", None);
        check("'it's'", None);
        check("\"", None);
        check("ends\\", None);
        check("\"\"", None);
        check("", None);
    }

    #[test]
    fn missing_and_repeated_fields() {
        let fields = |text: &str| {
            parse_fields(text.as_bytes()).map(|field| field.map(|text| text.to_string()))
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(fields(""), [text("Linux"), None, text("Linux"), None, None]);
        assert_eq!(
            fields("#NAME=no\nNAME=a\n NAME=b\nVERSION_ID=12")[..2],
            [text("b"), text("12")]
        );
        assert_eq!(
            fields("VERSION_ID=12\r\nVERSION=\"12 (x)\"\r\n")[1],
            text("12 (x)")
        );
    }

    /// The reading after [`BETWEEN_LOOKS`].
    fn read_later(release: &mut OsRelease) -> Vec<Raw> {
        release.looked.forget();
        read(release)
    }

    #[test]
    fn the_path_is_not_looked_up_for_each_reading() {
        let tree = Tree::new();
        let mut release = OsRelease::new(&tree.roots());
        tree.write("etc/os-release", "NAME=one\n");
        assert_eq!(read(&mut release)[0], Raw::Text("one".into()));
        let now = monotonic();
        tree.write("etc/os-release", "NAME=other\n");
        let name = read(&mut release)[0].clone();
        assert!(name == Raw::Text("one".into()) || monotonic() - now >= BETWEEN_LOOKS);
        assert_eq!(read_later(&mut release)[0], Raw::Text("other".into()));
    }

    #[test]
    fn a_replaced_file_is_read_again() {
        let tree = Tree::new();
        let mut release = OsRelease::new(&tree.roots());
        assert_eq!(release.discover().unwrap(), []);
        assert_eq!(read(&mut release)[0], Raw::Fault(Fault::Gone));
        tree.write("usr/lib/os-release", "NAME=usr\n");
        assert_eq!(release.discover().unwrap().len(), 2);
        assert_eq!(read(&mut release)[0], Raw::Text("usr".into()));
        tree.write("etc/os-release", "NAME=etc\n");
        assert_eq!(read_later(&mut release)[0], Raw::Text("etc".into()));
        let new = tree.write("etc/new", "NAME=new\n");
        fs::rename(&new, new.with_file_name("os-release")).unwrap();
        assert_eq!(read_later(&mut release)[0], Raw::Text("new".into()));
        assert_eq!(tree.descriptors(), 0);
    }

    #[test]
    fn fixtures() {
        let mut laptop = OsRelease::new(&roots("laptop"));
        assert_eq!(laptop.discover().unwrap().len(), 5);
        assert_eq!(read(&mut laptop).len(), 5);
    }
}
