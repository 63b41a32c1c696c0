//! The recordings for the pages of single rows.

use std::{cell::RefCell, rc::Rc};

use sampled_client::{Fault, Value};

use super::{
    fields::place,
    item::{Item, Key},
};
use crate::recording::{Absence, Samples};

/// The recording of a row.
pub(super) const FIELDS: [&str; 4] = ["cpu", "rss", "read", "write"];
/// The most rows that are recorded. Another one takes the place of the oldest that has ended, or of the oldest.
const MOST_RECORDED: usize = 32;
/// The samples that are kept of each field: an hour at one a second.
const MOST_SAMPLES: usize = 3600;

/// The samples of the fields of a row.
pub(super) type Recorded = [Rc<RefCell<Samples>>; FIELDS.len()];

/// The rows whose pages have been opened.
#[derive(Default)]
pub(super) struct Recordings {
    /// In the order in which they were opened.
    rows: Vec<(Key, Recorded)>,
}

impl Recordings {
    /// The samples of a row, which are recorded from now on.
    pub(super) fn open(&mut self, key: &Key, is_alive: impl Fn(&Key) -> bool) -> Recorded {
        if let Some((_, recorded)) = self.rows.iter().find(|(other, _)| other == key) {
            return recorded.clone();
        }
        if self.rows.len() >= MOST_RECORDED {
            let ended = self.rows.iter().position(|(other, _)| !is_alive(other));
            self.rows.remove(ended.unwrap_or(0));
        }
        let recorded: Recorded = std::array::from_fn(|_| Samples::shared(MOST_SAMPLES));
        self.rows.push((key.clone(), recorded.clone()));
        recorded
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds the values of a frame. A row that is not there has ended.
    pub(super) fn record(&self, time: u64, find: impl Fn(&Key) -> Option<Item>) {
        for (key, recorded) in &self.rows {
            let item = find(key);
            for (field, samples) in FIELDS.iter().zip(recorded) {
                let gone = Err(Absence::Fault(Fault::Gone));
                let value = item.as_ref().map_or(gone, |item| reading(item, field));
                let mut samples = samples.borrow_mut();
                // One word is enough for the end.
                let has_ended =
                    value == gone && samples.newest().is_some_and(|newest| newest.value.is_nan());
                if !has_ended {
                    samples.push(time, value);
                }
            }
        }
    }

    /// Begins a gap.
    pub(super) fn interrupt(&self, time: u64, absence: Absence) {
        for samples in self.rows.iter().flat_map(|(_, recorded)| recorded) {
            let mut samples = samples.borrow_mut();
            if samples
                .newest()
                .is_some_and(|newest| !newest.value.is_nan())
            {
                samples.push(time, Err(absence));
            }
        }
    }
}

fn reading(item: &Item, field: &str) -> Result<f64, Absence> {
    let reading =
        place(field).and_then(|place| item.with_field(place, |field| field.reading.clone()));
    match reading {
        Some(Ok(Value::Number(number))) => Ok(number),
        Some(Err(fault)) => Err(Absence::Fault(fault)),
        _ => Err(Absence::Unread),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::processes::fields::COLUMNS;

    fn key(pid: u32) -> Key {
        Key::Process { pid, start_time: 1 }
    }

    fn item(pid: u32, cpu: f64) -> Item {
        let fields = COLUMNS.iter().map(|_| Ok(Value::Number(cpu)).into());
        Item::new(key(pid), 0, fields.collect())
    }

    #[test]
    fn a_row_is_recorded_from_its_opening_to_its_end() {
        let mut recordings = Recordings::default();
        recordings.record(1, |_| Some(item(7, 1.0)));
        let [cpu, ..] = recordings.open(&key(7), |_| true);
        recordings.record(2, |_| Some(item(7, 2.0)));
        recordings.interrupt(3, Absence::Unread);
        recordings.record(4, |_| Some(item(7, 4.0)));
        for time in 5..9 {
            recordings.record(time, |_| None);
        }
        let cpu = cpu.borrow();
        let times: Vec<u64> = cpu.range(0, 99).map(|sample| sample.time).collect();
        assert_eq!(times, [2, 3, 4, 5]);
        assert_eq!(cpu.absence_at(3), Some(Absence::Unread));
        assert_eq!(cpu.absence_at(8), Some(Absence::Fault(Fault::Gone)));
    }

    #[test]
    fn a_page_that_is_opened_again_has_its_graphs() {
        let mut recordings = Recordings::default();
        let first = recordings.open(&key(7), |_| true);
        recordings.open(&key(8), |_| true);
        assert!(Rc::ptr_eq(
            &first[0],
            &recordings.open(&key(7), |_| true)[0]
        ));
    }

    #[test]
    fn the_number_of_recordings_is_limited() {
        let mut recordings = Recordings::default();
        let first = recordings.open(&key(0), |_| true);
        for pid in 1..100 {
            recordings.open(&key(pid), |key| *key == self::key(0));
        }
        assert_eq!(recordings.rows.len(), MOST_RECORDED);
        assert!(
            Rc::ptr_eq(&first[0], &recordings.open(&key(0), |_| true)[0]),
            "it is alive"
        );
    }
}
