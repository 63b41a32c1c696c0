//! The fault of each error of the kernel.

use std::{io, path::Path};

use nix::libc;

use crate::{reading::Fault, source::Error};

#[test]
fn every_error_of_a_driver_has_a_fault() {
    let check = |number, expected| {
        let error = Error::io(Path::new("/x"), io::Error::from_raw_os_error(number));
        assert_eq!(error.fault(), expected, "{error}");
        let again = error.again();
        assert_eq!(again.fault(), expected);
        assert_eq!(again.to_string(), error.to_string());
    };
    // No value at the moment: not ready, a sensor that is off, a failed conversion, a bad checksum.
    for number in [
        libc::EAGAIN,
        libc::ENODATA,
        libc::EINVAL,
        libc::EIO,
        libc::EBUSY,
        libc::EREMOTEIO,
        libc::EOPNOTSUPP,
    ] {
        check(number, Fault::Stale);
    }
    for number in [libc::ENXIO, libc::ENODEV, libc::ENOENT] {
        check(number, Fault::Gone);
    }
    check(libc::EPERM, Fault::Denied);
    check(libc::EACCES, Fault::Denied);
    check(libc::ETIMEDOUT, Fault::Timeout);
    let error = Error::malformed(Path::new("/x"), "no number");
    assert_eq!(error.again().to_string(), "/x: no number");
}
