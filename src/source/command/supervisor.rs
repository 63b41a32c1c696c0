//! Who runs what is asked for.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{Command, State};

pub(super) struct Shared {
    inner: Mutex<Inner>,
}

pub(super) struct Inner {
    pub(super) on_answer: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Shared {
    pub(super) fn new(_guard: PathBuf) -> Self {
        Self {
            inner: Mutex::new(Inner { on_answer: None }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, _command: Command) -> u64 {
        0
    }

    pub(super) fn ask(&self, _number: u64) -> State {
        State::default()
    }

    pub(super) fn wait(&self, _number: u64, _until: Instant) -> State {
        State::default()
    }

    pub(super) fn remove(&self, _number: u64) {}

    pub(super) fn close(&self) {}
}
