//! The program of the filter, for the machine of bpf(2), classic.
//!
//! When a filter is installed, the kernel runs it once for each call that it knows, to learn which calls are allowed
//! with any arguments. So the program looks the call up by a binary search: a caller waits while the service starts.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::sock_filter;

/// The call fails with EPERM.
pub(super) const DENY: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();

/// The call fails with ENOSYS, as if the kernel lacked it.
pub(super) const MISSING: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();

/// The call is executed.
pub(super) const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

/// SIGSYS kills the process.
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

/// `AUDIT_ARCH_X86_64`, `AUDIT_ARCH_AARCH64` or `AUDIT_ARCH_RISCV64`.
const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e
} else if cfg!(target_arch = "aarch64") {
    0xc000_00b7
} else {
    0xc000_00f3
};

/// `__X32_SYSCALL_BIT`. Numbers of other architectures are lower.
const X32: u32 = 0x4000_0000;

/// The offsets of the fields of `seccomp_data`: the number of the call, the architecture, and the lower half of the
/// first argument.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const FIRST_ARGUMENT_AT: u32 = if cfg!(target_endian = "little") {
    16
} else {
    20
};

/// So many calls are compared one after the other.
const LEAF: usize = 3;

/// The program that decides by these instructions, by the number of the call, and allows all other calls.
///
/// It kills a process that uses another architecture's system calls (a 32-bit program), whose numbers mean other calls.
/// The x32 ABI, which has other numbers for the same calls, seems to be missing.
pub(super) fn program(verdicts: &BTreeMap<u32, Vec<sock_filter>>) -> Vec<sock_filter> {
    let verdicts: Vec<_> = verdicts.iter().collect();
    let mut program = vec![
        load(ARCHITECTURE_AT),
        equal(ARCHITECTURE, 1, 0),
        return_value(KILL),
        load(NUMBER_AT),
        at_least(X32, 0, 1),
        return_value(MISSING),
    ];
    program.extend(search(&verdicts));
    program
}

/// The search for the number in a part of the calls, which are sorted.
fn search(calls: &[(&u32, &Vec<sock_filter>)]) -> Vec<sock_filter> {
    if calls.len() > LEAF {
        let (low, high) = calls.split_at(calls.len() / 2);
        let first_high = high.first().map_or(u32::MAX, |(number, _)| **number);
        let low = search(low);
        let mut all = vec![at_least(first_high, length(&low), 0)];
        all.extend(low);
        all.extend(search(high));
        return all;
    }
    let mut all = Vec::new();
    for (number, verdict) in calls {
        all.push(equal(**number, 0, length(verdict)));
        all.extend(verdict.iter().cloned());
    }
    all.push(return_value(ALLOW));
    all
}

/// The length of a jump over these instructions.
///
/// # Panics
/// If they are more than 255.
fn length(instructions: &[sock_filter]) -> u8 {
    u8::try_from(instructions.len()).expect("a filter of some dozen calls")
}

/// Loads the lower half of the first argument.
pub(super) fn load_first_argument() -> sock_filter {
    load(FIRST_ARGUMENT_AT)
}

fn load(offset: u32) -> sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}

/// Jumps over `then` instructions if the loaded value is equal to `value`, else over `otherwise`.
pub(super) fn equal(value: u32, then: u8, otherwise: u8) -> sock_filter {
    jump(libc::BPF_JEQ, then, otherwise, value)
}

/// Jumps over `then` instructions if the loaded value has any of the bits, else over `otherwise`.
pub(super) fn any_bit(bits: u32, then: u8, otherwise: u8) -> sock_filter {
    jump(libc::BPF_JSET, then, otherwise, bits)
}

fn at_least(value: u32, then: u8, otherwise: u8) -> sock_filter {
    jump(libc::BPF_JGE, then, otherwise, value)
}

fn jump(condition: u32, then: u8, otherwise: u8, value: u32) -> sock_filter {
    let code = libc::BPF_JMP | condition | libc::BPF_K;
    instruction(code, then, otherwise, value)
}

pub(super) fn return_value(value: u32) -> sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, value)
}

fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    let code = u16::try_from(code).unwrap_or_default();
    sock_filter { code, jt, jf, k }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Runs the program as the kernel does. Returns its value, and the number of executed instructions.
    pub(in super::super) fn run(program: &[sock_filter], number: u32, argument: u32) -> (u32, u32) {
        const JUMP: u32 = libc::BPF_JMP | libc::BPF_K;
        let (mut loaded, mut at) = (0, 0);
        for steps in 1.. {
            let sock_filter { code, jt, jf, k } = program[at].clone();
            let holds = match u32::from(code) ^ JUMP {
                libc::BPF_JEQ => loaded == k,
                libc::BPF_JGE => loaded >= k,
                libc::BPF_JSET => loaded & k != 0,
                _ if u32::from(code) == libc::BPF_RET | libc::BPF_K => return (k, steps),
                _ => {
                    loaded = match k {
                        NUMBER_AT => number,
                        ARCHITECTURE_AT => ARCHITECTURE,
                        FIRST_ARGUMENT_AT => argument,
                        _ => panic!("a load from {k}"),
                    };
                    at += 1;
                    continue;
                }
            };
            at += 1 + usize::from(if holds { jt } else { jf });
        }
        unreachable!("a program ends")
    }

    #[test]
    fn a_call_is_found_wherever_it_is() {
        for count in 0..20 {
            let verdict = |number: u32| (3 * number, vec![return_value(number)]);
            let program = program(&(0..count).map(verdict).collect());
            for number in 0..70 {
                let is_there = number % 3 == 0 && number / 3 < count;
                let expected = if is_there { number / 3 } else { ALLOW };
                assert_eq!(run(&program, number, 0).0, expected, "{number} of {count}");
            }
            assert_eq!(run(&program, X32, 0).0, MISSING);
            assert_eq!(run(&program, u32::MAX, 0).0, MISSING);
        }
    }
}
