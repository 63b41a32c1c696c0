//! The seccomp(2) filter. It denies system calls that attacks on the kernel use, and that neither reading files nor
//! users' programs for sensors need.
//!
//! It lists denied calls, not allowed ones: new calls of a later libc pass. A denied call fails with EPERM, as for lack
//! of permission, and kills no process. Only a process that uses another architecture's system calls is killed.

mod program;

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{Error, apply_filter_all_threads, sock_filter};

use program::{ALLOW, DENY, MISSING, any_bit, equal, load_first_argument, program, return_value};

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
const NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET)
    .cast_unsigned();

/// The flag for a time namespace. In clone(2), its bit belongs to the signal.
const TIME_NAMESPACE: u32 = 0x80;

/// The argument of personality(2) that only asks.
const QUERY: u32 = 0xffff_ffff;

/// Installs the filter for all threads.
pub(super) fn install() -> Result<bool, Error> {
    apply_filter_all_threads(&program(&verdicts()))?;
    Ok(true)
}

/// The instructions that decide about a call, for each call that is not simply allowed.
fn verdicts() -> BTreeMap<u32, Vec<sock_filter>> {
    let denied = DENIED.iter().map(|&call| (call, vec![return_value(DENY)]));
    let without = |bits| {
        vec![
            load_first_argument(),
            any_bit(bits, 0, 1),
            return_value(DENY),
            return_value(ALLOW),
        ]
    };
    // Allowed: the query and PER_LINUX (0).
    let personality = vec![
        load_first_argument(),
        equal(QUERY, 2, 0),
        equal(0, 1, 0),
        return_value(DENY),
        return_value(ALLOW),
    ];
    let others = [
        (libc::SYS_clone, without(NAMESPACES)),
        (libc::SYS_unshare, without(NAMESPACES | TIME_NAMESPACE)),
        (libc::SYS_personality, personality),
        // A filter cannot see its flags. As if the kernel lacked the call, so that libc uses clone(2).
        (libc::SYS_clone3, vec![return_value(MISSING)]),
    ];
    let number = |(call, verdict)| Some((u32::try_from(call).ok()?, verdict));
    denied.chain(others).filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::{program::tests::run, *};

    fn outcome(call: libc::c_long, argument: u32) -> u32 {
        let number = u32::try_from(call).unwrap();
        run(&program(&verdicts()), number, argument).0
    }

    #[test]
    fn the_listed_calls_are_denied_and_others_are_not() {
        for number in 0..1000 {
            let expected = match number {
                libc::SYS_clone3 => MISSING,
                _ if DENIED.contains(&number) => DENY,
                _ => ALLOW,
            };
            assert_eq!(outcome(number, 0), expected, "{number}");
        }
    }

    #[test]
    fn arguments_decide_about_namespaces_and_personalities() {
        let new_user = libc::CLONE_NEWUSER.cast_unsigned();
        let thread = libc::CLONE_THREAD.cast_unsigned();
        for (call, argument, expected) in [
            (libc::SYS_clone, thread | TIME_NAMESPACE, ALLOW),
            (libc::SYS_clone, thread | new_user, DENY),
            (libc::SYS_unshare, libc::CLONE_FILES.cast_unsigned(), ALLOW),
            (libc::SYS_unshare, new_user, DENY),
            (libc::SYS_unshare, TIME_NAMESPACE, DENY),
            (libc::SYS_personality, QUERY, ALLOW),
            (libc::SYS_personality, 0x40000, DENY),
        ] {
            assert_eq!(outcome(call, argument), expected, "{call} {argument:#x}");
        }
    }

    /// The kernel runs the filter for each call while the service starts.
    #[test]
    fn each_call_is_decided_in_few_instructions() {
        let program = program(&verdicts());
        let steps = (0..1000).map(|number| run(&program, number, 0).1);
        assert!(steps.max() <= Some(14), "{:?}", program.len());
    }
}
