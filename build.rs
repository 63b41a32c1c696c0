//! Spares the loader work at each start of the executable, while a caller may wait for the service.

use std::{env, path::Path, process::Command};

/// The first version of glibc that loads packed relocations (RELR).
const GLIBC: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is_for_this_machine = env::var("HOST") == env::var("TARGET");
    let is_for_glibc = env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|libc| libc == "gnu");
    if !is_for_this_machine || !is_for_glibc {
        return;
    }
    // Packs the relative relocations: 24 bytes each become a bit. A package for an older glibc than that of the machine
    // it is built on sets the variable.
    if !is_set("SAMPLED_NO_RELR") && glibc().is_some_and(|version| version >= GLIBC) {
        link_with("-Wl,-z,pack-relative-relocs");
    }
    // Links the unwinder of panics into the executable, which then needs only libc. GNU ld keeps the shared library as
    // well. A distribution that wants the shared one alone sets the variable.
    if !is_set("SAMPLED_SHARED_UNWINDER") && has_static_unwinder() {
        link_with("-Wl,--whole-archive,-lgcc_eh,--no-whole-archive");
    }
}

fn is_set(variable: &str) -> bool {
    println!("cargo::rerun-if-env-changed={variable}");
    env::var_os(variable).is_some()
}

fn link_with(argument: &str) {
    println!("cargo::rustc-link-arg-bins={argument}");
}

/// The version of this machine's glibc, if it has one.
fn glibc() -> Option<(u32, u32)> {
    let version = output("getconf", "GNU_LIBC_VERSION")?;
    let (major, minor) = version.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether the compiler driver that links has the unwinder as a static library: GCC has it, and LLVM's has another name.
fn has_static_unwinder() -> bool {
    let linker = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    // The driver prints the bare name of a file that it does not have.
    let path = output(&linker, "-print-file-name=libgcc_eh.a");
    path.is_some_and(|path| Path::new(path.trim()).is_absolute())
}

fn output(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    String::from_utf8(output.stdout).ok()
}
