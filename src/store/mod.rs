//! The store: one memo cell a source, which is how any number of clients share one reading.
//!
//! [`Store::read`] returns the last snapshot of a source if it is young enough for the caller, and
//! otherwise takes a new one. There is no scheduler: nothing is read that nobody asks for.

mod cell;
mod cells;
mod changes;
mod choice;
mod index;
mod resolution;
mod selection;
#[cfg(test)]
mod tests;
mod unknown;
mod visibility;
mod waiting;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    reading::{Fault, Snapshot, Stamp, monotonic},
    selector::{InvalidSelector, Selector},
    source::{Answered, DeviceLists, Provider},
};

use cell::Cell;
use cells::Cells;
pub use changes::Changes;
pub use resolution::Resolution;
pub use selection::{Baseline, Column, Frame, Selection};
pub use unknown::Hint;
pub use visibility::Visibility;
use waiting::{LONG_TIMEOUT, TIMEOUT};

/// All sources, and the last snapshots of those that were read.
pub struct Store {
    inner: Mutex<Inner>,
    answered: Arc<Notify>,
}

struct Inner {
    cells: Cells,
    /// Tells those who wait for answers that are on their way.
    tell: Answered,
    off: BTreeSet<String>,
    /// Shows whether devices have come or gone; without it each source has to look.
    listings: Option<DeviceLists>,
    resolved: resolution::Memory,
    /// Made when it is needed, and until a cell is asked anew what it has.
    index: Option<index::Index>,
    /// Counts the changes of what there is to be selected.
    generation: u64,
}

/// What is known of a source, all its cells together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// The source's name.
    pub name: Arc<str>,
    /// `off`, `unused` (nobody has asked), `failing` (some of it at least) or `ok`.
    pub state: &'static str,
    /// How many metrics it has now.
    pub metrics: u32,
    /// How often one of its files, or a group of them, was read.
    pub reads: u64,
    /// What that took, in all.
    pub cost: Duration,
    /// What went wrong and is not right again, a line for each; empty if nothing is.
    pub error: String,
    /// Whether the user has defined it.
    pub is_custom: bool,
}

/// Why a selection cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A selector is not well formed.
    #[error(transparent)]
    Invalid(#[from] InvalidSelector),
    /// A selector matches nothing.
    #[error("{}", unknown::message(selector, hint, cause.as_deref()))]
    Unknown {
        /// The selector.
        selector: String,
        /// What is like it, or what there is in its place.
        hint: Hint,
        /// Why the source that would have it has nothing.
        cause: Option<String>,
    },
}

impl Store {
    /// A store over these sources. Nothing is opened yet.
    pub fn new(sources: Vec<Provider>) -> Self {
        let answered = Arc::new(Notify::new());
        let waiting = answered.clone();
        let tell: Answered = Arc::new(move || waiting.notify_waiters());
        let mut cells = Cells::default();
        for source in sources {
            cells.add(Cell::new(source, &tell));
        }
        Self {
            answered,
            inner: Mutex::new(Inner {
                cells,
                tell,
                off: BTreeSet::new(),
                listings: None,
                resolved: resolution::Memory::default(),
                index: None,
                generation: 0,
            }),
        }
    }

    /// The same, in which [`rediscover_for`](Self::rediscover_for) passes over sources whose devices are listed as they were.
    #[must_use]
    pub fn with_listings(self, listings: DeviceLists) -> Self {
        self.lock().listings = Some(listings);
        self
    }

    /// Switches these sources off, by name, and all others on. Returns the names that no source has.
    ///
    /// What is already selected of a source that is off reads [`Fault::Gone`].
    pub fn switch_off(&self, names: &[String]) -> Vec<String> {
        let mut inner = self.lock();
        inner.off = names.iter().cloned().collect();
        inner.is_changed();
        let is_known = |name: &&String| {
            let mut cells = inner.cells.iter();
            cells.any(|(_, cell)| *cell.name == ***name || cell.family() == name.as_str())
        };
        let missing = names.iter().filter(|name| !is_known(name));
        missing.cloned().collect()
    }

    /// Finds the metrics that these selectors mean; an empty list means all. Only sources that may
    /// have them are asked. What they need from the blocking pool is not waited for: see
    /// [`wait_and_resolve`](Self::wait_and_resolve).
    ///
    /// # Errors
    /// When a selector is not well formed, or means no metric that there is.
    pub fn resolve(&self, selectors: &[&str]) -> Result<Arc<Selection>, Error> {
        let mut resolution = Resolution::new(selectors);
        resolution.waits = 0;
        loop {
            if let Some(selection) = self.resolve_step(&mut resolution)? {
                return Ok(selection);
            }
        }
    }

    /// The same, and what labels and limits there are on the blocking pool is waited for.
    ///
    /// # Errors
    /// When a selector is not well formed, or means no metric that there is.
    pub async fn wait_and_resolve(&self, selectors: &[&str]) -> Result<Arc<Selection>, Error> {
        let mut resolution = Resolution::new(selectors);
        loop {
            if let Some(selection) = self.resolve_step(&mut resolution)? {
                return Ok(selection);
            }
            if resolution.is_awaited() {
                self.wait_for_discovery().await;
            }
        }
    }

    /// Finds out what selectors mean now that have meant `before`. An id that is not there any more
    /// keeps its column, which reads [`Fault::Gone`]; a prefix or a pattern means what there is in the same view.
    pub fn resolve_again(&self, selectors: &[&str], before: &Arc<Selection>) -> Arc<Selection> {
        match self.lock().select(selectors, before) {
            Ok((selection, _)) => Arc::new(selection),
            Err(_) => before.clone(),
        }
    }

    /// Reads a selection: of each cell the last snapshot if it was taken at or after the moment
    /// `since` of the monotonic clock, otherwise a new one. Nothing is waited for: what the blocking pool has
    /// not answered yet is [`Fault::Timeout`], unless it was [prefetched](Self::prefetch).
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
        for place in selection.rates() {
            if baseline[place].is_none() {
                let snapshot = inner.baseline(selection.cells[place], window);
                ready = ready.max(snapshot.stamp.monotonic.saturating_add(window));
                baseline[place] = Some(snapshot);
            }
        }
        (baseline, ready)
    }

    /// The snapshots that are there already to compare this frame with, none taken for it.
    pub fn existing_baseline(
        &self,
        selection: &Selection,
        frame: &Frame,
        window: Duration,
    ) -> Baseline {
        let inner = self.lock();
        let cells = selection.cells.iter().zip(&frame.snapshots);
        cells
            .map(|(&cell, now)| {
                let cell = inner.cells.get(cell);
                cell.map_or((None, false), |cell| cell.mark(now.stamp.monotonic, window))
            })
            .map(|(mark, old_enough)| mark.filter(|_| old_enough))
            .collect()
    }

    /// Looks again at what has shown while it was read that it has changed.
    pub fn rediscover_changed(&self) -> Changes {
        let mut inner = self.lock();
        inner.rediscover(|_, cell| cell.changed())
    }

    /// Looks at what the user has defined, as far as that is not known: at all of it, or where `all` is
    /// not set, at what somebody has asked for.
    pub async fn rediscover_definitions(&self, all: bool) -> Changes {
        self.probe_definitions(all, all, LONG_TIMEOUT).await;
        let mut inner = self.lock();
        let mut at = 0;
        while all && let Some(next) = inner.cells.at_or_after(at) {
            let is_on = inner.is_on(next);
            let cell = &mut inner.cells[next];
            if is_on && cell.is_custom && cell.changed() {
                inner.discover(next);
            }
            at = next.saturating_add(1);
        }
        inner.rediscover(|_, cell| cell.is_custom && cell.changed())
    }

    /// Looks at what has shown that the user has defined something anew, between two frames: what takes long shows
    /// in a later one.
    pub async fn rediscover_new_definitions(&self) -> Changes {
        self.probe_definitions(false, false, TIMEOUT).await;
        self.rediscover_changed()
    }

    /// Looks again at the sources that are about devices of these subsystems, or at all of them that
    /// are about devices, and that somebody has asked for.
    pub async fn rediscover_devices(&self, subsystems: Option<&BTreeSet<String>>) -> Changes {
        self.look_again(|cell| match subsystems {
            Some(subsystems) => cell
                .subsystems
                .iter()
                .any(|name| subsystems.contains(*name)),
            None => !cell.subsystems.is_empty(),
        })
        .await
    }

    /// Looks again at all that these selectors may mean, for who asks what there is: at what has shown that it
    /// has changed, and where devices have come or gone.
    pub async fn rediscover_for(&self, selectors: &[&str]) -> Changes {
        self.probe_definitions(false, true, LONG_TIMEOUT).await;
        let listings = self.lock().listings.clone();
        let mut known = HashMap::new();
        let mut listed = |subsystem| {
            let list = || listings.as_ref()?.fingerprint(subsystem);
            *known.entry(subsystem).or_insert_with(list)
        };
        let now = monotonic();
        let selectors = parsed(selectors);
        self.look_again(|cell| {
            is_meant(cell, selectors.as_deref())
                && (cell.changed() || cell.may_have_others(&mut listed, now))
        })
        .await
    }

    /// Looks again at all that these selectors may mean, whatever the kernel lists: for who asks for what is
    /// not known.
    pub async fn rediscover_all_for(&self, selectors: &[&str]) -> Changes {
        let selectors = parsed(selectors);
        self.look_again(|cell| {
            is_meant(cell, selectors.as_deref()) && (cell.changed() || !cell.subsystems.is_empty())
        })
        .await
    }

    /// Looks again at the sources that may differ, when what that needs from the blocking pool was waited for.
    async fn look_again(&self, may_differ: impl FnMut(&mut Cell) -> bool) -> Changes {
        let cells = self.prefetch_discovery(may_differ).await;
        self.lock().rediscover(|at, _| cells.contains(&at))
    }

    /// Whether there is a source that the user defines.
    pub fn has_custom(&self) -> bool {
        self.lock().cells.iter().any(|(_, cell)| cell.is_custom)
    }

    /// A descriptor that can be read when there may be something new among what the user has defined, as
    /// far as somebody has asked for that.
    pub fn definitions_fd(&self) -> Option<OwnedFd> {
        let mut inner = self.lock();
        let mut cells = inner.cells.iter_mut();
        cells.find_map(|(_, cell)| cell.news())
    }

    /// What is known of each source, by name.
    pub fn sources(&self) -> Vec<SourceState> {
        let inner = self.lock();
        let mut sources = BTreeMap::<&str, SourceState>::new();
        for (at, cell) in inner.cells.iter() {
            let source = sources.entry(&cell.name).or_insert_with(|| SourceState {
                name: cell.name.clone(),
                state: if inner.is_on(at) { "unused" } else { "off" },
                metrics: 0,
                reads: 0,
                cost: Duration::ZERO,
                error: String::new(),
                is_custom: cell.is_custom,
            });
            let metrics = cell.metrics.as_ref().map_or(0, Vec::len);
            let metrics = u32::try_from(metrics).unwrap_or(u32::MAX);
            source.metrics = source.metrics.saturating_add(metrics);
            source.reads = source.reads.saturating_add(cell.reads);
            source.cost = source.cost.saturating_add(cell.cost);
            if inner.is_on(at) {
                if let Some(error) = cell.trouble() {
                    source.state = "failing";
                    if !source.error.contains(error) {
                        source
                            .error
                            .push_str(if source.error.is_empty() { "" } else { "\n" });
                        source.error.push_str(error);
                    }
                } else if cell.metrics.is_some() && source.state == "unused" {
                    source.state = "ok";
                }
            }
        }
        sources.into_values().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code that holds the lock leaves the cells in disorder, whatever panics.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those that are well formed; none where none are given, which means everything.
fn parsed<'a>(selectors: &[&'a str]) -> Option<Vec<Selector<'a>>> {
    let parsed = selectors.iter().flat_map(|text| Selector::parse(text));
    (!selectors.is_empty()).then(|| parsed.collect())
}

/// Whether a source may have what these selectors mean.
fn is_meant(cell: &Cell, selectors: Option<&[Selector<'_>]>) -> bool {
    let mut scope = cell.scope.iter();
    selectors.is_none_or(|selectors| {
        scope.any(|id| selectors.iter().any(|selector| selector.may_match(id)))
    })
}

impl Inner {
    fn discover(&mut self, at: usize) {
        if self.cells[at].metrics.is_some() {
            return;
        }
        let members = self.cells[at].discover();
        if self.cells[at].metrics.is_some() {
            self.index = None;
        }
        self.cells.add_members(at, members, &self.tell, |cell| {
            if cell.is_custom {
                cell.discover();
            }
        });
    }

    /// Looks again at those cells that somebody has asked for and that `may_differ`.
    fn rediscover(&mut self, mut may_differ: impl FnMut(usize, &mut Cell) -> bool) -> Changes {
        let mut changes = Changes::default();
        let mut at = 0;
        while let Some(next) = self.cells.at_or_after(at) {
            let cell = &mut self.cells[next];
            // The members that have just been made were not there before either.
            if cell.metrics.is_some() && may_differ(next, cell) {
                let members = cell.look_again(&mut changes);
                self.index = None;
                self.cells.drop_gone(next, &mut changes);
                self.cells.add_members(next, members, &self.tell, |cell| {
                    cell.look_again(&mut changes);
                });
            }
            at = next.saturating_add(1);
        }
        if !changes.is_empty() {
            self.is_changed();
        }
        changes
    }

    /// What was resolved may mean something else now.
    fn is_changed(&mut self) {
        self.resolved = resolution::Memory::default();
        self.index = None;
        self.generation = self.generation.wrapping_add(1);
    }

    fn is_on(&self, at: usize) -> bool {
        let cell = &self.cells[at];
        let is_off = |name: &str| self.off.contains(name);
        self.off.is_empty() || !is_off(&cell.name) && !is_off(cell.family())
    }

    fn read(&mut self, at: usize, since: Duration) -> Arc<Snapshot> {
        let is_on = self.cells.get(at).is_some() && self.is_on(at);
        match self.cells.get_mut(at) {
            Some(cell) if is_on => cell.read(since),
            // Of a device that has gone there is no column left.
            cell => Arc::new(Snapshot {
                stamp: Stamp::now(),
                columns: cell.map_or(Vec::new(), |cell| cell.all(Fault::Gone)),
            }),
        }
    }

    fn baseline(&mut self, at: usize, window: Duration) -> Arc<Snapshot> {
        let now = monotonic();
        let mark = self.cells.get(at).map(|cell| cell.mark(now, window));
        match mark {
            Some((Some(mark), _)) => mark,
            _ => self.read(at, now),
        }
    }
}
