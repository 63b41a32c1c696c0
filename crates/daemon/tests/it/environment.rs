//! The environment of a process: by it, a test finds all processes that it has started.

use std::{fs, io::Read};

/// The environment of a process. That of a zombie, of a kernel thread and of another user's process reads as empty.
pub(crate) fn environment(pid: u32) -> Vec<u8> {
    // A second read(2) would return 0 after an execve(2): the open file stands for the memory of the old program.
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let file = fs::File::open(format!("/proc/{pid}/environ"));
        let Ok(length) = file.and_then(|mut file| file.read(&mut buffer)) else {
            return Vec::new();
        };
        if length > 0 || has_no_environment(pid) {
            buffer.truncate(length);
            return buffer;
        }
        std::thread::yield_now();
    }
}

/// Whether a process has no environment. While execve(2) loads a program, /proc/N/environ reads as empty, too: the
/// process has the memory of the new program and nothing in it.
fn has_no_environment(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((_, fields)) = stat.rsplit_once(") ") else {
        return true;
    };
    let fields: Vec<u64> = fields
        .split_whitespace()
        .map(|field| field.parse().unwrap_or_default())
        .collect();
    // Fields 23, 26, 50 and 51 of proc_pid_stat(5): the first one here is field 3. execve(2) sets start_code last.
    let [vsize, start_code, env_start, env_end] = [20, 23, 47, 48].map(|field| fields[field]);
    vsize == 0 || (start_code != 0 && env_start == env_end)
}
