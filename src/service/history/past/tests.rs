use super::*;

const NAN: f64 = f64::NAN;

/// Makes rows of readings (millisecond, column, value, interval in milliseconds). The value -1 is a break.
fn rows(width: usize, skipped: usize, readings: &[(u64, usize, f64, u64)], now: u64) -> Past {
    let mut rows = Rows::new(width, skipped);
    for &(moment, column, value, interval) in readings {
        if value == -1.0 {
            rows.break_off();
            continue;
        }
        rows.begin(moment * 1000, moment * 1000);
        rows.set(column, value, Duration::from_millis(interval));
    }
    rows.finish(now * 1000, 100)
}

#[track_caller]
fn check(width: usize, readings: &[(u64, usize, f64, u64)], now: u64, expected: &[(u64, &[f64])]) {
    let past = rows(width, 0, readings, now);
    let found: Vec<_> = past
        .rows()
        .map(|(at, values)| (at / 1000, values))
        .collect();
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
}

#[test]
fn one_column_has_a_row_for_each_reading() {
    check(1, &[], 1000, &[]);
    let readings = [
        (1000, 0, 1.0, 1000),
        (2000, 0, NAN, 1000),
        (3000, 0, 3.0, 1000),
    ];
    check(
        1,
        &readings,
        3500,
        &[(1000, &[1.0]), (2000, &[NAN]), (3000, &[3.0])],
    );
}

#[test]
fn a_slow_column_keeps_its_value_until_the_next_one() {
    let readings = [
        (1000, 0, 1.0, 500),
        (1000, 1, 10.0, 1000),
        (1500, 0, 2.0, 500),
        (2000, 0, 3.0, 500),
        (2000, 1, 20.0, 1000),
    ];
    let expected: [(u64, &[f64]); 3] = [
        (1000, &[1.0, 10.0]),
        (1500, &[2.0, 10.0]),
        (2000, &[3.0, 20.0]),
    ];
    check(2, &readings, 2400, &expected);
    // A column without a reading is NaN.
    check(
        2,
        &readings[2..4],
        2400,
        &[(1500, &[2.0, NAN]), (2000, &[3.0, NAN])],
    );
}

#[test]
fn a_gap_has_a_row_of_nan() {
    let readings = [
        (1000, 0, 1.0, 500),
        (2500, 0, 2.0, 500),
        (4001, 0, 3.0, 500),
    ];
    let expected: [(u64, &[f64]); 4] = [
        (1000, &[1.0]),
        (2500, &[2.0]),
        (2750, &[NAN]),
        (4001, &[3.0]),
    ];
    check(1, &readings, 4100, &expected);
    // The row is also there if other columns have the gap, and after the last reading.
    let readings = [
        (1000, 0, 1.0, 500),
        (1000, 1, 1.5, 500),
        (9000, 0, 2.0, 500),
        (9000, 1, 2.5, 500),
    ];
    let expected: [(u64, &[f64]); 4] = [
        (1000, &[1.0, 1.5]),
        (1250, &[NAN, NAN]),
        (9000, &[2.0, 2.5]),
        (9250, &[NAN, NAN]),
    ];
    check(2, &readings, 20_000, &expected);
}

#[test]
fn a_column_can_have_a_gap_while_another_has_none() {
    let readings = [
        (1000, 0, 1.0, 1000),
        (1000, 1, 5.0, 250),
        (2000, 0, 2.0, 1000),
        (3000, 0, 3.0, 1000),
        (3000, 1, 6.0, 250),
    ];
    let expected: [(u64, &[f64]); 3] = [
        (1000, &[1.0, 5.0]),
        (2000, &[2.0, NAN]),
        (3000, &[3.0, 6.0]),
    ];
    check(2, &readings, 3100, &expected);
    // The gap begins where no other column has a row.
    let readings = [
        (1000, 0, 1.0, 9000),
        (1000, 1, 5.0, 250),
        (3000, 1, 6.0, 250),
    ];
    let expected: [(u64, &[f64]); 3] = [
        (1000, &[1.0, 5.0]),
        (1250, &[1.0, NAN]),
        (3000, &[1.0, 6.0]),
    ];
    check(2, &readings, 3100, &expected);
}

#[test]
fn a_break_is_a_gap_however_short_it_is() {
    let readings = [(1000, 0, 1.0, 500), (1100, 0, -1.0, 0), (1300, 0, 2.0, 500)];
    check(
        1,
        &readings,
        1400,
        &[(1000, &[1.0]), (1150, &[NAN]), (1300, &[2.0])],
    );
    check(1, &readings[..2], 1400, &[(1000, &[1.0]), (1200, &[NAN])]);
}

#[test]
fn a_slower_reader_of_the_same_metric_leaves_no_gap() {
    let readings = [
        (1000, 0, 1.0, 250),
        (1250, 0, 2.0, 250),
        (4000, 0, 3.0, 3000),
    ];
    check(
        1,
        &readings,
        5000,
        &[(1000, &[1.0]), (1250, &[2.0]), (4000, &[3.0])],
    );
}

#[test]
fn the_oldest_rows_are_left_out() {
    let readings: Vec<_> = (0..10).map(|at| (at * 1000, 0, at as f64, 1000)).collect();
    let past = rows(1, 4, &readings, 9500);
    let values: Vec<_> = past.rows().map(|(_, values)| values[0]).collect();
    assert_eq!(values, [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    let mut past = rows(1, 0, &readings, 9500);
    past.keep_last(2);
    assert_eq!(
        (past.len(), past.rows().next()),
        (2, Some((8_000_000, &[8.0][..])))
    );
    // A column that was read in a row that is left out keeps its value, or its gap.
    let readings = [
        (1000, 0, 1.0, 4000),
        (1000, 1, 5.0, 250),
        (2000, 1, 6.0, 250),
    ];
    let past = rows(2, 1, &readings, 2100);
    assert_eq!(format!("{:?}", past.values), "[1.0, 6.0]");
    let readings = [(1000, 0, 1.0, 250), (2000, 1, 6.0, 250)];
    let past = rows(2, 1, &readings, 2100);
    assert_eq!(format!("{:?}", past.values), "[NaN, 6.0]");
}
