//! The seccomp(2) filter. It denies system calls that attacks on the kernel use, and that neither reading files nor
//! users' programs for sensors need.
//!
//! It lists denied calls, not allowed ones: new calls of a later libc pass. A denied call fails with EPERM, as for lack
//! of permission, and kills no process.

use std::{collections::BTreeMap, env::consts::ARCH};

use nix::libc;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, apply_filter_all_threads, sock_filter,
};

/// The system calls denied with any arguments.
const DENIED: &[i64] = &[
    // File systems.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    OPEN_TREE_ATTR,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    QUOTACTL_FD,
    libc::SYS_acct,
    libc::SYS_open_by_handle_at,
    // The kernel and the machine.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    KEXEC_FILE_LOAD,
    libc::SYS_reboot,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_setns,
    // Interfaces to large parts of the kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
];

// Not in every libc.
const QUOTACTL_FD: i64 = 443;
const OPEN_TREE_ATTR: i64 = 467;
#[cfg(target_arch = "x86_64")]
const KEXEC_FILE_LOAD: i64 = 320;
#[cfg(not(target_arch = "x86_64"))]
const KEXEC_FILE_LOAD: i64 = 294;

/// The flags of clone(2) and unshare(2) for new namespaces.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// The flag for a time namespace. In clone(2), its bit belongs to the signal.
const TIME_NAMESPACE: i32 = 0x80;

/// Installs the filter for all threads.
pub(super) fn install() -> Result<bool, Error> {
    apply_filter_all_threads(&denied_calls()?)?;
    apply_filter_all_threads(&missing_calls())?;
    Ok(true)
}

/// The filter for EPERM. It also kills by SIGSYS a process that uses another architecture's system calls (a 32-bit
/// program), whose numbers mean other calls.
fn denied_calls() -> Result<BpfProgram, Error> {
    let mut rules: BTreeMap<_, _> = DENIED.iter().map(|&call| (call, Vec::new())).collect();
    let namespaces = NAMESPACES.into_iter();
    let with_bit = |bit: i32| {
        let bit = u64::from(bit.unsigned_abs());
        rule(&[(SeccompCmpOp::MaskedEq(bit), bit)])
    };
    let flags: Result<Vec<_>, _> = namespaces.clone().map(with_bit).collect();
    rules.insert(libc::SYS_clone, flags?);
    let flags: Result<Vec<_>, _> = namespaces.chain([TIME_NAMESPACE]).map(with_bit).collect();
    rules.insert(libc::SYS_unshare, flags?);
    // Allowed: the query (0xffffffff) and PER_LINUX (0).
    let others = [(SeccompCmpOp::Ne, 0), (SeccompCmpOp::Ne, 0xffff_ffff)];
    rules.insert(libc::SYS_personality, vec![rule(&others)?]);
    let number = u32::try_from(libc::EPERM).unwrap_or_default();
    let (allow, deny) = (SeccompAction::Allow, SeccompAction::Errno(number));
    let filter = SeccompFilter::new(rules, allow, deny, ARCH.try_into()?)?;
    Ok(filter.try_into()?)
}

/// Matches a call whose first argument, an `int`, meets all conditions.
fn rule(conditions: &[(SeccompCmpOp, u64)]) -> Result<SeccompRule, Error> {
    let condition = |(operator, value): &(SeccompCmpOp, u64)| {
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, operator.clone(), *value)
    };
    let conditions: Result<Vec<_>, _> = conditions.iter().map(condition).collect();
    Ok(SeccompRule::new(conditions?)?)
}

/// The filter for ENOSYS, as if the kernel lacked the call: clone3(2), whose flags a filter cannot see, so that libc
/// uses clone(2); and the x32 ABI, which has other numbers for the same calls.
fn missing_calls() -> BpfProgram {
    let statement = |code: u32, k| instruction(code, 0, 0, k);
    let clone3 = u32::try_from(libc::SYS_clone3).unwrap_or(u32::MAX);
    let absent = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    vec![
        // The system call number, at the start of seccomp_data.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
        instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, 0, clone3),
        instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, X32),
        statement(libc::BPF_RET | libc::BPF_K, absent),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
    ]
}

/// `__X32_SYSCALL_BIT`. Numbers of other architectures are lower.
const X32: u32 = 0x4000_0000;

fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    let code = u16::try_from(code).unwrap_or_default();
    sock_filter { code, jt, jf, k }
}
