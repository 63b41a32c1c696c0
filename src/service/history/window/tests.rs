use std::sync::Arc;

use super::*;
use crate::{
    service::history::{HistorySettings, KeptFrame, record::a_break},
    source::Roots,
    sources,
    store::Store,
};

const IDS: [&str; 4] = [
    "cpu/all/usage",
    "memory/physical/used",
    "memory/physical/free",
    "memory/swap/used",
];

const SPAN: Duration = Duration::from_secs(24 * 60 * 60);

fn at(milliseconds: u64) -> Stamp {
    let moment = Duration::from_millis(milliseconds);
    Stamp {
        realtime: 1_700_000_000_000_000 + milliseconds * 1000,
        monotonic: moment,
        boottime: moment,
    }
}

/// Numbers that look random, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A history of sessions that come and go, with gaps and breaks, in many chunks; and its last moment.
fn history(store: &Store, seed: u64) -> (History, u64) {
    let mut history = History::default();
    history.configure(HistorySettings {
        span: SPAN,
        bytes: 1 << 18,
        ..HistorySettings::default()
    });
    let selectors = [
        &IDS[..1],
        &IDS[1..3],
        &IDS[..3],
        &[IDS[3]],
        &[IDS[2], IDS[0]],
    ];
    let sessions = selectors.map(|selectors| store.resolve(selectors).unwrap());
    let mut random = Random(seed);
    let mut now = 1_000_000;
    for _ in 0..3000 {
        now += match random.below(200) {
            0 => 20_000,
            1 => {
                let end = a_break(now * 1000, at(now).realtime);
                history.ring.push(&end, 1 << 18);
                100
            }
            _ => 10 + random.below(400),
        };
        let all = sessions.len() as u64;
        // The last ones are rare.
        let selection = &sessions[random.below(all).min(random.below(all)) as usize];
        let values: Vec<_> = (selection.columns.iter())
            .map(|_| match random.below(10) {
                0 => f64::NAN,
                number => number as f64,
            })
            .collect();
        let frame = KeptFrame {
            selection,
            interval: Duration::from_millis([250, 500, 1000, 30_000][random.below(4) as usize]),
            timestamp: at(now).realtime,
            values: &values,
            is_first: false,
        };
        history.record(at(now), &frame);
    }
    (history, now)
}

/// The rows of all records since a moment, one after the other, without a search for a window.
fn by_all_records(
    history: &History,
    selection: &Selection,
    since: u64,
    most: usize,
    now: Stamp,
) -> Past {
    let columns = selection.columns.iter();
    let ids: Vec<_> = columns.map(|column| column.metric.id.clone()).collect();
    let column = |layout: u32, position: usize| {
        let series = history.table.layouts.get(layout).unwrap().series[position];
        let series = history.table.series.get(series)?;
        ids.iter().position(|id| *id == series.id)
    };
    let records = history.all_records();
    let values = |record: &Record<'_>| -> Vec<(usize, f64)> {
        let layout = record.layout.filter(|_| record.moment >= since);
        let positions = layout.into_iter().flat_map(|layout| {
            let width = history.table.width(layout).unwrap();
            (0..width).map(move |position| (layout, position))
        });
        let values = positions.filter_map(|(layout, position)| {
            Some((column(layout, position)?, record.value(position)?))
        });
        values.collect()
    };
    let wanted = records.iter().filter(|record| !values(record).is_empty());
    let mut moments: Vec<_> = wanted.map(|record| record.moment).collect();
    moments.dedup();
    let mut rows = Rows::new(ids.len(), moments.len().saturating_sub(most));
    for record in &records {
        let Some(layout) = record.layout else {
            rows.break_off();
            continue;
        };
        let interval = history.table.layouts.get(layout).unwrap().interval;
        for (column, value) in values(record) {
            rows.begin(record.moment, wall_clock(record, now));
            rows.set(column, value, interval);
        }
    }
    rows.finish(microseconds(now.boottime), most)
}

#[test]
fn a_window_gives_the_rows_of_all_records() {
    let store = Store::new(sources::all(&Roots::default()));
    let selections = [&IDS[..], &IDS[..1], &IDS[2..], &IDS[3..]];
    let selections: Vec<Arc<Selection>> = selections
        .iter()
        .map(|ids| store.resolve(ids).unwrap())
        .collect();
    let mut skipping = 0;
    for seed in 0..8 {
        let (history, end) = history(&store, seed);
        assert!(history.ring.slices().count() > 10);
        for selection in &selections {
            for (most, span) in [(1, SPAN), (3, SPAN), (50, SPAN), (400, SPAN), (4000, SPAN)]
                .into_iter()
                .chain([20, 200].map(|span| (30, Duration::from_secs(span))))
            {
                let now = at(end + 300);
                let since = microseconds(now.boottime.saturating_sub(span));
                let past = history.past(selection, span, most, now);
                let expected = by_all_records(&history, selection, since, most, now);
                skipping += usize::from(past.len() == most);
                let (past, expected) = (format!("{past:?}"), format!("{expected:?}"));
                assert!(
                    past == expected,
                    "{seed} {most} {span:?}\n{past}\n{expected}"
                );
            }
        }
    }
    assert!(skipping > 50, "{skipping}");
}

#[test]
fn a_window_is_no_longer_than_its_rows() {
    let store = Store::new(sources::all(&Roots::default()));
    let (history, end) = history(&store, 1);
    let selection = store.resolve(&IDS[..1]).unwrap();
    let chunks = |since, most| Window::find(&history, &selection, since, most).chunks.len();
    assert_eq!(chunks(0, 1), 1);
    assert_eq!(chunks((end - 1000) * 1000, 1000), 1);
    assert_eq!(chunks(0, 100_000), history.ring.slices().count());
    // Nobody has read it.
    let other = store.resolve(&["cpu/loadaverages/loadaverage1"]).unwrap();
    assert_eq!(Window::find(&history, &other, 0, 1).chunks.len(), 0);
}
