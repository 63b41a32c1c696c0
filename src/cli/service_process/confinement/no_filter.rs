//! No filter of system calls: seccompiler knows x86_64, aarch64 and riscv64.

use std::io;

pub(super) fn install() -> io::Result<bool> {
    Ok(false)
}
