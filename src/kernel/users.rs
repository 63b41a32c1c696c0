//! Users that are logged in: the sessions of systemd-logind, or utmp without them.

use std::{
    collections::HashSet,
    io,
    mem::{offset_of, size_of},
    path::{Path, PathBuf},
};

use nix::libc;

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    regular_file,
    source::{About, Error, Roots, Source, parse, property::Property},
};

/// The users that are logged in.
pub(super) struct Users {
    /// The directory of logind, with a file for each session.
    sessions: PathBuf,
    /// The file of utmp(5), with a record for each terminal.
    utmp: PathBuf,
}

#[rustfmt::skip]
const PROPERTIES: [Property; 2] = [
    Property::new("loggedIn", "Logged in", "Number of people who are logged in.", "distinct users of the sessions of class user in /run/systemd/sessions/, or of the records in /run/utmp", unit::ONE, Kind::Gauge),
    Property::new("sessions", "Sessions", "Number of login sessions of people.", "sessions of class user in /run/systemd/sessions/, or records of users in /run/utmp", unit::ONE, Kind::Gauge),
];

impl Users {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            sessions: roots.root.join("run/systemd/sessions"),
            utmp: roots.root.join("run/utmp"),
        }
    }

    /// The user of each session; none if there is neither logind nor utmp.
    fn sessions(&self) -> Result<Option<Vec<Vec<u8>>>, Error> {
        let entries = match regular_file::entries(&self.sessions) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return self.utmp_records(),
            Err(cause) => return Err(Error::io(&self.sessions, cause)),
        };
        let mut users = Vec::new();
        for path in entries.into_iter().map(|entry| entry.path()) {
            if !is_session(&path) {
                continue;
            }
            match regular_file::table(&path) {
                Ok(text) => users.extend(session_user(&text)),
                // The session has ended meanwhile.
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                // A count without this session would be too small.
                Err(cause) => return Err(Error::io(&path, cause)),
            }
        }
        Ok(Some(users))
    }

    fn utmp_records(&self) -> Result<Option<Vec<Vec<u8>>>, Error> {
        match regular_file::table(&self.utmp) {
            Ok(bytes) => Ok(Some(utmp_users(&bytes))),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(Error::io(&self.utmp, cause)),
        }
    }
}

impl Source for Users {
    fn about(&self) -> About<'_> {
        About::new("os", &["os/users/*"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        if self.sessions()?.is_none() {
            return Ok(Vec::new());
        }
        let object = Object::new("Users", Group::System);
        let properties = PROPERTIES.iter().enumerate();
        let metric = |(column, property): (usize, &Property)| {
            property.of("os", b"users", &object, Formula::Level(column))
        };
        Ok(properties.map(metric).collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let Some(users) = self.sessions()? else {
            columns.resize(PROPERTIES.len(), Raw::Fault(Fault::Gone));
            return Ok(());
        };
        let distinct: HashSet<_> = users.iter().collect();
        columns.extend([distinct.len(), users.len()].map(|count| Raw::Number(count as f64)));
        Ok(())
    }
}

/// Whether this is the file of a session: beside it are a FIFO, `1.ref`, and files that logind has not renamed yet, which
/// other users may not read.
fn is_session(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    !name.starts_with(b".") && !name.ends_with(b".ref")
}

/// The user in a session file of logind, if the session is of class user and not closing.
fn session_user(text: &[u8]) -> Option<Vec<u8>> {
    let value = |key: &[u8]| parse::lines(text).find_map(|line| line.strip_prefix(key));
    let is_person = value(b"CLASS=").is_some_and(|class| class.starts_with(b"user"));
    let is_over = value(b"STATE=") == Some(b"closing");
    value(b"UID=")
        .filter(|_| is_person && !is_over)
        .map(<[u8]>::to_vec)
}

/// The users in the records of utmp(5).
fn utmp_users(bytes: &[u8]) -> Vec<Vec<u8>> {
    const NAME: usize = offset_of!(libc::utmpx, ut_user);
    const NAME_END: usize = NAME + 32;
    let records = bytes.chunks_exact(size_of::<libc::utmpx>());
    let of_users = records.filter(|record| {
        const TYPE: usize = offset_of!(libc::utmpx, ut_type);
        let record_type = record[TYPE..].first_chunk().copied();
        record_type.map(i16::from_ne_bytes) == Some(libc::USER_PROCESS)
    });
    let names = of_users.map(|record| {
        let name = &record[NAME..NAME_END];
        name.split(|&byte| byte == 0)
            .next()
            .unwrap_or(name)
            .to_vec()
    });
    names.filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{Tree, read, roots};

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let expected = expected.map(|user| user.as_bytes().to_vec());
        assert_eq!(session_user(text.as_bytes()), expected);
    }

    #[test]
    fn sessions_of_logind() {
        check(
            "# private\nUID=1000\nUSER=u\nSTATE=active\nCLASS=user\n",
            Some("1000"),
        );
        check("UID=0\nCLASS=user-early\nSTATE=online\n", Some("0"));
        check("UID=42\nCLASS=greeter\nSTATE=active\n", None);
        check("UID=1000\nCLASS=manager\nSTATE=active\n", None);
        check("UID=1000\nCLASS=user\nSTATE=closing\n", None);
        check("", None);
    }

    #[test]
    fn records_of_utmp() {
        let record = |record_type: i16, name: &str| {
            let mut bytes = vec![0; size_of::<libc::utmpx>()];
            bytes[offset_of!(libc::utmpx, ut_type)..][..2]
                .copy_from_slice(&record_type.to_ne_bytes());
            bytes[offset_of!(libc::utmpx, ut_user)..][..name.len()]
                .copy_from_slice(name.as_bytes());
            bytes
        };
        let user = libc::USER_PROCESS;
        let all = [
            record(2, "reboot"),
            record(user, "ann"),
            record(user, "bob"),
            record(8, "x"),
        ];
        assert_eq!(utmp_users(&all.concat()), [b"ann", b"bob"]);
        assert_eq!(utmp_users(&all.concat()[..900]), [b"ann"]);
        assert_eq!(utmp_users(b""), [b""; 0]);
    }

    #[test]
    fn each_person_counts_once() {
        let mut laptop = Users::new(&roots("laptop"));
        assert_eq!(laptop.discover().unwrap().len(), 2);
        assert_eq!(read(&mut laptop), [1.0, 2.0].map(Raw::Number));
        assert_eq!(Users::new(&Tree::new().roots()).discover().unwrap(), []);
    }

    #[test]
    fn a_session_that_cannot_be_read_is_not_left_out() {
        let tree = Tree::new();
        tree.write(
            "run/systemd/sessions/1",
            "UID=1000\nCLASS=user\nSTATE=active\n",
        );
        tree.write("run/systemd/sessions/.#1f3a", "nonsense");
        std::fs::create_dir(tree.root.join("run/systemd/sessions/1.ref")).unwrap();
        let mut users = Users::new(&tree.roots());
        assert_eq!(users.discover().unwrap().len(), 2);
        assert_eq!(read(&mut users), [1.0, 1.0].map(Raw::Number));
        std::fs::create_dir(tree.root.join("run/systemd/sessions/2")).unwrap();
        let error = users.read(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("sessions/2: "), "{error}");
        std::fs::remove_file(tree.root.join("run/systemd/sessions/1")).unwrap();
        std::fs::remove_dir(tree.root.join("run/systemd/sessions/2")).unwrap();
        assert_eq!(read(&mut users), [0.0, 0.0].map(Raw::Number));
    }
}
