//! One survey for all sources that have metrics of interfaces.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Interface, list_names, survey::Survey};
use crate::{
    reading::monotonic,
    source::{Error, Roots},
};

/// The interfaces that are present. The sources that are discovered one after the other share one survey of them; each
/// has a handle of its own.
pub(in crate::kernel) struct Interfaces {
    roots: Roots,
    surveys: Arc<Mutex<Surveys>>,
    /// The moment since which a survey is recent enough for the next discovery.
    since: Option<Duration>,
}

/// The last surveys, each with the moment of the monotonic clock at which it began.
#[derive(Default)]
struct Surveys {
    pending: Option<(Duration, Survey)>,
    last: Option<(Duration, Arc<[Interface]>)>,
}

impl Interfaces {
    /// The interfaces below these roots.
    pub(in crate::kernel) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            surveys: Arc::default(),
            since: None,
        }
    }

    /// The handle of another source.
    pub(in crate::kernel) fn share(&self) -> Self {
        Self {
            roots: self.roots.clone(),
            surveys: self.surveys.clone(),
            since: None,
        }
    }

    pub(in crate::kernel) fn roots(&self) -> &Roots {
        &self.roots
    }

    /// Makes a step of the survey for the next [`find`](Self::find): see
    /// [`Source::prepare_discovery`](crate::source::Source::prepare_discovery).
    pub(in crate::kernel) fn prepare(&mut self, since: Duration) -> bool {
        /// The time after which a step ends.
        const STEP: Duration = Duration::from_millis(1);
        self.since = Some(since);
        let begin = Instant::now();
        // `find` returns the error.
        let step = self.survey(since, || begin.elapsed() < STEP);
        step.is_ok_and(|found| found.is_none())
    }

    /// The interfaces, as they were at the moment since which this was prepared, or later.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub(in crate::kernel) fn find(&mut self) -> Result<Arc<[Interface]>, Error> {
        let since = self.since.take().unwrap_or_else(monotonic);
        let found = self.survey(since, || true)?;
        Ok(found.unwrap_or_default())
    }

    /// The interfaces of a survey since this moment; none if it is not finished when `may_continue` says so.
    fn survey(
        &self,
        since: Duration,
        may_continue: impl Fn() -> bool,
    ) -> Result<Option<Arc<[Interface]>>, Error> {
        let mut surveys = self.surveys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((begin, last)) = &surveys.last
            && *begin >= since
        {
            return Ok(Some(last.clone()));
        }
        let pending = surveys.pending.take().filter(|(begin, _)| *begin >= since);
        let (begin, mut survey) = match pending {
            Some(pending) => pending,
            None => (
                monotonic(),
                Survey::new(&self.roots, list_names(&self.roots)?),
            ),
        };
        while survey.advance(&self.roots) {
            if !may_continue() {
                surveys.pending = Some((begin, survey));
                return Ok(None);
            }
        }
        let found: Arc<[_]> = survey.finish(&self.roots).into();
        surveys.last = Some((begin, found.clone()));
        Ok(Some(found))
    }
}
