//! Sums and means over several devices and several formulas.

use super::*;

/// Checks a sum over devices. The snapshots have one column that belongs to no device, then two for each: the number
/// of the device and its counter. `-` is an absent device, `7x5` is device 7 with the count 5.
#[track_caller]
fn check_sum(before: &str, now: &str, expected: Result<f64, Fault>) {
    let sum = Formula::Sum {
        owner: 1,
        first: 2,
        step: 2,
        scale: 512.0,
    };
    let snapshot = |seconds, text: &str| {
        let mut snapshot = snapshot(seconds, 0.0, &[7]);
        for (row, count) in text.split_whitespace().enumerate() {
            let (owner, count) = match count.split_once('x') {
                Some((owner, count)) => (owner.parse().unwrap(), count),
                None => (100 + row as u64, count),
            };
            let counter = count.parse().map(Raw::Counter);
            let counter = counter.unwrap_or(Raw::Fault(Fault::Gone));
            snapshot.columns.extend([Raw::Counter(owner), counter]);
        }
        snapshot
    };
    check(sum, &snapshot(1.0, before), &snapshot(2.0, now), expected);
}

#[test]
fn a_sum_has_the_devices_of_both_snapshots() {
    check_sum("10 20 30", "11 22 33", Ok(6.0 * 512.0));
    check_sum("10 20 30", "11 - 33", Ok(4.0 * 512.0));
    check_sum("10 - 30", "11 1000 33", Ok(4.0 * 512.0));
    check_sum("10 20", "11 22 1000", Ok(3.0 * 512.0));
    check_sum("10 20", "10 20", Ok(0.0));
    check_sum("10 20", "11 19", Err(Fault::Reset));
    let most = u64::MAX.to_string();
    check_sum("0 0", &format!("{most} 0"), Ok(u64::MAX as f64 * 512.0));
    check_sum("0 0", &format!("{most} 1"), Err(Fault::Malformed));
    check_sum("- -", "1 -", Err(Fault::First));
    check_sum("1 2", "- -", Err(Fault::Gone));
    check_sum("", "", Err(Fault::Gone));
    // A new device in the row of another one has not grown yet.
    check_sum("7x10 20", "8x1000 25", Ok(5.0 * 512.0));
    check_sum("7x1000 20", "8x10 25", Ok(5.0 * 512.0));
    check_sum("7x10", "8x1000", Err(Fault::First));
}

#[test]
fn the_numbers_of_several_formulas_are_added_up() {
    let both = Formula::Together(vec![RATE, Formula::Level(1)]);
    let before = snapshot(1.0, 0.0, &[100, 7]);
    check(
        both.clone(),
        &before,
        &snapshot(2.0, 0.0, &[300, 7]),
        Ok(207.0),
    );
    let less = snapshot(2.0, 0.0, &[90, 7]);
    check(both.clone(), &before, &less, Err(Fault::Reset));
    assert!(both.needs_baseline() && both.width() == 2);
    assert!(!Formula::Together(vec![Formula::Level(3)]).needs_baseline());
}

#[test]
fn a_mean_is_of_levels_and_of_shares() {
    const MEAN: Formula = Formula::Mean {
        owner: 1,
        first: 2,
        gate: 4,
        step: 4,
    };
    let gone = Raw::Fault(Fault::Gone);
    let of = |first: u64, seconds: f64, rows: &[[Raw; 2]]| {
        let rows = (first..).zip(rows);
        let rows = rows.flat_map(|(owner, [one, other])| {
            let open = Raw::Number(0.0);
            [Raw::Counter(owner), one.clone(), other.clone(), open]
        });
        Snapshot {
            columns: [gone.clone()].into_iter().chain(rows).collect(),
            ..snapshot(seconds, 0.0, &[])
        }
    };
    let at = |seconds, rows: &[[Raw; 2]]| of(1, seconds, rows);
    let level = |share| [Raw::Number(share), gone.clone()];
    let counted = |part, whole| [Raw::Counter(part), Raw::Counter(whole)];
    let asleep = || [Raw::Fault(Fault::Asleep), Raw::Fault(Fault::Asleep)];
    let check_formula = check;
    let check = |before: &[[Raw; 2]], now: &[[Raw; 2]], expected| {
        check(MEAN, &at(1.0, before), &at(2.0, now), expected);
    };
    check(&[counted(0, 0)], &[counted(30, 100)], Ok(30.0));
    check(
        &[level(9.0), counted(0, 0)],
        &[level(50.0), counted(30, 100)],
        Ok(40.0),
    );
    check(
        &[asleep(), counted(0, 0)],
        &[asleep(), counted(30, 100)],
        Ok(30.0),
    );
    check(
        &[asleep(), counted(5, 5)],
        &[asleep(), counted(5, 5)],
        Err(Fault::Asleep),
    );
    check(&[asleep()], &[counted(5, 5)], Err(Fault::First));
    check(&[], &[], Err(Fault::Gone));
    // The device of the first row has gone, and the other moved up.
    let (before, now) = (
        of(1, 1.0, &[counted(0, 0), counted(50, 50)]),
        of(2, 2.0, &[counted(80, 150)]),
    );
    check_formula(MEAN, &before, &now, Err(Fault::First));
    // A gated row is left out, and its counters are a baseline all the same.
    let mut nap = of(1, 2.0, &[counted(30, 100), counted(0, 0)]);
    nap.columns[4] = Raw::Fault(Fault::Asleep);
    let start = of(1, 1.0, &[counted(30, 100), counted(0, 0)]);
    check_formula(MEAN, &start, &nap, Err(Fault::Asleep));
    let now = of(1, 3.0, &[counted(70, 200), counted(60, 100)]);
    check_formula(MEAN, &nap, &now, Ok(50.0));
}
