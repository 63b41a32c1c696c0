//! One fresh reading now, rates included: what `Sample` does, on the bus and without one.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    reading::{Fault, Reading, monotonic},
    store::{Baseline, Column, Frame, Selection, Store},
};

/// The kernel counts CPU time in ticks of its clock, 10 ms at most in what it shows (`USER_HZ`). What a
/// short window has missed, the next ticks bring; what has not moved after ten of them stands still.
const TICK: Duration = Duration::from_millis(10);
const TICKS: u32 = 10;

/// What is found slow while it is read is waited for once, and what else is found so then, once more.
const MOVES: u32 = 2;

/// How a sample is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleTiming {
    /// The shortest time between the two reads of a rate.
    pub window: Duration,
    /// A reading that is at most this old will do.
    pub max_age: Duration,
    /// What takes longer than this is a fault.
    pub timeout: Duration,
}

impl Default for SampleTiming {
    fn default() -> Self {
        Self {
            window: Duration::from_millis(200),
            max_age: Duration::ZERO,
            timeout: Duration::from_secs(1),
        }
    }
}

/// What was read of a selection.
#[derive(Debug)]
pub struct Sample {
    frame: Frame,
    baseline: Baseline,
    late: bool,
}

impl Sample {
    /// Reads a selection. A rate that has no earlier reading to compare with takes two, a window
    /// apart, or a little more where its counters have not moved in it. What is still on its way, the
    /// first answer of a command, is waited for.
    pub async fn take(store: &Store, selection: &Selection, options: SampleTiming) -> Self {
        let start = monotonic();
        let deadline = start.saturating_add(options.timeout);
        if !options.max_age.is_zero() {
            let since = start.saturating_sub(options.max_age);
            store.prefetch(selection, since, deadline).await;
            let frame = store.read(selection, since);
            let baseline = store.existing_baseline(selection, &frame, options.window);
            if selection.is_covered(&baseline) {
                return Self::new(frame, baseline, false);
            }
        }
        store
            .prefetch_baseline(selection, options.window, deadline)
            .await;
        let (baseline, ready) = store.baseline(selection, options.window);
        if ready > deadline {
            sleep(options.timeout).await;
            let frame = store.read(selection, deadline);
            return Self::new(frame, Baseline::new(), true);
        }
        let mut since = ready.max(start);
        let wait = since.saturating_sub(start);
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let (mut ticks, mut moved) = (0, 0);
        loop {
            store.prefetch(selection, since, deadline).await;
            let frame = store.read(selection, since);
            let left = deadline.saturating_sub(monotonic());
            let is_too_soon = ticks < TICKS && selection.is_too_soon(&frame, &baseline);
            // What has just proved slow is on its way.
            let is_awaited = moved < MOVES && store.is_worth_waiting(selection);
            if left.is_zero() || !(is_too_soon || is_awaited) {
                return Self::new(frame, baseline, false);
            }
            if is_awaited {
                moved = moved.saturating_add(1);
            } else {
                ticks = ticks.saturating_add(1);
                sleep(left.min(TICK)).await;
            }
            since = monotonic();
        }
    }

    fn new(frame: Frame, baseline: Baseline, late: bool) -> Self {
        Self {
            frame,
            baseline,
            late,
        }
    }

    /// The moment of reading, in microseconds since the Unix epoch.
    pub fn timestamp(&self) -> u64 {
        self.frame.timestamp
    }

    /// The readings, in the order of the selection's columns.
    pub fn readings<'a>(
        &'a self,
        selection: &'a Selection,
    ) -> impl Iterator<Item = (&'a Column, Reading)> {
        let readings = selection.readings(&self.frame, &self.baseline);
        readings.map(|(column, reading)| match reading {
            Err(Fault::First) if self.late => (column, Err(Fault::Timeout)),
            reading => (column, reading),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, sync::mpsc, thread};

    use super::*;
    use crate::{
        metric::{Kind, Metric, unit},
        rate::Formula,
        reading::{Raw, Value},
        source::{About, Answered, Deferred, Error, Provider, Source},
    };

    const ID: &str = "test/one/share";

    /// A counter of time that moves at its fourth reading only.
    #[derive(Default)]
    struct Slow {
        reads: u64,
    }

    /// Something that is read elsewhere: it is asked before each reading.
    struct Elsewhere {
        ask: mpsc::Sender<()>,
        answers: mpsc::Receiver<f64>,
        answer: Cell<Option<f64>>,
        start: Option<Start>,
    }

    type Start = Box<dyn FnOnce(Answered) + Send>;

    fn metric(kind: Kind, formula: Formula) -> Metric {
        Metric {
            id: ID.into(),
            name: "Name".into(),
            description: "Description".into(),
            unit: unit::PERCENT.into(),
            kind,
            minimum: None,
            maximum: None,
            formula,
        }
    }

    impl Source for Slow {
        fn about(&self) -> About<'_> {
            About::new("slow", &[ID])
        }

        fn discover(&mut self) -> Result<Vec<Metric>, Error> {
            let share = Formula::Share { part: 0, whole: 1 };
            Ok(vec![metric(Kind::Rate, share)])
        }

        fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
            self.reads += 1;
            let ticks = if self.reads < 4 { 100 } else { 104 };
            columns.extend([ticks / 2, ticks].map(Raw::Counter));
            Ok(())
        }
    }

    impl Source for Elsewhere {
        fn about(&self) -> About<'_> {
            About::new("elsewhere", &[ID])
        }

        fn discover(&mut self) -> Result<Vec<Metric>, Error> {
            Ok(vec![metric(Kind::Gauge, Formula::Level(0))])
        }

        fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
            columns.push(match self.answer.get() {
                Some(answer) => Raw::Number(answer),
                None => Raw::Fault(Fault::Timeout),
            });
            Ok(())
        }

        fn deferred(&mut self) -> Option<&mut dyn Deferred> {
            Some(self)
        }
    }

    impl Deferred for Elsewhere {
        fn when_answered(&mut self, tell: Answered) {
            self.start.take().expect("it is told once")(tell);
        }

        fn begin(&mut self, _: Duration) {
            self.ask.send(()).ok();
        }

        fn is_awaited(&self) -> bool {
            let answer = self.answer.get().or(self.answers.try_recv().ok());
            self.answer.set(answer);
            answer.is_none()
        }
    }

    /// The reading of the one metric of a source.
    fn take(source: impl Source + 'static, options: SampleTiming) -> Reading {
        let store = Store::new(vec![Provider::source(source)]);
        let selection = store.resolve(&[ID]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let sample = runtime.block_on(Sample::take(&store, &selection, options));
        sample.readings(&selection).next().unwrap().1
    }

    #[test]
    fn counters_that_have_not_moved_are_waited_for() {
        let options = SampleTiming {
            window: Duration::from_millis(1),
            ..SampleTiming::default()
        };
        assert_eq!(take(Slow::default(), options), Ok(Value::Number(50.0)));
    }

    #[test]
    fn what_does_not_move_in_time_is_no_rate() {
        let options = SampleTiming {
            window: Duration::from_millis(1),
            timeout: Duration::from_millis(3),
            ..SampleTiming::default()
        };
        assert_eq!(take(Slow::default(), options), Err(Fault::First));
    }

    #[test]
    fn no_time_is_too_long() {
        let options = SampleTiming {
            window: Duration::from_millis(1),
            max_age: Duration::MAX,
            timeout: Duration::MAX,
        };
        assert_eq!(take(Slow::default(), options), Ok(Value::Number(50.0)));
        let options = SampleTiming {
            window: Duration::MAX,
            max_age: Duration::MAX,
            timeout: Duration::from_millis(3),
        };
        assert_eq!(take(Slow::default(), options), Err(Fault::Timeout));
    }

    #[test]
    fn an_answer_that_is_on_its_way_is_waited_for() {
        let (ask, asked) = mpsc::channel();
        let (send, answers) = mpsc::channel();
        let elsewhere = Elsewhere {
            ask,
            answers,
            answer: Cell::new(None),
            start: Some(Box::new(move |tell| {
                thread::spawn(move || {
                    asked.recv().unwrap();
                    send.send(7.0).unwrap();
                    tell();
                });
            })),
        };
        let options = SampleTiming {
            timeout: Duration::from_secs(100),
            ..SampleTiming::default()
        };
        assert_eq!(take(elsewhere, options), Ok(Value::Number(7.0)));
    }

    #[test]
    fn an_answer_that_does_not_come_is_a_fault() {
        let (ask, _asked) = mpsc::channel();
        let (_send, answers) = mpsc::channel();
        let elsewhere = Elsewhere {
            ask,
            answers,
            answer: Cell::new(None),
            start: Some(Box::new(drop)),
        };
        let options = SampleTiming {
            timeout: Duration::from_millis(3),
            ..SampleTiming::default()
        };
        assert_eq!(take(elsewhere, options), Err(Fault::Timeout));
    }
}
