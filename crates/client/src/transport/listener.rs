//! The socket at which the bus of the environment listens, without a connection to it.

use std::{env, fs, os::unix::ffi::OsStrExt, path::PathBuf};

use zbus::{
    Address,
    address::{Transport, transport::UnixSocket},
};

use super::{addresses, socket};

/// The socket of a bus. All addresses of one socket give the same value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listener {
    /// A Unix socket with this path, without symbolic links.
    Path(PathBuf),
    /// An abstract Unix socket, or one of TCP: its address without a GUID.
    Other(String),
}

impl Listener {
    /// The listener of the bus that the environment gives, by DBUS_SESSION_BUS_ADDRESS or, in a process that a bus has
    /// started, by DBUS_STARTER_ADDRESS. Of several, it is the first one that is reached, as for a connection. `None` if
    /// none is given, or the text is malformed.
    pub fn of_environment() -> Option<Self> {
        let given = match addresses::is_session_given() {
            true => addresses::of_session(),
            false => addresses::parse(env::var_os("DBUS_STARTER_ADDRESS")?.as_bytes()),
        };
        let given = given.ok()?;
        let reached = match given.len() {
            1 => None,
            _ => given.iter().find(|address| is_reached(address)),
        };
        reached.or(given.first()).map(Self::of)
    }

    /// The listener of an address.
    pub fn of(address: &Address) -> Self {
        match address.transport() {
            Transport::Unix(unix) => match unix.path() {
                UnixSocket::File(path) => Self::Path(resolved(path.clone())),
                _ => Self::Other(unix.to_string()),
            },
            transport => Self::Other(transport.to_string()),
        }
    }

    /// The listener of the session bus where the environment gives none.
    pub fn usual() -> Self {
        Self::of(&addresses::usual())
    }
}

fn resolved(path: PathBuf) -> PathBuf {
    fs::canonicalize(&path).unwrap_or(path)
}

/// Whether a process listens at an address. Over TCP that is not tried: it could take long.
fn is_reached(address: &Address) -> bool {
    let Transport::Unix(unix) = address.transport() else {
        return true;
    };
    let connected = socket::unix(unix.path())
        .and_then(|(socket, address)| socket::connect_unix(&socket, &address));
    // A listener whose backlog is full is there, too.
    connected.is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use super::*;

    fn address(text: &str) -> Address {
        addresses::parse(text.as_bytes()).unwrap().remove(0)
    }

    #[test]
    fn all_addresses_of_a_socket_give_one_listener() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bus");
        let _listener = UnixListener::bind(&path).unwrap();
        symlink(&path, directory.path().join("link")).unwrap();
        let base = directory.path().display();
        let guid = "guid=0123456789abcdef0123456789abcdef";
        let direct = address(&format!("unix:path={base}/bus"));
        for same in [
            format!("unix:path={base}/link"),
            format!("unix:path={base}//bus,{guid}"),
            format!("unix:path={base}/b%75s"),
        ] {
            assert_eq!(Listener::of(&address(&same)), Listener::of(&direct));
        }
        assert_eq!(Listener::of(&direct), Listener::Path(path));
        let other = address(&format!("unix:path={base}/other"));
        assert_ne!(Listener::of(&other), Listener::of(&direct));
        assert!(is_reached(&direct) && !is_reached(&other));
        for text in ["tcp:host=localhost,port=1", "unix:abstract=/tmp/x"] {
            let with_guid = address(&format!("{text},{guid}"));
            assert_eq!(Listener::of(&address(text)), Listener::of(&with_guid));
            assert_eq!(Listener::of(&with_guid), Listener::Other(text.to_owned()));
        }
    }
}
