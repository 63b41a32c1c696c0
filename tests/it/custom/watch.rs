//! The descriptor that tells of changed definitions.

use std::{os::fd::AsFd, thread, time::Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::fixture::{Fixture, block_on};
use crate::support::process::DEADLINE;

/// Whether definitions may have changed.
fn has_changes(fixture: &Fixture) -> bool {
    let Some(descriptor) = fixture.store.definitions_fd() else {
        // A load is under way.
        return true;
    };
    let mut polled = [PollFd::new(descriptor.as_fd(), PollFlags::POLLIN)];
    poll(&mut polled, PollTimeout::ZERO).unwrap() > 0
}

/// Waits until there are changes, or none.
fn wait_for_changes(fixture: &Fixture, expected: bool) {
    let start = Instant::now();
    while has_changes(fixture) != expected {
        assert!(start.elapsed() < DEADLINE, "changes: not {expected}");
        if !expected {
            block_on(fixture.store.rediscover_new_definitions());
        }
        thread::yield_now();
    }
}

#[test]
fn changes_are_taken_also_if_no_caller_has_selected_custom_metrics() {
    let fixture = Fixture::new();
    fixture.store.resolve(&["cpu/all/usage"]).unwrap();
    // As `Sources` does.
    block_on(fixture.store.rediscover_definitions(true));
    wait_for_changes(&fixture, false);
    // The directory of definitions is not there, so that its parent is watched: another program writes into it.
    fixture.write("of-another-program", "");
    wait_for_changes(&fixture, true);
    wait_for_changes(&fixture, false);
}
