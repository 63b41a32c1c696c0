//! The default pidfile: one for each session bus, because each bus has a service of its own.

use std::{os::unix::ffi::OsStrExt, path::PathBuf};

use sampled::{client::transport::Listener, daemon::Daemon};

/// `sampled.pid` for the usual bus of the user, and `sampled-HASH.pid` for another one, such as that of
/// dbus-run-session; in XDG_RUNTIME_DIR, if there is such a directory.
pub(super) fn default_path() -> Option<PathBuf> {
    let usual = Daemon::new("sampled").pidfile_path().ok()?;
    let bus = Listener::of_environment().filter(|bus| *bus != Listener::usual());
    Some(match bus {
        Some(bus) => usual.with_file_name(name_of(&bus)),
        None => usual,
    })
}

/// The name of the pidfile for an unusual bus.
fn name_of(bus: &Listener) -> String {
    let hash = fnv1a(match bus {
        Listener::Path(path) => path.as_os_str().as_bytes(),
        Listener::Other(address) => address.as_bytes(),
    });
    format!("sampled-{hash:016x}.pid")
}

/// FNV-1a, which never changes: another version of this program has to find the same file.
fn fnv1a(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
    bytes.iter().fold(OFFSET, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_has_the_hash_of_the_bus() {
        // Two of the test vectors of FNV-1a.
        for (bus, hash) in [("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")] {
            let expected = format!("sampled-{hash}.pid");
            assert_eq!(name_of(&Listener::Path(bus.into())), expected);
            assert_eq!(name_of(&Listener::Other(bus.to_owned())), expected);
        }
    }
}
