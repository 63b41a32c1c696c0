//! The store: one memo cell a source, which is how any number of clients share one reading.
//!
//! [`Store::read`] returns the last snapshot of a source if it is young enough for the caller, and
//! otherwise takes a new one. There is no scheduler: nothing is read that nobody asks for.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tracing::warn;

use crate::{
    reading::{Fault, Metric, Raw, Reading, Snapshot, Stamp},
    selector::{self, InvalidSelector, Selector},
    source::Source,
};

/// How far apart the snapshots are that are kept to compare with, and how many.
///
/// A caller that asks every 200 ms or seldomer finds one that is old enough, however often others
/// ask in between.
const MARK_SPACING: Duration = Duration::from_millis(100);
const MARKS: usize = 4;

/// An earlier snapshot serves as the baseline of a rate up to this many windows ago: a rate is to
/// say what happens now, not what happened on average since yesterday.
const BASELINE_WINDOWS: u32 = 10;

/// How many resolved lists of selectors are remembered.
const REMEMBERED: usize = 64;

/// All sources, and the last snapshots of those that were read.
pub struct Store {
    inner: Mutex<Inner>,
}

struct Inner {
    cells: Vec<Cell>,
    off: BTreeSet<String>,
    /// Selections by their selectors, joined by NUL, a byte that no D-Bus string contains.
    resolved: HashMap<String, Arc<Selection>>,
}

struct Cell {
    source: Box<dyn Source>,
    /// What discovery found; none before it was needed.
    metrics: Option<Vec<Arc<Metric>>>,
    width: usize,
    latest: Option<Arc<Snapshot>>,
    marks: VecDeque<Arc<Snapshot>>,
    error: Option<String>,
}

/// Metrics that were selected, and where to read them.
#[derive(Debug)]
pub struct Selection {
    /// What was selected, in the order of the selectors.
    pub columns: Vec<Column>,
    /// The cells that the columns come from, each once.
    cells: Vec<usize>,
}

/// One selected metric.
#[derive(Clone, Debug)]
pub struct Column {
    /// The metric.
    pub metric: Arc<Metric>,
    /// The name of its source.
    pub source: &'static str,
    /// Which of the selection's cells it is read from.
    place: usize,
}

/// What was read for a selection: a snapshot for each of its cells.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The latest moment of reading among the snapshots, in microseconds since the Unix epoch.
    pub timestamp: u64,
    snapshots: Vec<Arc<Snapshot>>,
}

/// What the rates of a selection are compared with: an earlier snapshot, where there is one.
pub type Baseline = Vec<Option<Arc<Snapshot>>>;

/// Why a selection cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A selector is not well formed.
    #[error(transparent)]
    Invalid(#[from] InvalidSelector),
    /// A selector matches nothing.
    #[error("{}", unknown(selector, nearest.as_deref(), cause.as_deref()))]
    Unknown {
        /// The selector.
        selector: String,
        /// The id that is most like it.
        nearest: Option<String>,
        /// Why the source that would have it has nothing.
        cause: Option<String>,
    },
}

fn unknown(selector: &str, nearest: Option<&str>, cause: Option<&str>) -> String {
    match (cause, nearest) {
        (Some(cause), _) => format!("{selector}: no such metric now ({cause})"),
        (None, Some(nearest)) => format!("{selector}: no such metric (nearest: {nearest})"),
        (None, None) => format!("{selector}: no such metric"),
    }
}

impl Store {
    /// A store over these sources. Nothing is opened yet.
    pub fn new(sources: Vec<Box<dyn Source>>) -> Self {
        let cells = sources.into_iter().map(Cell::new).collect();
        Self {
            inner: Mutex::new(Inner {
                cells,
                off: BTreeSet::new(),
                resolved: HashMap::new(),
            }),
        }
    }

    /// Switches these sources off, by name, and all others on. Returns the names that no source has.
    ///
    /// What is already selected of a source that is off reads [`Fault::Gone`].
    pub fn switch_off(&self, names: &[String]) -> Vec<String> {
        let mut inner = self.lock();
        inner.off = names.iter().cloned().collect();
        inner.resolved.clear();
        let known: HashSet<_> = inner.cells.iter().map(|cell| cell.source.name()).collect();
        let missing = names.iter().filter(|name| !known.contains(name.as_str()));
        missing.cloned().collect()
    }

    /// Finds the metrics that these selectors mean; an empty list means all. Only sources that may
    /// have them are asked.
    ///
    /// # Errors
    /// When a selector is not well formed, or means no metric that there is.
    pub fn resolve(&self, selectors: &[&str]) -> Result<Arc<Selection>, Error> {
        let mut inner = self.lock();
        let key = selectors.join("\0");
        if let Some(selection) = inner.resolved.get(&key) {
            return Ok(selection.clone());
        }
        let (selection, complete) = inner.select(selectors)?;
        let selection = Arc::new(selection);
        // What a source in trouble has left out, it may have the next time.
        if complete {
            if inner.resolved.len() >= REMEMBERED {
                inner.resolved.clear();
            }
            inner.resolved.insert(key, selection.clone());
        }
        Ok(selection)
    }

    /// Reads a selection: of each cell the last snapshot if it was taken at or after the moment
    /// `since` of the monotonic clock, otherwise a new one.
    pub fn read(&self, selection: &Selection, since: Duration) -> Frame {
        let mut inner = self.lock();
        let read = |&cell: &usize| inner.read(cell, since);
        Frame::new(selection.cells.iter().map(read).collect())
    }

    /// Makes sure that each cell with a rate in the selection has a snapshot to compare with, of
    /// at least `window` ago if there is one. Returns these, and the moment of the monotonic clock
    /// at which the youngest of them will be `window` old.
    pub fn baseline(&self, selection: &Selection, window: Duration) -> (Baseline, Duration) {
        let mut inner = self.lock();
        let mut ready = Duration::ZERO;
        let mut baseline = vec![None; selection.cells.len()];
        for column in &selection.columns {
            let place = &mut baseline[column.place];
            if place.is_none() && column.metric.formula.needs_baseline() {
                let snapshot = inner.baseline(selection.cells[column.place], window);
                ready = ready.max(snapshot.stamp.monotonic + window);
                *place = Some(snapshot);
            }
        }
        (baseline, ready)
    }

    /// The snapshots that are there already to compare this frame with, none taken for it.
    pub fn past(&self, selection: &Selection, frame: &Frame, window: Duration) -> Baseline {
        let inner = self.lock();
        let cells = selection.cells.iter().zip(&frame.snapshots);
        cells
            .map(|(&cell, now)| inner.cells[cell].mark(now.stamp.monotonic, window))
            .map(|(mark, old_enough)| mark.filter(|_| old_enough))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code that holds the lock leaves the cells in disorder, whatever panics.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The selection, and whether every source that may be meant could be asked.
    fn select(&mut self, selectors: &[&str]) -> Result<(Selection, bool), Error> {
        let mut selection = Selection {
            columns: Vec::new(),
            cells: Vec::new(),
        };
        let mut complete = true;
        let mut chosen = HashSet::new();
        let everything = ["*"];
        let all = selectors.is_empty();
        for text in if all { &everything } else { selectors } {
            let selector = Selector::parse(text)?;
            let mut matched = false;
            let mut cause = None;
            for at in 0..self.cells.len() {
                if !self.is_on(at) || !self.cells[at].may_have(&selector) {
                    continue;
                }
                let cell = &mut self.cells[at];
                cell.discover();
                complete &= cell.metrics.is_some();
                cause = cause.or_else(|| cell.error.clone());
                for (number, metric) in cell.metrics.iter().flatten().enumerate() {
                    if !selector.matches(&metric.id) {
                        continue;
                    }
                    matched = true;
                    if chosen.insert((at, number)) {
                        let place = place_of(&mut selection.cells, at);
                        selection.columns.push(Column {
                            metric: metric.clone(),
                            source: cell.source.name(),
                            place,
                        });
                    }
                }
            }
            if !matched && !all {
                return Err(Error::Unknown {
                    selector: (*text).to_owned(),
                    nearest: self.nearest(text),
                    cause,
                });
            }
        }
        Ok((selection, complete))
    }

    fn nearest(&mut self, selector: &str) -> Option<String> {
        let on: Vec<_> = (0..self.cells.len()).filter(|&at| self.is_on(at)).collect();
        on.iter().for_each(|&at| self.cells[at].discover());
        let metrics = on
            .iter()
            .flat_map(|&at| self.cells[at].metrics.iter().flatten());
        selector::nearest(selector, metrics.map(|metric| &*metric.id)).map(str::to_owned)
    }

    fn is_on(&self, at: usize) -> bool {
        !self.off.contains(self.cells[at].source.name())
    }

    fn read(&mut self, at: usize, since: Duration) -> Arc<Snapshot> {
        if !self.is_on(at) {
            let columns = vec![Raw::Fault(Fault::Gone); self.cells[at].width];
            return Arc::new(Snapshot {
                stamp: Stamp::now(),
                columns,
            });
        }
        self.cells[at].read(since)
    }

    fn baseline(&mut self, at: usize, window: Duration) -> Arc<Snapshot> {
        let now = Stamp::now().monotonic;
        match self.cells[at].mark(now, window) {
            (Some(mark), _) => mark,
            (None, _) => self.read(at, now),
        }
    }
}

impl Cell {
    fn new(source: Box<dyn Source>) -> Self {
        Self {
            source,
            metrics: None,
            width: 0,
            latest: None,
            marks: VecDeque::new(),
            error: None,
        }
    }

    fn may_have(&self, selector: &Selector<'_>) -> bool {
        let mut scope = self.source.scope().iter();
        scope.any(|pattern| selector.may_match(pattern))
    }

    /// Asks the source what is there, until it has answered once.
    fn discover(&mut self) {
        if self.metrics.is_some() {
            return;
        }
        match self.source.discover() {
            Ok(metrics) => {
                let columns = metrics.iter().map(|metric| metric.formula.last_column());
                self.width = columns.max().map_or(0, |last| last + 1);
                self.metrics = Some(metrics.into_iter().map(Arc::new).collect());
                self.error = None;
            }
            Err(error) => self.note(error.to_string()),
        }
    }

    fn read(&mut self, since: Duration) -> Arc<Snapshot> {
        if let Some(latest) = &self.latest
            && latest.stamp.monotonic >= since
        {
            return latest.clone();
        }
        let stamp = Stamp::now();
        let mut columns = Vec::with_capacity(self.width);
        match self.source.read(&mut columns) {
            Ok(()) => self.error = None,
            Err(error) => {
                columns.clear();
                columns.resize(self.width, Raw::Fault(error.fault()));
                self.note(error.to_string());
            }
        }
        let snapshot = Arc::new(Snapshot { stamp, columns });
        self.latest = Some(snapshot.clone());
        let newest = self.marks.back().map(|mark| mark.stamp.monotonic);
        if newest.is_none_or(|newest| stamp.monotonic - newest >= MARK_SPACING) {
            if self.marks.len() == MARKS {
                self.marks.pop_front();
            }
            self.marks.push_back(snapshot.clone());
        }
        snapshot
    }

    /// The best snapshot to compare with at the moment `now`, and whether it is `window` old.
    fn mark(&self, now: Duration, window: Duration) -> (Option<Arc<Snapshot>>, bool) {
        let age = |mark: &Arc<Snapshot>| now.saturating_sub(mark.stamp.monotonic);
        let recent = || {
            let past = self.marks.iter().filter(|mark| mark.stamp.monotonic < now);
            past.filter(|mark| age(mark) <= window * BASELINE_WINDOWS)
        };
        match recent().rfind(|mark| age(mark) >= window) {
            Some(mark) => (Some(mark.clone()), true),
            // Younger than the window: the oldest of them will be old enough first.
            None => (recent().next().cloned(), false),
        }
    }

    /// Remembers what is wrong, and logs it once.
    fn note(&mut self, error: String) {
        if self.error.as_ref() != Some(&error) {
            warn!(source = self.source.name(), "{error}");
            self.error = Some(error);
        }
    }
}

impl Selection {
    /// Whether every rate has something to compare with.
    pub fn is_covered(&self, baseline: &Baseline) -> bool {
        let mut rates = self
            .columns
            .iter()
            .filter(|column| column.metric.formula.needs_baseline());
        rates.all(|column| baseline[column.place].is_some())
    }

    /// The readings of a frame, in the order of the columns.
    pub fn readings<'a>(
        &'a self,
        frame: &'a Frame,
        baseline: &'a Baseline,
    ) -> impl Iterator<Item = (&'a Column, Reading)> {
        self.columns.iter().map(|column| {
            let before = baseline.get(column.place).and_then(Option::as_deref);
            let now = &frame.snapshots[column.place];
            (column, column.metric.formula.evaluate(now, before))
        })
    }
}

impl Frame {
    fn new(snapshots: Vec<Arc<Snapshot>>) -> Self {
        let moments = snapshots.iter().map(|snapshot| snapshot.stamp.realtime);
        Self {
            timestamp: moments.max().unwrap_or_else(|| Stamp::now().realtime),
            snapshots,
        }
    }

    /// This frame, as what the next one is compared with.
    pub fn into_baseline(self) -> Baseline {
        self.snapshots.into_iter().map(Some).collect()
    }
}

/// Where in `cells` this one is; it is added if it is not there.
fn place_of(cells: &mut Vec<usize>, cell: usize) -> usize {
    cells.iter().position(|&c| c == cell).unwrap_or_else(|| {
        cells.push(cell);
        cells.len() - 1
    })
}
