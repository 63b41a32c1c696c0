//! Memory that is given back after a peak: that of the allocator of the C library, and the pages of the code.

#[cfg(feature = "service")]
use std::fs;

/// Gives free memory back to the kernel: malloc_trim(3). After a peak, the allocator would keep it for the next one.
pub(crate) fn trim() {
    #[cfg(target_env = "gnu")]
    {
        #[allow(
            unsafe_code,
            reason = "the allocator of the C library is reached by a call"
        )]
        // SAFETY: malloc_trim takes the allocator's own locks and touches free memory only.
        unsafe {
            nix::libc::malloc_trim(0);
        }
    }
}

/// Unmaps the pages of the executable's code that a peak has touched: the code of every day comes back by a few page
/// faults, without a read of the file, and the rest counts no more for the service.
#[cfg(feature = "service")]
pub(crate) fn release_code() {
    let (Ok(maps), Ok(program)) = (
        fs::read_to_string("/proc/self/maps"),
        fs::read_link("/proc/self/exe"),
    ) else {
        return;
    };
    let program = program.to_string_lossy();
    for line in maps.lines().filter(|line| line.ends_with(&*program)) {
        if let Some((start, length)) = code(line) {
            #[allow(unsafe_code, reason = "the kernel is told about memory by its address")]
            // SAFETY: The range is a private mapping of a file, and this process may not write to it, so it equals the
            // file: the next access to a page maps the page of the file again. Only a debugger writes there, by ptrace(2):
            // it loses the breakpoints that it has set before.
            unsafe {
                nix::libc::madvise(start as *mut _, length, nix::libc::MADV_DONTNEED);
            }
        }
    }
}

/// The start and the length of a mapping in a line of `/proc/PID/maps`, if it is of code.
#[cfg(feature = "service")]
fn code(line: &str) -> Option<(usize, usize)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let start = usize::from_str_radix(start, 16).ok()?;
    let end = usize::from_str_radix(end, 16).ok()?;
    rest.starts_with("r-xp ")
        .then(|| (start, end.saturating_sub(start)))
}

#[cfg(all(test, feature = "service"))]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_released() {
        let line = |mode| format!("5000-7000 {mode} 00001000 08:01 42 /usr/bin/sampled");
        assert_eq!(code(&line("r-xp")), Some((0x5000, 0x2000)));
        for mode in ["r--p", "rw-p", "rwxp"] {
            assert_eq!(code(&line(mode)), None);
        }
        assert_eq!(code("x"), None);
        release_code();
    }
}
