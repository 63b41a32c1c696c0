//! Catches panics, so that a panic in the code of one source is a failure of that source alone.

use std::{
    any::Any,
    cell::RefCell,
    collections::BTreeSet,
    panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind},
    sync::{Mutex, Once, PoisonError},
};

use super::error::Error;

/// A caught panic: its message and its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panic(pub(crate) String);

impl From<Panic> for Error {
    fn from(Panic(what): Panic) -> Self {
        Self::Panicked(what)
    }
}

thread_local! {
    /// The locations of panics, one entry for each [`caught`] that runs on this thread.
    static LOCATIONS: RefCell<Vec<Option<String>>> = const { RefCell::new(Vec::new()) };
}

/// Runs code that may panic.
///
/// A source is read again and again. So only the first panic of each location is printed.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, Panic> {
    static HOOK: Once = Once::new();
    HOOK.call_once(install_hook);
    LOCATIONS.with_borrow_mut(|locations| locations.push(None));
    // Unwind safety: a source that has panicked may be read again, whatever state the panic left it in.
    let done = catch_unwind(AssertUnwindSafe(run));
    let location = LOCATIONS.with_borrow_mut(|locations| locations.pop().flatten());
    done.map_err(|payload| {
        let message = message(&*payload);
        Panic(match location {
            Some(location) => format!("{message} ({location})"),
            None => message.to_owned(),
        })
    })
}

/// Runs code that may fail or panic. A panic becomes an [`Error::Panicked`].
pub(crate) fn attempt<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    caught(run)?
}

fn install_hook() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if note(info) {
            before(info);
        }
    }));
}

/// Notes the location of a panic for the [`caught`] that will catch it. Returns whether to print the panic.
fn note(info: &PanicHookInfo<'_>) -> bool {
    static PRINTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let Some(location) = info.location().map(ToString::to_string) else {
        return true;
    };
    let is_caught = LOCATIONS.try_with(|locations| {
        let Ok(mut locations) = locations.try_borrow_mut() else {
            return false;
        };
        let last = locations.last_mut();
        last.map(|last| *last = Some(location.clone())).is_some()
    });
    if is_caught != Ok(true) {
        return true;
    }
    let mut printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
    printed.insert(location)
}

/// The message of a panic, if it is a text: from `panic!`, `unwrap` or the compiler.
fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(run: impl FnOnce() -> u32, expected: Result<u32, &str>) {
        let file = file!();
        // The line and the column depend on this file.
        let found = caught(run).map_err(|Panic(text)| match text.split_once(file) {
            Some((before, _)) => format!("{before}here)"),
            None => text,
        });
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn the_error_has_the_message_and_the_location() {
        check(|| 5, Ok(5));
        check(|| panic!("that"), Err("that (here)"));
        check(|| panic!("that {}", 7), Err("that 7 (here)"));
        let words = || "x".parse().expect("a number");
        check(
            words,
            Err("a number: ParseIntError { kind: InvalidDigit } (here)"),
        );
        let resumed = || panic::resume_unwind(Box::new(7));
        check(resumed, Err("a panic without a message"));
    }

    #[test]
    fn a_nested_panic_keeps_its_own_location() {
        let outer = || {
            check(|| panic!("inner"), Err("inner (here)"));
            panic!("outer")
        };
        check(outer, Err("outer (here)"));
    }

    #[test]
    fn a_panic_of_one_location_has_one_message() {
        let (one, two) = (|| panic!("one"), || panic!("two"));
        assert_eq!(caught::<()>(one), caught::<()>(one));
        assert_ne!(caught::<()>(one), caught::<()>(two));
    }
}
