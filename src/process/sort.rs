//! Sorts readings.

use std::cmp::Ordering;

use crate::{
    process::Order,
    reading::{Reading, Value},
};

/// The first `limit` of these indices in an order. They come in the order of the pids, which decides between equals.
pub(super) fn sorted(
    indices: Vec<usize>,
    order: Order,
    limit: usize,
    read: impl Fn(usize) -> Reading,
) -> Vec<usize> {
    let keyed = indices.into_iter().map(|index| (read(index), index));
    let mut keyed: Vec<_> = keyed.collect();
    let by_key = |a: &(Reading, usize), b: &(Reading, usize)| {
        compare(&a.0, &b.0, order.is_descending).then(a.1.cmp(&b.1))
    };
    if limit < keyed.len() {
        keyed.select_nth_unstable_by(limit, by_key);
        keyed.truncate(limit);
    }
    keyed.sort_unstable_by(by_key);
    keyed.into_iter().map(|(_, index)| index).collect()
}

/// Compares two readings. A fault comes last in both directions.
pub(super) fn compare(a: &Reading, b: &Reading, is_descending: bool) -> Ordering {
    let order = match (a, b) {
        (Ok(Value::Number(a)), Ok(Value::Number(b))) => a.total_cmp(b),
        (Ok(Value::Text(a)), Ok(Value::Text(b))) => a.cmp(b),
        (Ok(_), Err(_)) => return Ordering::Less,
        (Err(_), Ok(_)) => return Ordering::Greater,
        _ => return Ordering::Equal,
    };
    if is_descending {
        order.reverse()
    } else {
        order
    }
}
