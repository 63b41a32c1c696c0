use std::ffi::CString;

use nix::unistd::{self, Gid, Group, Uid, User};

use super::Error;

/// Whom the daemon becomes. Looked up before the fork, since the lookup may open sockets and load libraries.
#[derive(Debug)]
pub(super) struct Identity {
    /// The user, with the name under which its further groups are listed.
    user: Option<(Uid, CString)>,
    group: Gid,
}

impl Identity {
    pub(super) fn look_up(user: Option<&str>, group: Option<&str>) -> Result<Option<Self>, Error> {
        let user = user.map(find_user).transpose()?;
        let group = match (group, &user) {
            (Some(name), _) => find_group(name)?,
            (None, Some(user)) => user.gid,
            (None, None) => return Ok(None),
        };
        let user = match user {
            Some(User { uid, name, .. }) => match CString::new(name.clone()) {
                Ok(listed) => Some((uid, listed)),
                Err(_) => return Err(Error::NoUser { name }),
            },
            None => None,
        };
        Ok(Some(Self { user, group }))
    }

    /// Gives up everything else, for good. Groups first: without root's rights they could not be changed.
    pub(super) fn assume(&self) -> Result<(), Error> {
        if self.is_ours() {
            return Ok(());
        }
        match &self.user {
            Some((_, name)) => {
                unistd::initgroups(name, self.group).map_err(Error::call("initgroups"))?
            }
            None => unistd::setgroups(&[self.group]).map_err(Error::call("setgroups"))?,
        }
        unistd::setresgid(self.group, self.group, self.group).map_err(Error::call("setresgid"))?;
        if let Some((user, _)) = self.user {
            unistd::setresuid(user, user, user).map_err(Error::call("setresuid"))?;
        }
        Ok(())
    }

    /// An ordinary user may name itself; the calls would be refused to it.
    fn is_ours(&self) -> bool {
        let user = self
            .user
            .as_ref()
            .is_none_or(|(user, _)| *user == unistd::geteuid());
        user && !unistd::geteuid().is_root() && self.group == unistd::getegid()
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
