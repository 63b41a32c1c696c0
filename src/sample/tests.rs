//! Samples of sources that move late, or answer late.

use std::{cell::Cell, sync::mpsc, thread};

use super::*;
use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Raw, Value},
    source::{About, Answered, Deferred, Error, Provider, Source},
};

const ID: &str = "test/one/share";

/// A source whose counters first move at the fourth read.
#[derive(Default)]
struct Slow {
    reads: u64,
}

/// A deferred source: a thread answers before each read.
struct Late {
    ask: mpsc::Sender<()>,
    answers: mpsc::Receiver<f64>,
    answer: Cell<Option<f64>>,
    register: Option<Register>,
}

type Register = Box<dyn FnOnce(Answered) + Send>;

fn metric(kind: Kind, formula: Formula) -> Metric {
    let object = Object::new("Object", Group::Custom);
    Metric::new(ID, object, unit::PERCENT, kind, formula)
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

impl Source for Late {
    fn about(&self) -> About<'_> {
        About::new("late", &[ID])
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

impl Deferred for Late {
    fn when_answered(&mut self, on_answer: Answered) {
        self.register.take().expect("one call")(on_answer);
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
fn take(source: impl Source + 'static, timing: SampleTiming) -> Reading {
    let store = Store::new(vec![Provider::source(source)]);
    let selection = store.resolve(&[ID]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let sample = runtime.block_on(Sample::take(&store, &selection, timing));
    sample.readings(&selection).next().unwrap().1
}

#[test]
fn counters_that_have_not_moved_are_waited_for() {
    let timing = SampleTiming {
        window: Duration::from_millis(1),
        ..SampleTiming::default()
    };
    assert_eq!(take(Slow::default(), timing), Ok(Value::Number(50.0)));
}

#[test]
fn counters_that_do_not_move_in_time_are_no_rate() {
    let timing = SampleTiming {
        window: Duration::from_millis(1),
        timeout: Duration::from_millis(3),
        ..SampleTiming::default()
    };
    assert_eq!(take(Slow::default(), timing), Err(Fault::First));
}

#[test]
fn the_longest_durations_are_accepted() {
    let timing = SampleTiming {
        window: Duration::from_millis(1),
        max_age: Duration::MAX,
        timeout: Duration::MAX,
    };
    assert_eq!(take(Slow::default(), timing), Ok(Value::Number(50.0)));
    let timing = SampleTiming {
        window: Duration::MAX,
        max_age: Duration::MAX,
        timeout: Duration::from_millis(3),
    };
    assert_eq!(take(Slow::default(), timing), Err(Fault::Timeout));
}

#[test]
fn an_awaited_answer_is_waited_for() {
    let (ask, asked) = mpsc::channel();
    let (send, answers) = mpsc::channel();
    let late = Late {
        ask,
        answers,
        answer: Cell::new(None),
        register: Some(Box::new(move |on_answer| {
            thread::spawn(move || {
                asked.recv().unwrap();
                send.send(7.0).unwrap();
                on_answer();
            });
        })),
    };
    let timing = SampleTiming {
        timeout: Duration::from_secs(100),
        ..SampleTiming::default()
    };
    assert_eq!(take(late, timing), Ok(Value::Number(7.0)));
}

#[test]
fn an_answer_that_does_not_come_is_a_timeout() {
    let (ask, _asked) = mpsc::channel();
    let (_send, answers) = mpsc::channel();
    let late = Late {
        ask,
        answers,
        answer: Cell::new(None),
        register: Some(Box::new(drop)),
    };
    let timing = SampleTiming {
        timeout: Duration::from_millis(3),
        ..SampleTiming::default()
    };
    assert_eq!(take(late, timing), Err(Fault::Timeout));
}

/// A source that has its answer just after the first read.
#[derive(Default)]
struct JustLate {
    reads: u32,
}

impl Source for JustLate {
    fn about(&self) -> About<'_> {
        About::new("just late", &[ID])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        Ok(vec![metric(Kind::Gauge, Formula::Level(0))])
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        self.reads += 1;
        columns.push(match self.reads {
            1 => Raw::Fault(Fault::Timeout),
            reads => Raw::Number(f64::from(reads)),
        });
        Ok(())
    }
}

#[test]
fn an_answer_that_came_meanwhile_is_read_once() {
    let sample = take(JustLate::default(), SampleTiming::default());
    assert_eq!(sample, Ok(Value::Number(2.0)));
}
