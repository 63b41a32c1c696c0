use std::sync::{
    atomic::{AtomicU64, Ordering},
    mpsc,
};

use crate::{
    rate::Formula,
    reading::{Fault, Kind, unit},
    source::tests::read,
};

use super::*;

/// A source that takes as long as it is told, or for ever.
struct Slow {
    milliseconds: Arc<AtomicU64>,
    hangs: Option<mpsc::Receiver<()>>,
    panics: bool,
    reads: Arc<AtomicU64>,
}

impl Source for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn scope(&self) -> &'static [&'static str] {
        &["slow/*/*"]
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let mut metrics = self.metrics();
        metrics[0].maximum = Some(5.0);
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        assert!(!self.panics, "this source panics");
        if let Some(hangs) = &self.hangs {
            let _ = hangs.recv();
        }
        std::thread::sleep(Duration::from_millis(
            self.milliseconds.load(Ordering::SeqCst),
        ));
        let reads = self.reads.fetch_add(1, Ordering::SeqCst);
        columns.push(Raw::Number(reads as f64));
        Ok(())
    }
}

impl Guarded for Slow {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric {
            id: "slow/a/b".into(),
            name: "slow".into(),
            description: "slow".into(),
            unit: unit::ONE.into(),
            kind: Kind::Gauge,
            minimum: None,
            maximum: None,
            formula: Formula::Level(0),
        }]
    }

    fn path(&self) -> PathBuf {
        "/slow".into()
    }
}

/// A guarded source, and how long it takes to read it.
fn slow(lane: &Arc<Lane>, hangs: Option<mpsc::Receiver<()>>) -> (Box<dyn Source>, Arc<AtomicU64>) {
    let milliseconds = Arc::new(AtomicU64::new(0));
    let source = Slow {
        milliseconds: milliseconds.clone(),
        reads: Arc::default(),
        hangs,
        panics: false,
    };
    let may_hang = source.hangs.is_some();
    (Guard::boxed(lane, source, may_hang), milliseconds)
}

#[test]
fn what_is_quick_is_read_here_and_what_was_slow_is_not_waited_for() {
    let lane = Arc::new(Lane::new());
    let (mut source, milliseconds) = slow(&lane, None);
    assert_eq!(source.discover().unwrap()[0].maximum, Some(5.0));
    for expected in 0..3 {
        assert_eq!(read(source.as_mut()), [Raw::Number(expected.into())]);
    }
    milliseconds.store(20, Ordering::SeqCst);
    assert_eq!(read(source.as_mut()), [Raw::Number(3.0)]);
    // On the lane from now on. The first reading there is waited for.
    assert_eq!(read(source.as_mut()), [Raw::Number(4.0)]);
    let start = Instant::now();
    let mut last = 4.0;
    for _ in 0..20 {
        let Raw::Number(number) = read(source.as_mut())[0] else {
            panic!("no number");
        };
        assert!(number >= last);
        last = number;
    }
    assert!(start.elapsed() < Duration::from_millis(20 * 20));
}

#[test]
fn what_hangs_costs_nobody_else_anything() {
    let lane = Arc::new(Lane::new());
    let (release, hangs) = mpsc::channel();
    let (mut hung, _) = slow(&lane, Some(hangs));
    let (_keep, healthy) = mpsc::channel();
    drop(_keep);
    // This one does not wait, for nobody holds the other end.
    let (mut well, _) = slow(&lane, Some(healthy));
    assert_eq!(hung.discover().unwrap()[0].maximum, Some(5.0));
    let late = |source: &mut Box<dyn Source>| {
        let error = source.read(&mut Vec::new()).unwrap_err();
        assert_eq!(error.fault(), Fault::Timeout);
        assert_eq!(error.to_string(), "/slow: timed out");
    };
    late(&mut hung);
    let start = Instant::now();
    (0..100).for_each(|_| late(&mut hung));
    assert!(start.elapsed() < PATIENCE);
    assert!(matches!(read(well.as_mut())[..], [Raw::Number(_)]));
    // It hangs, but what it is called is known.
    assert_eq!(hung.discover().unwrap()[0].id, "slow/a/b".into());
    release.send(()).unwrap();
    drop(release);
    let mut columns = Vec::new();
    while hung.read(&mut columns).is_err() {
        std::thread::yield_now();
    }
    assert!(matches!(columns[..], [Raw::Number(_)]));
}

#[test]
fn a_panic_on_the_lane_is_an_error_of_the_source() {
    let source = Slow {
        milliseconds: Arc::default(),
        reads: Arc::default(),
        hangs: None,
        panics: true,
    };
    let lane = Arc::new(Lane::new());
    let mut source = Guard::boxed(&lane, source, true);
    let error = loop {
        match source.read(&mut Vec::new()).unwrap_err() {
            // On a busy machine.
            late if late.fault() == Fault::Timeout => {}
            error => break error,
        }
    };
    assert_eq!(error.fault(), Fault::Malformed);
    let expected = "it has panicked: this source panics (";
    assert!(error.to_string().starts_with(expected), "{error}");
}
