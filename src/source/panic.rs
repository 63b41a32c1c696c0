//! A panic in the code of one source is a failure of that source, and of no other.

use std::{
    any::Any,
    cell::RefCell,
    collections::BTreeSet,
    panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind},
    sync::{Mutex, Once, PoisonError},
};

use super::error::Error;

/// A panic that was caught: what it said and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panic(pub(crate) String);

impl From<Panic> for Error {
    fn from(Panic(what): Panic) -> Self {
        Self::Panicked(what)
    }
}

thread_local! {
    /// The places of panics, one entry for each [`caught`] that runs on this thread.
    static PLACES: RefCell<Vec<Option<String>>> = const { RefCell::new(Vec::new()) };
}

/// Runs code that may panic.
///
/// A source is read again and again. So the first panic of each place is printed, as any other is, and
/// the same panic later is only returned.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, Panic> {
    static HOOK: Once = Once::new();
    HOOK.call_once(install_hook);
    PLACES.with_borrow_mut(|places| places.push(None));
    // What has panicked is asked again later; all of it can be in any state it can be dropped in.
    let done = catch_unwind(AssertUnwindSafe(run));
    let place = PLACES.with_borrow_mut(|places| places.pop().flatten());
    done.map_err(|payload| {
        let message = message(&*payload);
        Panic(match place {
            Some(place) => format!("{message} ({place})"),
            None => message.to_owned(),
        })
    })
}

/// The same, where a panic is an error like any other.
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

/// Notes where a panic is, for the [`caught`] that it will come to. Whether it is to be printed.
fn note(info: &PanicHookInfo<'_>) -> bool {
    static PRINTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let Some(place) = info.location().map(ToString::to_string) else {
        return true;
    };
    let is_caught = PLACES.try_with(|places| {
        let Ok(mut places) = places.try_borrow_mut() else {
            return false;
        };
        let last = places.last_mut();
        last.map(|last| *last = Some(place.clone())).is_some()
    });
    if is_caught != Ok(true) {
        return true;
    }
    let mut printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
    printed.insert(place)
}

/// What a panic says: a text, if it is one of `panic!`, `unwrap` or the compiler.
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
    fn a_panic_says_what_and_where() {
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
    fn one_inside_another_is_told_apart() {
        let outer = || {
            check(|| panic!("inner"), Err("inner (here)"));
            panic!("outer")
        };
        check(outer, Err("outer (here)"));
    }

    #[test]
    fn the_same_is_printed_once() {
        let (one, two) = (|| panic!("one"), || panic!("two"));
        assert_eq!(caught::<()>(one), caught::<()>(one));
        assert_ne!(caught::<()>(one), caught::<()>(two));
    }
}
