//! Packs the relative relocations of the executable: 24 bytes each become a bit, and the loader reads them at every start.

use std::{env, process::Command};

/// The first version of glibc that loads packed relocations (RELR).
const GLIBC: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SAMPLED_NO_RELR");
    let is_for_this_machine = env::var("HOST") == env::var("TARGET");
    // A package for an older glibc than that of the machine it is built on sets the variable.
    let is_wanted = env::var_os("SAMPLED_NO_RELR").is_none();
    if is_for_this_machine && is_wanted && glibc().is_some_and(|version| version >= GLIBC) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this machine's glibc, if it has one.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let output = String::from_utf8(output.ok()?.stdout).ok()?;
    let (major, minor) = output.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
