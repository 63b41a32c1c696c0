use sampled_client::Fault;

use super::*;

fn frame(timestamp: u64, value: f64) -> Frame {
    Frame::new(timestamp, [("a".to_owned(), Ok(Value::Number(value)))])
}

fn values(recording: &Recording) -> Vec<f64> {
    recording.values("a").collect()
}

#[test]
fn a_slot_has_the_last_of_its_values() {
    let mut recording = Recording::new(10, Cursor::PRESENT, 0);
    for (timestamp, value) in [(100, 1.0), (105, 2.0), (110, 3.0)] {
        recording.push(&frame(timestamp, value));
    }
    assert_eq!(values(&recording), [3.0, 2.0]);
    assert_eq!(recording.number("a"), Some(3.0));
    assert_eq!(recording.number("b"), None);
}

#[test]
fn a_value_holds_until_the_next_one() {
    let mut recording = Recording::new(10, Cursor::PRESENT, 0);
    recording.push(&frame(100, 1.0));
    recording.push(&frame(130, 2.0));
    assert_eq!(values(&recording), [2.0, 1.0, 1.0, 1.0]);
}

#[test]
fn a_frame_that_comes_late_is_behind_a_gap() {
    let mut recording = Recording::new(10, Cursor::PRESENT, 0);
    recording.push(&frame(100, 1.0));
    recording.push(&frame(140, 2.0));
    let values = values(&recording);
    assert_eq!((values.len(), values[0], values[4]), (5, 2.0, 1.0));
    assert!(values[1..4].iter().all(|value| value.is_nan()));
}

#[test]
fn the_past_has_its_own_gaps() {
    let mut recording = Recording::new(10, Cursor::PRESENT, 150);
    // A session that reads less often has read this.
    recording.push(&frame(100, 1.0));
    recording.push(&frame(140, 2.0));
    recording.push(&frame(180, 3.0));
    assert_eq!(
        values(&recording),
        [3.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0]
    );
    recording.push(&frame(220, 4.0));
    assert!(values(&recording)[1].is_nan());
}

#[test]
fn a_gap_stays_a_gap() {
    let mut recording = Recording::new(10, Cursor::PRESENT, 0);
    recording.push(&frame(100, 1.0));
    recording.interrupt(112);
    assert_eq!(recording.reading("a"), Some(Err(Fault::Gap)));
    recording.push(&frame(140, 2.0));
    let values = values(&recording);
    assert_eq!((values[0], values[4]), (2.0, 1.0));
    assert!(values[1..4].iter().all(|value| value.is_nan()));
}

#[test]
fn a_metric_that_has_gone_has_no_value() {
    let mut recording = Recording::new(10, Cursor::PRESENT, 0);
    recording.push(&frame(100, 1.0));
    recording.push(&Frame::new(110, [("b".to_owned(), Err(Fault::Denied))]));
    assert_eq!(recording.reading("a"), Some(Err(Fault::Gone)));
    assert_eq!(recording.reading("b"), Some(Err(Fault::Denied)));
    assert!(values(&recording)[0].is_nan());
}

#[test]
fn it_does_not_grow() {
    let mut recording = Recording::new(1, Cursor::PRESENT, 0);
    recording.push(&frame(0, 1.0));
    recording.push(&frame(u64::MAX, 2.0));
    recording.push(&frame(5, 3.0));
    assert_eq!(values(&recording).len(), CAPACITY);
}

#[test]
fn a_cursor_stays_while_nothing_is_recorded() {
    let mut cursor = Cursor::PRESENT;
    cursor.go_by(-3, 50..=100, 10);
    let mut recording = Recording::new(10, cursor, 0);
    recording.go_by(-1);
    recording.go_by(100);
    assert_eq!(recording.cursor, cursor);
    // The past comes from the oldest frame on.
    for slot in 50..=100 {
        recording.push(&frame(slot * 10, slot as f64));
    }
    assert_eq!(recording.number("a"), Some(97.0));
}

#[test]
fn a_cursor_stays_while_time_goes_on() {
    let mut recording = Recording::new(10, Cursor::PRESENT, 0);
    for second in 1..=4 {
        recording.push(&frame(second * 10, second as f64));
    }
    recording.go_by(-2);
    assert_eq!(values(&recording), [2.0, 1.0]);
    assert_eq!(recording.number("a"), Some(2.0));
    assert_eq!(recording.behind(), Some(Duration::from_micros(20)));
    recording.push(&frame(50, 5.0));
    assert_eq!(values(&recording), [2.0, 1.0]);
    assert_eq!(recording.behind(), Some(Duration::from_micros(30)));
    recording.go_by(-100);
    assert_eq!(values(&recording), [1.0]);
    recording.go_by(100);
    assert_eq!((values(&recording)[0], recording.behind()), (5.0, None));
    recording.interrupt(60);
    recording.go_by(-1);
    assert_eq!(recording.number("a"), Some(5.0));
}

#[test]
fn a_column_of_a_longer_span_has_the_largest_value() {
    let mut recording = Recording::new(1, Cursor::PRESENT, 0);
    for (timestamp, value) in [(1, 9.0), (2, 1.0), (3, 4.0), (4, 2.0)] {
        recording.push(&frame(timestamp, value));
    }
    recording.cursor.zoom_by(true);
    // The slots 4; 2 and 3; 1, as far as they are known.
    assert_eq!(values(&recording), [2.0, 4.0, 9.0]);
    recording.push(&frame(5, 3.0));
    assert_eq!(values(&recording), [3.0, 4.0, 9.0]);
}
