//! The problems of a source, each logged once.

use tracing::warn;

use crate::{
    reading::Fault,
    source::{Error, panic::Panic},
};

/// The problems of a source that are not over.
#[derive(Debug, Default)]
pub(super) struct Problems {
    /// The error of the last discovery or read.
    error: Option<String>,
    /// The panic of a call other than a read. A successful read does not clear it.
    panic: Option<String>,
    /// The error of discovery that names the missing file, if this machine has nothing of the source.
    pub(super) absence: Option<String>,
}

impl Problems {
    /// The error, or else the panic. An absence is no problem.
    pub(super) fn first(&self) -> Option<&String> {
        self.error.as_ref().or(self.panic.as_ref())
    }

    /// The source has been read.
    pub(super) fn has_read(&mut self) {
        self.error = None;
    }

    /// Discovery has found nothing of the source on this machine.
    pub(super) fn has_nothing(&mut self, error: &Error) {
        self.error = None;
        self.absence = Some(error.to_string());
    }

    /// Stores the error, and logs it once, except that a device of a built-in source has gone.
    pub(super) fn note(&mut self, source: &str, error: &Error, is_custom: bool) {
        let is_logged = error.fault() != Fault::Gone || is_custom;
        note(source, error, &mut self.error, is_logged);
    }

    /// Stores the panic, and logs it once.
    pub(super) fn note_panic(&mut self, source: &str, panic: Panic) {
        note(source, &panic.into(), &mut self.panic, true);
    }
}

fn note(source: &str, error: &Error, noted: &mut Option<String>, is_logged: bool) {
    let error = error.to_string();
    if noted.as_ref() != Some(&error) {
        if is_logged {
            warn!(source, "{error}");
        }
        *noted = Some(error);
    }
}
