use std::collections::BTreeMap;

use super::*;
use crate::{reading::Fault, source::Roots, sources, store::Store};

/// 2023-11-14, in microseconds.
const REALTIME: u64 = 1_700_000_000_000_000;

fn at(milliseconds: u64) -> Stamp {
    let moment = Duration::from_millis(milliseconds);
    Stamp {
        realtime: REALTIME + milliseconds * 1000,
        monotonic: moment,
        boottime: moment,
    }
}

/// A history, the store of its selections, and these by their selectors.
struct Fixture {
    store: Store,
    history: History,
    selections: BTreeMap<Vec<&'static str>, Arc<Selection>>,
}

impl Fixture {
    fn new() -> Self {
        Self {
            store: Store::new(sources::all(&Roots::default())),
            history: History::default(),
            selections: BTreeMap::new(),
        }
    }

    fn selection(&mut self, selectors: &[&'static str]) -> Arc<Selection> {
        let resolved = || self.store.resolve(selectors).unwrap();
        let entry = self.selections.entry(selectors.to_vec());
        entry.or_insert_with(resolved).clone()
    }

    /// Records a frame at so many milliseconds, of a session with this interval.
    fn record(&mut self, now: u64, selectors: &[&'static str], interval: u64, values: &[f64]) {
        let selection = self.selection(selectors);
        assert_eq!(selection.columns.len(), values.len());
        let frame = KeptFrame {
            selection: &selection,
            interval: Duration::from_millis(interval),
            timestamp: at(now).realtime,
            values,
            is_first: false,
        };
        self.history.record(at(now), &frame);
    }

    /// The rows at so many milliseconds: their milliseconds, and values.
    fn past(&mut self, now: u64, selectors: &[&'static str], span: u64) -> Vec<(u64, Vec<f64>)> {
        let selection = self.selection(selectors);
        let span = Duration::from_millis(span);
        let past = self.history.past(&selection, span, usize::MAX, at(now));
        let rows = past.rows();
        rows.map(|(timestamp, values)| ((timestamp - REALTIME) / 1000, values.to_vec()))
            .collect()
    }
}

const A: &str = "cpu/all/usage";
const B: &str = "memory/physical/used";
const TEXT: &str = "os/kernel/name";

#[test]
fn what_was_read_is_returned_for_any_selection() {
    let mut fixture = Fixture::new();
    fixture.record(1000, &[A, TEXT], 500, &[1.0, f64::NAN]);
    fixture.record(1500, &[A, TEXT], 500, &[2.0, f64::NAN]);
    fixture.record(1500, &[B], 500, &[20.0]);
    assert_eq!(
        fixture.past(1900, &[A], 5000),
        [(1000, vec![1.0]), (1500, vec![2.0])]
    );
    assert_eq!(fixture.past(1900, &[A], 400), [(1500, vec![2.0])]);
    assert_eq!(fixture.past(1900, &[A], 0), []);
    let both = format!("{:?}", fixture.past(1900, &[B, TEXT, A], 5000));
    assert_eq!(both, "[(1000, [NaN, NaN, 1.0]), (1500, [20.0, NaN, 2.0])]");
    assert_eq!(fixture.past(1900, &["memory/physical/free"], 5000), []);
}

#[test]
fn a_fast_session_is_thinned() {
    let mut fixture = Fixture::new();
    for number in 0..20 {
        fixture.record(1000 + 50 * number, &[A], 50, &[number as f64]);
    }
    let rows = fixture.past(2000, &[A], 5000);
    let expected = [(1000, 0.0), (1250, 5.0), (1500, 10.0), (1750, 15.0)];
    assert_eq!(rows, expected.map(|(at, value)| (at, vec![value])));
}

#[test]
fn sessions_store_a_metric_once() {
    let mut fixture = Fixture::new();
    for number in 0..8 {
        fixture.record(1000 + 250 * number, &[A, B], 250, &[1.0, 2.0]);
        fixture.record(1000 + 250 * number, &[B, A], 250, &[2.0, 1.0]);
        fixture.record(1100 + 250 * number, &[B], 250, &[3.0]);
    }
    assert_eq!(fixture.history.all_records().len(), 8);
    assert_eq!(fixture.past(3000, &[A, B], 5000).len(), 8);
}

#[test]
fn a_fault_takes_no_place_of_a_number() {
    let mut fixture = Fixture::new();
    fixture.record(1000, &[A], 250, &[f64::NAN]);
    fixture.record(1050, &[A], 250, &[f64::NAN]);
    fixture.record(1100, &[A], 250, &[1.0]);
    fixture.record(1150, &[A], 250, &[f64::NAN]);
    let rows = format!("{:?}", fixture.past(1200, &[A], 5000));
    assert_eq!(rows, "[(1000, [NaN]), (1100, [1.0])]");
    // The first frame of a session may lack a baseline.
    let selection = fixture.selection(&[A]);
    let first = KeptFrame {
        selection: &selection,
        interval: SLOT,
        timestamp: at(2000).realtime,
        values: &[f64::NAN],
        is_first: true,
    };
    fixture.history.record(at(2000), &first);
    assert_eq!(fixture.past(2100, &[A], 500), []);
    assert_eq!(Fault::First.code(), "first");
}

#[test]
fn the_oldest_readings_go_first() {
    let mut fixture = Fixture::new();
    fixture.history.configure(HistorySettings {
        bytes: 16 << 10,
        ..HistorySettings::default()
    });
    for number in 0..1000 {
        fixture.record(1000 + 250 * number, &[A], 250, &[number as f64]);
        let history = &fixture.history;
        assert!(history.ring.bytes() + history.table.bytes() <= 16 << 10);
    }
    let rows = fixture.past(251_000, &[A], 600_000);
    assert!((300..500).contains(&rows.len()), "{}", rows.len());
    assert_eq!(rows.last().unwrap().1, [999.0]);
    assert!(rows.windows(2).all(|rows| rows[1].0 == rows[0].0 + 250));
}

#[test]
fn readings_age_out() {
    let mut fixture = Fixture::new();
    fixture.history.configure(HistorySettings {
        span: Duration::from_secs(10),
        ..HistorySettings::default()
    });
    fixture.record(1000, &[A], 1000, &[1.0]);
    for number in 0..100 {
        fixture.record(2000 + 1000 * number, &[B], 1000, &[number as f64]);
    }
    assert_eq!(fixture.past(101_500, &[B], 600_000).len(), 10);
    assert_eq!(fixture.past(101_500, &[A], 600_000), []);
    // Nothing of the metric is left.
    assert_eq!(fixture.history.table.series.iter().count(), 1);
    assert_eq!(fixture.history.all_records().len(), 11);
    // Not even a later request finds what is older.
    assert_eq!(fixture.past(200_000, &[B], 600_000), []);
    fixture.history.configure(HistorySettings {
        span: Duration::ZERO,
        ..HistorySettings::default()
    });
    fixture.record(200_000, &[B], 1000, &[1.0]);
    assert_eq!(fixture.past(200_000, &[B], 600_000), []);
}

#[test]
fn fifty_metrics_fit_for_ten_minutes() {
    let mut fixture = Fixture::new();
    let fifty = ["memory"];
    let width = fixture.selection(&fifty).columns.len();
    let values = vec![1.0; width];
    for number in 0..2400 {
        fixture.record(1000 + 250 * number, &fifty, 250, &values);
    }
    let rows = fixture.past(601_000, &fifty, 600_000);
    let expected = (2400 * 52 / width.max(52)).min(2400) * 9 / 10;
    assert!(rows.len() >= expected, "{} of {width} columns", rows.len());
}

#[test]
fn the_rows_have_a_limit_and_the_oldest_are_left_out() {
    let mut fixture = Fixture::new();
    for number in 0..2400 {
        fixture.record(1000 + 250 * number, &[A], 250, &[number as f64]);
    }
    let all = fixture.selection(&[]);
    let one = fixture.selection(&[A]);
    let width = all.columns.len();
    let fitting = MAX_BYTES / (ROW_BYTES + 8 * width);
    for (selection, max_rows, expected) in [
        (&one, usize::MAX, 2400),
        (&one, 1000, 1000),
        (&all, usize::MAX, fitting.min(2400)),
    ] {
        let span = Duration::from_secs(600);
        let past = fixture.history.past(selection, span, max_rows, at(601_000));
        assert_eq!(past.len(), expected);
        let mut column = selection.columns.iter();
        let column = column.position(|column| *column.metric.id == *A);
        let (timestamp, values) = past.rows().last().unwrap();
        let last = (timestamp, values[column.unwrap()]);
        assert_eq!(last, (at(600_750).realtime, 2399.0));
    }
}

#[test]
fn a_clock_that_was_set_does_not_disturb_the_order() {
    let mut fixture = Fixture::new();
    for number in 0..4 {
        fixture.record(1000 + 500 * number, &[A], 500, &[number as f64]);
    }
    let selection = fixture.selection(&[A]);
    let now = Stamp {
        realtime: at(3000).realtime - 3_600_000_000,
        ..at(3000)
    };
    let past = fixture
        .history
        .past(&selection, Duration::from_secs(10), usize::MAX, now);
    let timestamps: Vec<_> = past
        .rows()
        .map(|(timestamp, _)| now.realtime - timestamp)
        .collect();
    assert_eq!(timestamps, [2_000_000, 1_500_000, 1_000_000, 500_000]);
}

#[test]
fn a_suspend_is_a_gap_however_short() {
    let mut fixture = Fixture::new();
    let selection = fixture.selection(&[A]);
    // Each frame, in milliseconds: when, and how much of that the machine was suspended.
    let frames = [
        (1000, 0, 1.0),
        (1005, 0, 2.0),
        (1505, 500, 3.0),
        (2505, 500, 4.0),
    ];
    for (now, suspended, value) in frames {
        let stamp = Stamp {
            monotonic: Duration::from_millis(now - suspended),
            ..at(now)
        };
        let frame = KeptFrame {
            selection: &selection,
            interval: Duration::from_secs(1),
            timestamp: stamp.realtime,
            values: &[value],
            is_first: false,
        };
        fixture.history.record(stamp, &frame);
    }
    // The second frame is in the slot of the first one; the third one is not, although that clock has stood still.
    let rows = fixture.past(2600, &[A], 5000);
    let moments: Vec<_> = rows.iter().map(|(moment, _)| *moment).collect();
    assert_eq!(moments, [1000, 1250, 1505, 2505]);
    let values: Vec<_> = rows.iter().map(|(_, values)| values[0]).collect();
    assert!(values[1].is_nan());
    assert_eq!([values[0], values[2], values[3]], [1.0, 3.0, 4.0]);
}
