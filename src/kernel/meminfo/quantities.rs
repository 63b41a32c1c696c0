//! The quantities that the metrics are made of, from the lines of `/proc/meminfo`.
//!
//! A part is at most its whole. In a container, lxcfs may tell a part of the host beside a whole of the container: the
//! part then reads as the whole, and what is left of the whole is not known.

use crate::reading::Fault;

use super::record::{Amount, Line, MemInfo};

/// In the order of the constants in `table`; none for a quantity that the kernel does not tell.
pub(super) type Quantities = [Line; 16];

/// The quantities. `shrinkable` is the part of the ARC of ZFS that programs can get; `arc` is its size.
pub(super) fn quantities(lines: &MemInfo, arc: Line, shrinkable: Line) -> Quantities {
    let total = lines.mem_total;
    let available = plus(available(lines), shrinkable);
    let cache = lines.cached.and_then(|_| plus(lines.cached, lines.slab));
    let application = minus(total, lines.mem_free)
        .and_then(|in_use| minus(Some(in_use), Some(cache?)))
        .and_then(|in_use| without(in_use, lines.buffers))
        .and_then(|in_use| without(in_use, shrinkable));
    let huge_total = times(lines.huge_pages_total, lines.hugepagesize);
    let huge_free = times(lines.huge_pages_free, lines.hugepagesize);
    [
        total,
        minus(total, available),
        part(available, total),
        application,
        part(cache, total),
        part(lines.buffers, total),
        lines.swap_total,
        minus(lines.swap_total, lines.swap_free),
        part(lines.swap_free, lines.swap_total),
        part(lines.shmem, total),
        part(lines.slab, total),
        part(lines.dirty, total),
        huge_total,
        minus(huge_total, huge_free),
        part(huge_free, huge_total),
        arc,
    ]
}

/// The memory that programs can get, without that of ZFS.
fn available(lines: &MemInfo) -> Line {
    let is_of_whole = |available| match (available, lines.mem_total) {
        (Ok(available), Some(Ok(total))) => available <= total,
        _ => true,
    };
    if let Some(available) = lines.mem_available.filter(|line| is_of_whole(*line)) {
        return Some(available);
    }
    // Linux before 3.14 has no MemAvailable, and that of lxcfs may be more than there is. Shared memory is part of the
    // cache, but cannot be reclaimed.
    let mut sum = lines.mem_free?;
    let reclaimable = part(lines.s_reclaimable, lines.slab);
    for line in [lines.buffers, lines.cached, reclaimable] {
        sum = plus(Some(sum), line)?;
    }
    without(sum, part(lines.shmem, lines.cached))
}

/// A part of a whole: at most the whole.
fn part(part: Line, whole: Line) -> Line {
    match (part, whole) {
        (Some(Ok(part)), Some(Ok(whole))) => Some(Ok(part.min(whole))),
        _ => part,
    }
}

/// The rest of the whole. There is no rest of nothing; beside a part that is larger than the whole, it is not known.
fn minus(whole: Line, part: Line) -> Line {
    let (whole, part) = (whole?, part?);
    Some(whole.and_then(|whole| match whole {
        0 => Ok(0),
        whole => whole.checked_sub(part?).ok_or(Fault::Malformed),
    }))
}

/// The amount without another, which a kernel that does not tell it does not have.
fn without(amount: Amount, other: Line) -> Line {
    match other {
        Some(_) => minus(Some(amount), other),
        None => Some(amount),
    }
}

/// The sum with another amount, which a kernel that does not tell it does not have.
fn plus(amount: Line, other: Line) -> Line {
    let amount = amount?;
    let Some(other) = other else {
        return Some(amount);
    };
    Some(amount.and_then(|amount| amount.checked_add(other?).ok_or(Fault::Malformed)))
}

fn times(count: Line, size: Line) -> Line {
    let (count, size) = (count?, size?);
    Some(count.and_then(|count| count.checked_mul(size?).ok_or(Fault::Malformed)))
}
