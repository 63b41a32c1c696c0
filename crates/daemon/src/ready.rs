use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::stdio::Streams;
use super::word::Word;
use super::{Error, Pidfile};

/// Handed to the service, to say that it works or why it does not.
///
/// Whoever called [`start`](super::Daemon::start) waits for this word. Say it when the first client would be
/// served: configuration read, sockets bound, names owned.
#[derive(Clone, Debug)]
pub struct Ready(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// None in the foreground, and once the last word is said.
    word: Option<Word>,
    streams: Option<Streams>,
    pidfile: Pidfile,
    verdict: Option<Result<(), String>>,
}

impl Ready {
    pub(super) fn new(word: Option<Word>, streams: Option<Streams>, pidfile: Pidfile) -> Self {
        Self(Arc::new(Mutex::new(State {
            word,
            streams,
            pidfile,
            verdict: None,
        })))
    }

    /// "The service works." Moves the standard streams to where they were told to go, and lets the caller of
    /// `start` return. Only the first call counts, and none after [`fail`](Self::fail).
    ///
    /// # Errors
    /// [`Error::Call`] or [`Error::File`] if the streams cannot be moved or the pidfile cannot be changed. The
    /// service should return it.
    pub fn ready(&self) -> Result<(), Error> {
        let mut state = self.state();
        if state.verdict.is_some() {
            return Ok(());
        }
        if let Some(streams) = state.streams.take() {
            streams.install()?;
        }
        // First the word, then the pidfile: who sees a pidfile that is ready may stop the daemon at once, and
        // its start was a success all the same. The launcher returns when the pipe is closed, which is last.
        let word = state.word.take();
        if let Some(word) = &word {
            word.ready();
        }
        state.verdict = Some(Ok(()));
        state.pidfile.ready()
    }

    /// "The service does not work, because." The same as to return an error from the service, which should
    /// return without delay now: in five seconds it is killed. Ignored after [`ready`](Self::ready).
    pub fn fail(&self, message: impl Display) {
        let mut state = self.state();
        if state.verdict.is_none() {
            let message = message.to_string();
            if let Some(word) = state.word.take() {
                word.failed(&message);
            }
            state.verdict = Some(Err(message));
        }
    }

    /// The daemon's pidfile, to be released before a long farewell. In the foreground it may be a handle on
    /// nothing, which releases as well.
    pub fn pidfile(&self) -> Pidfile {
        self.state().pidfile.clone()
    }

    /// What was said so far.
    pub(super) fn verdict(&self) -> Option<Result<(), String>> {
        self.state().verdict.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
