use super::*;

const FAULT: f64 = f64::NAN;

fn above(value: f64) -> Threshold {
    Threshold {
        value,
        hysteresis: 0.0,
        direction: Direction::Above,
        recovery: true,
        hold: Duration::ZERO,
        interval: Duration::from_secs(1),
    }
}

fn below(value: f64) -> Threshold {
    Threshold {
        direction: Direction::Below,
        ..above(value)
    }
}

/// Takes a reading a second, and returns a letter for each: `a`bove, `b`elow, or `.` for none.
fn letters(threshold: &Threshold, side: &mut Side, readings: &[f64]) -> String {
    let seconds = readings.iter().zip(1..);
    let directions = seconds.map(|(&value, second)| {
        let reading = (!value.is_nan()).then_some(value);
        side.take(threshold, reading, Duration::from_secs(second))
    });
    let letter = |direction| match direction {
        Some(Direction::Above) => 'a',
        Some(Direction::Below) => 'b',
        None => '.',
    };
    directions.map(letter).collect()
}

#[track_caller]
fn check(threshold: Threshold, readings: &[f64], expected: &str) {
    let letters = letters(&threshold, &mut Side::default(), readings);
    assert_eq!(letters, expected, "{threshold:?} {readings:?}");
}

#[test]
fn it_is_told_once_when_it_crosses_and_once_when_it_returns() {
    check(above(5.0), &[4.0, 6.0, 7.0, 4.0, 3.0, 6.0], ".a.b.a");
    check(below(5.0), &[6.0, 4.0, 3.0, 6.0, 7.0, 4.0], ".b.a.b");
}

#[test]
fn the_threshold_itself_is_not_beyond() {
    check(above(0.0), &[0.0, 1.0, 0.0, 0.0, 1.0], ".ab.a");
    check(below(10.0), &[10.0, 9.0, 10.0], ".ba");
    check(
        above(0.0),
        &[f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324],
        "ab.a",
    );
}

#[test]
fn the_first_reading_crosses_if_it_is_beyond() {
    check(above(5.0), &[6.0, 6.0], "a.");
    check(below(5.0), &[4.0, 4.0], "b.");
    // One that is not beyond has nothing to return from.
    check(above(5.0), &[4.0, 4.0], "..");
    check(below(5.0), &[6.0, 6.0], "..");
}

#[test]
fn noise_within_the_hysteresis_is_told_once() {
    let hysteresis = |threshold| Threshold {
        hysteresis: 2.0,
        ..threshold
    };
    let noise = [5.5, 4.5, 5.5, 3.5, 5.5, 3.0, 4.5, 5.5];
    check(hysteresis(above(5.0)), &noise, "a....b.a");
    let noise = [4.5, 5.5, 4.5, 6.5, 4.5, 7.0, 5.5, 4.5];
    check(hysteresis(below(5.0)), &noise, "b....a.b");
}

#[test]
fn a_hold_is_how_long_the_readings_last() {
    let hold = |seconds| Threshold {
        hold: Duration::from_secs(seconds),
        ..above(5.0)
    };
    check(hold(2), &[6.0, 6.0, 4.0, 6.0, 6.0, 6.0, 6.0], ".....a.");
    // The return is held as well: a dip is no return.
    check(
        hold(2),
        &[6.0, 6.0, 6.0, 4.0, 6.0, 4.0, 4.0, 4.0],
        "..a....b",
    );
    // Less than an interval is an interval.
    let short = Threshold {
        hold: Duration::from_millis(300),
        ..above(5.0)
    };
    check(short, &[6.0, 6.0], ".a");
}

#[test]
fn a_late_reading_does_not_make_a_hold_longer() {
    let threshold = Threshold {
        hold: Duration::from_secs(2),
        ..above(5.0)
    };
    let check = |times: &[u64], expected: bool| {
        let mut side = Side::default();
        let taken = times
            .iter()
            .map(|&time| side.take(&threshold, Some(6.0), Duration::from_millis(time)));
        assert_eq!(taken.last().unwrap().is_some(), expected, "{times:?}");
    };
    check(&[1009, 2000, 3000], true);
    check(&[1020, 2000, 3000], false);
    check(&[1020, 2000, 3000, 4000], true);
    // An hour without readings is not an hour of readings.
    let threshold = Threshold {
        hold: Duration::from_secs(60),
        ..threshold
    };
    let mut side = Side::default();
    assert_eq!(side.take(&threshold, Some(6.0), Duration::ZERO), None);
    let later = Duration::from_secs(3600);
    assert_eq!(side.take(&threshold, Some(6.0), later), None);
}

#[test]
fn a_fault_never_crosses() {
    check(above(5.0), &[FAULT, FAULT, 6.0, FAULT, 6.0], "..a..");
    check(above(5.0), &[6.0, FAULT, 4.0], "a.b");
    check(below(5.0), &[FAULT, 6.0, FAULT], "...");
}

#[test]
fn a_fault_pauses_a_hold() {
    let hold = |seconds| Threshold {
        hold: Duration::from_secs(seconds),
        ..above(5.0)
    };
    check(hold(3), &[6.0, 6.0, FAULT, 6.0, 6.0], "....a");
    // Every second reading fails: it takes twice the time, and not for ever.
    check(hold(2), &[6.0, FAULT, 6.0, FAULT, 6.0], "....a");
    // Faults for as long as the hold begin it again.
    check(hold(2), &[6.0, 6.0, FAULT, FAULT, 6.0, 6.0, 6.0], "......a");
    check(hold(2), &[6.0, 6.0, FAULT, 4.0, 6.0, 6.0, 6.0], "......a");
}

#[test]
fn only_the_directions_that_are_asked_for_are_told() {
    let both = above(5.0);
    let one = Threshold {
        recovery: false,
        ..both
    };
    assert!(both.tells(Direction::Above) && both.tells(Direction::Below));
    assert!(one.tells(Direction::Above) && !one.tells(Direction::Below));
    let low = Threshold {
        recovery: false,
        ..below(5.0)
    };
    assert!(!low.tells(Direction::Above) && low.tells(Direction::Below));
}

#[test]
fn a_metric_that_has_crossed_before_only_returns() {
    let mut side = Side::crossed();
    let readings = [6.0, 7.0, 4.0, 6.0];
    assert_eq!(letters(&above(5.0), &mut side, &readings), "..ba");
}
