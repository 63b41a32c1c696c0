use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::fs::fchown;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::{self, Gid, Group, Uid, User};

use crate::linux::error::Error;
use crate::linux::sys;

/// The user and group of the daemon. Looked up before the fork, since the lookup may open sockets and load libraries.
#[derive(Debug)]
pub(crate) struct Identity {
    user: Option<Account>,
    group: Gid,
    /// The name in the settings, for errors.
    name: String,
}

#[derive(Debug)]
struct Account {
    uid: Uid,
    /// The name under which its supplementary groups are listed.
    name: CString,
    home: PathBuf,
}

impl Identity {
    pub(crate) fn look_up(user: Option<&str>, group: Option<&str>) -> Result<Option<Self>, Error> {
        let name = user.or(group).unwrap_or_default().to_owned();
        let user = user.map(find_user).transpose()?;
        let group = match (group, &user) {
            (Some(name), _) => find_group(name)?,
            (None, Some(user)) => user.gid,
            (None, None) => return Ok(None),
        };
        let account = |user: User| {
            let no_user = |_| Error::NoUser { name: name.clone() };
            Ok(Account {
                uid: user.uid,
                name: CString::new(user.name).map_err(no_user)?,
                home: user.dir,
            })
        };
        let user = user.map(account).transpose()?;
        Ok(Some(Self { user, group, name }))
    }

    /// Changes to the user and group permanently. Groups first: after the change of user the process may not change
    /// them.
    ///
    /// Sets HOME, USER and LOGNAME; with `kept` only those that it names.
    pub(crate) fn assume(&self, kept: Option<&[OsString]>) -> Result<(), Error> {
        if self.is_current() {
            return Ok(());
        }
        match &self.user {
            Some(user) => unistd::initgroups(&user.name, self.group)
                .map_err(|cause| self.become_error("initgroups", cause))?,
            None => unistd::setgroups(&[self.group])
                .map_err(|cause| self.become_error("setgroups", cause))?,
        }
        unistd::setresgid(self.group, self.group, self.group)
            .map_err(|cause| self.become_error("setresgid", cause))?;
        let Some(user) = &self.user else {
            return Ok(());
        };
        unistd::setresuid(user.uid, user.uid, user.uid)
            .map_err(|cause| self.become_error("setresuid", cause))?;
        let name = OsStr::new(user.name.to_str().unwrap_or_default());
        let variables = [
            ("HOME", user.home.as_os_str()),
            ("USER", name),
            ("LOGNAME", name),
        ];
        let wanted = |name: &str| kept.is_none_or(|kept| kept.iter().any(|kept| kept == name));
        variables
            .into_iter()
            .filter(|(name, _)| wanted(name))
            .try_for_each(|(name, value)| sys::variables::set(OsStr::new(name), value))
    }

    /// Gives a file to the user and the group.
    pub(super) fn own(&self, file: &File) -> io::Result<()> {
        let user = self.user.as_ref().map(|user| user.uid.as_raw());
        fchown(file, user, Some(self.group.as_raw()))
    }

    pub(super) fn is_user(&self, uid: u32) -> bool {
        let is = |user: &Account| user.uid.as_raw() == uid;
        self.user.as_ref().is_some_and(is)
    }

    /// An ordinary user may name itself in the settings; the system calls would fail with EPERM.
    fn is_current(&self) -> bool {
        let current = unistd::geteuid();
        let user = self.user.as_ref().is_none_or(|user| user.uid == current);
        user && !current.is_root() && self.group == unistd::getegid()
    }

    fn become_error(&self, call: &'static str, cause: Errno) -> Error {
        Error::Become {
            name: self.name.clone(),
            call,
            cause: cause.into(),
        }
    }
}

fn find_user(name: &str) -> Result<User, Error> {
    let found = User::from_name(name).map_err(Error::call("getpwnam"))?;
    found.ok_or_else(|| Error::NoUser {
        name: name.to_owned(),
    })
}

fn find_group(name: &str) -> Result<Gid, Error> {
    let found = Group::from_name(name).map_err(Error::call("getgrnam"))?;
    let group = found.ok_or_else(|| Error::NoGroup {
        name: name.to_owned(),
    })?;
    Ok(group.gid)
}
