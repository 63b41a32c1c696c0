//! Privileges that a process gives up for itself and all its children, by prctl(2).

use nix::errno::Errno;
use rustix::thread::{
    CapabilitySet, capability_is_in_bounding_set, remove_capability_from_bounding_set,
};

use crate::linux::error::Error;
use crate::linux::sys::to_nix;

/// Empties the capability bounding set. Needs CAP_SETPCAP unless it is empty.
pub(crate) fn empty_bounding_set() -> Result<(), Error> {
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match capability_is_in_bounding_set(capability).map_err(to_nix) {
            Ok(false) => {}
            Ok(true) => remove_capability_from_bounding_set(capability)
                .map_err(to_nix)
                .map_err(Error::call("prctl(PR_CAPBSET_DROP)"))?,
            // The kernel knows no further capabilities.
            Err(Errno::EINVAL) => return Ok(()),
            Err(errno) => return Err(Error::call("prctl(PR_CAPBSET_READ)")(errno)),
        }
    }
    Ok(())
}

/// Sets PR_SET_NO_NEW_PRIVS.
pub(crate) fn set_no_new_privs() -> Result<(), Error> {
    nix::sys::prctl::set_no_new_privs().map_err(Error::call("prctl(PR_SET_NO_NEW_PRIVS)"))
}
