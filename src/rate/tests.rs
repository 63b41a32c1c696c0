use std::time::Duration;

use super::*;
use crate::reading::Stamp;

/// A snapshot of counters, `seconds` after boot, `suspended` of them in suspend.
fn snapshot(seconds: f64, suspended: f64, columns: &[u64]) -> Snapshot {
    Snapshot {
        stamp: Stamp {
            realtime: 0,
            monotonic: Duration::from_secs_f64(seconds - suspended),
            boottime: Duration::from_secs_f64(seconds),
        },
        columns: columns.iter().map(|&count| Raw::Counter(count)).collect(),
    }
}

const RATE: Formula = Formula::Rate {
    counter: 0,
    scale: 1.0,
};
const SHARE: Formula = Formula::Share { part: 0, whole: 1 };

#[track_caller]
fn check(formula: Formula, before: &Snapshot, now: &Snapshot, expected: Result<f64, Fault>) {
    let reading = formula.evaluate(now, Some(before));
    assert_eq!(reading, expected.map(Value::Number));
}

#[test]
fn rate_is_growth_over_monotonic_time() {
    let before = snapshot(10.0, 0.0, &[100]);
    check(RATE, &before, &snapshot(12.0, 0.0, &[300]), Ok(100.0));
    check(RATE, &before, &snapshot(12.0, 0.0, &[100]), Ok(0.0));
}

#[test]
fn rate_keeps_every_bit_above_2_to_the_53() {
    let huge = (1 << 60) + 1;
    let before = snapshot(1.0, 0.0, &[huge]);
    check(RATE, &before, &snapshot(2.0, 0.0, &[huge + 3]), Ok(3.0));
}

#[test]
fn a_backward_counter_is_a_reset() {
    let before = snapshot(10.0, 0.0, &[100, 1000]);
    check(
        RATE,
        &before,
        &snapshot(11.0, 0.0, &[99, 1100]),
        Err(Fault::Reset),
    );
    check(
        SHARE,
        &before,
        &snapshot(11.0, 0.0, &[99, 1100]),
        Err(Fault::Reset),
    );
    check(
        SHARE,
        &before,
        &snapshot(11.0, 0.0, &[101, 999]),
        Err(Fault::Reset),
    );
}

#[test]
fn suspend_is_a_gap() {
    let before = snapshot(10.0, 0.0, &[100, 1000]);
    let after = snapshot(100.0, 89.0, &[200, 1100]);
    check(RATE, &before, &after, Err(Fault::Gap));
    check(SHARE, &before, &after, Err(Fault::Gap));
}

#[test]
fn no_baseline_is_first() {
    let now = snapshot(1.0, 0.0, &[1, 2]);
    assert_eq!(RATE.evaluate(&now, None), Err(Fault::First));
    check(RATE, &now, &now, Err(Fault::First));
    check(SHARE, &now, &snapshot(1.1, 0.0, &[1, 2]), Err(Fault::First));
    let absent = Snapshot {
        columns: vec![Raw::Fault(Fault::Gone)],
        ..now.clone()
    };
    check(RATE, &absent, &snapshot(2.0, 0.0, &[1]), Err(Fault::First));
    check(
        RATE,
        &now,
        &Snapshot {
            stamp: snapshot(2.0, 0.0, &[]).stamp,
            ..absent
        },
        Err(Fault::Gone),
    );
}

#[test]
fn a_level_is_its_column() {
    let now = Snapshot {
        columns: vec![
            Raw::Number(f64::NAN),
            Raw::Counter(7),
            Raw::Text("x".into()),
        ],
        ..snapshot(1.0, 0.0, &[])
    };
    let level = |column| Formula::Level(column).evaluate(&now, None);
    assert_eq!(level(0), Err(Fault::Malformed));
    assert_eq!(level(1), Ok(Value::Number(7.0)));
    assert_eq!(level(2), Ok(Value::Text("x".into())));
    assert_eq!(level(3), Err(Fault::Gone));
}

#[test]
fn busy_is_the_share_of_the_time() {
    let busy = Formula::Busy {
        counter: 0,
        second: 1000.0,
    };
    let before = snapshot(10.0, 0.0, &[5000]);
    check(
        busy.clone(),
        &before,
        &snapshot(12.0, 0.0, &[5500]),
        Ok(25.0),
    );
    check(
        busy.clone(),
        &before,
        &snapshot(12.0, 0.0, &[7004]),
        Ok(100.0),
    );
    check(
        busy,
        &before,
        &snapshot(12.0, 0.0, &[4999]),
        Err(Fault::Reset),
    );
}

#[test]
fn each_is_stale_while_the_count_stands_still() {
    let each = Formula::Each {
        amount: 0,
        count: 1,
        scale: 1.0,
    };
    let before = snapshot(10.0, 0.0, &[500, 100]);
    check(
        each.clone(),
        &before,
        &snapshot(12.0, 0.0, &[530, 110]),
        Ok(3.0),
    );
    check(
        each.clone(),
        &before,
        &snapshot(12.0, 0.0, &[530, 100]),
        Err(Fault::Stale),
    );
    check(
        each,
        &before,
        &snapshot(12.0, 0.0, &[530, 99]),
        Err(Fault::Reset),
    );
}

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
fn a_row_can_change_its_device() {
    let of = |number, formula| Formula::OfRow {
        owner: 1,
        number,
        formula: Box::new(formula),
    };
    let before = snapshot(1.0, 0.0, &[100, 7]);
    let same = snapshot(2.0, 0.0, &[300, 7]);
    let other = snapshot(2.0, 0.0, &[300, 8]);
    check(of(7, RATE), &before, &same, Ok(200.0));
    check(of(7, RATE), &before, &other, Err(Fault::Gone));
    check(of(8, RATE), &before, &other, Err(Fault::First));
    check(of(7, Formula::Level(0)), &before, &same, Ok(300.0));
    check(of(7, Formula::Level(0)), &before, &other, Err(Fault::Gone));
    check(of(8, Formula::Level(0)), &before, &other, Ok(300.0));
    // Another counter of the row has gone backwards.
    let Raw::Counter(anew) = RowOwner::new(7, 1).column() else {
        panic!("the owner is no counter");
    };
    let anew = snapshot(2.0, 0.0, &[300, anew]);
    check(of(7, RATE), &before, &anew, Err(Fault::Reset));
    check(of(7, RATE), &anew, &before, Err(Fault::Reset));
    check(of(7, Formula::Level(0)), &before, &anew, Ok(300.0));
    check(of(8, RATE), &before, &anew, Err(Fault::Gone));
    // The source has failed as a whole, or the row is gone.
    let denied = Snapshot {
        columns: vec![Raw::Fault(Fault::Denied); 2],
        ..other.clone()
    };
    check(of(7, RATE), &before, &denied, Err(Fault::Denied));
    check(
        of(7, RATE),
        &before,
        &snapshot(2.0, 0.0, &[]),
        Err(Fault::Gone),
    );
    assert!(of(7, RATE).needs_baseline() && !of(7, Formula::Level(0)).needs_baseline());
    assert_eq!(of(7, RATE).width(), 2);
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

#[test]
fn a_gate_keeps_the_baseline() {
    let gated = |formula| Formula::Gated {
        gate: 2,
        formula: Box::new(formula),
    };
    let at = |seconds, columns: [u64; 2], gate| {
        let mut snapshot = snapshot(seconds, 0.0, &columns);
        snapshot.columns.push(gate);
        snapshot
    };
    let open = Raw::Number(0.0);
    let before = at(1.0, [30, 100], open.clone());
    let nap = at(2.0, [30, 100], Raw::Fault(Fault::Asleep));
    let after = at(3.0, [80, 200], open);
    assert_eq!(gated(SHARE).width(), 3);
    assert!(gated(SHARE).needs_baseline() && !gated(Formula::Level(0)).needs_baseline());
    check(gated(SHARE), &before, &nap, Err(Fault::Asleep));
    check(gated(SHARE), &nap, &after, Ok(50.0));
    check(gated(Formula::Level(0)), &before, &nap, Err(Fault::Asleep));
    check(gated(Formula::Level(1)), &nap, &after, Ok(200.0));
}
