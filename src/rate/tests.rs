mod sums;

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
