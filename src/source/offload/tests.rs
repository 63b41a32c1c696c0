use std::sync::{
    atomic::{AtomicU64, Ordering},
    mpsc,
};

use crate::{
    metric::{Group, Kind, Object, unit},
    rate::Formula,
    reading::{Fault, monotonic},
    source::tests::{begin, read, wait},
};

use super::*;

/// A source whose reads take the time that it is told, or block.
struct Slow {
    milliseconds: Arc<AtomicU64>,
    hangs: Option<mpsc::Receiver<()>>,
    panics: bool,
    reads: Arc<AtomicU64>,
}

impl Source for Slow {
    fn about(&self) -> About<'_> {
        About::new("slow", &["slow/*/*"])
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

impl Offloadable for Slow {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric::new(
            "slow/a/b",
            Object::new("slow", Group::Custom),
            unit::ONE,
            Kind::Gauge,
            Formula::Level(0),
        )]
    }

    fn path(&self) -> PathBuf {
        "/slow".into()
    }
}

/// An offloadable source in a queue of its own, and the time that its reads take.
fn slow(pool: &Pool, hangs: Option<mpsc::Receiver<()>>) -> (Offload<Slow>, Arc<AtomicU64>) {
    let milliseconds = Arc::new(AtomicU64::new(0));
    let source = Slow {
        milliseconds: milliseconds.clone(),
        reads: Arc::default(),
        hangs,
        panics: false,
    };
    let name = format!("{:p}", Arc::as_ptr(&milliseconds));
    let queue = SourceQueue::new(pool, name, source.hangs.is_some());
    (Offload::new(&queue, source), milliseconds)
}

#[test]
fn a_quick_source_is_read_here_and_a_slow_one_on_the_pool() {
    let pool = Pool::new();
    let (mut source, milliseconds) = slow(&pool, None);
    assert_eq!(source.discover().unwrap()[0].maximum, Some(5.0));
    for expected in 0..3 {
        source.begin(Duration::MAX);
        assert_eq!(source.awaited_until(), None);
        assert_eq!(read(&mut source), [Raw::Number(expected.into())]);
    }
    milliseconds.store(20, Ordering::SeqCst);
    assert_eq!(read(&mut source), [Raw::Number(3.0)]);
    // It is read on the pool from now on. The first reading there is waited for.
    assert_eq!(read(&mut source), [Raw::Number(4.0)]);
    let mut last = 4.0;
    for _ in 0..20 {
        source.begin(Duration::MAX);
        assert_eq!(source.awaited_until(), None);
        let Raw::Number(number) = read(&mut source)[0] else {
            panic!("no number");
        };
        assert!(number >= last);
        last = number;
    }
}

#[test]
fn a_slow_source_moves_its_whole_queue_to_the_pool() {
    let pool = Pool::new();
    let queue = SourceQueue::new(&pool, "a chip", false);
    let source = |milliseconds| {
        let source = Slow {
            milliseconds: Arc::new(AtomicU64::new(milliseconds)),
            reads: Arc::default(),
            hangs: None,
            panics: false,
        };
        Offload::new(&queue, source)
    };
    let mut all: Vec<_> = [20, 0, 0].map(source).into();
    read(&mut all[0]);
    for source in &mut all {
        source.begin(Duration::MAX);
        assert!(source.awaited_until().is_some());
    }
}

#[test]
fn a_source_that_hangs_delays_no_other() {
    let pool = Pool::new();
    let (release, hangs) = mpsc::channel();
    let (mut hung, _) = slow(&pool, Some(hangs));
    let (_keep, healthy) = mpsc::channel();
    drop(_keep);
    // The reads of this one return, because the sender is dropped.
    let (mut well, _) = slow(&pool, Some(healthy));
    // Before the first answer, the metrics have no limits; the answer is a change.
    assert_eq!(hung.discover().unwrap()[0].maximum, None);
    wait(&mut hung);
    assert!(hung.changed());
    assert_eq!(hung.discover().unwrap()[0].maximum, Some(5.0));
    assert!(!hung.changed());
    let late = |source: &mut Offload<Slow>| {
        source.begin(monotonic());
        wait(source);
        let error = source.read(&mut Vec::new()).unwrap_err();
        assert_eq!(error.fault(), Fault::Timeout);
        assert_eq!(error.to_string(), "/slow: timed out");
    };
    late(&mut hung);
    for _ in 0..100 {
        late(&mut hung);
        assert_eq!(hung.awaited_until(), None);
    }
    assert!(matches!(read(&mut well)[..], [Raw::Number(_)]));
    // Its reads hang, but its metrics are known.
    hung.begin_discovery(monotonic());
    wait(&mut hung);
    assert_eq!(hung.discover().unwrap()[0].maximum, Some(5.0));
    release.send(()).unwrap();
    drop(release);
    let mut columns = Vec::new();
    while hung.read(&mut columns).is_err() {
        std::thread::yield_now();
    }
    assert!(matches!(columns[..], [Raw::Number(_)]));
}

#[test]
fn a_panic_on_the_pool_is_an_error_of_the_source() {
    let source = Slow {
        milliseconds: Arc::default(),
        reads: Arc::default(),
        hangs: None,
        panics: true,
    };
    let queue = SourceQueue::new(&Pool::new(), "panics", true);
    let mut source = Offload::new(&queue, source);
    let error = loop {
        begin(&mut source);
        match source.read(&mut Vec::new()).unwrap_err() {
            // On a busy machine the answer may be late.
            late if late.fault() == Fault::Timeout => {}
            error => break error,
        }
    };
    assert_eq!(error.fault(), Fault::Malformed);
    let expected = "it has panicked: this source panics (";
    assert!(error.to_string().starts_with(expected), "{error}");
}
