//! How many sessions and columns a client may have, and all clients together.

use super::Session;
use crate::service::{error::Error, limits::Limits};

/// Checks that there is room for one more session beside all others.
///
/// # Errors
/// `LimitExceeded`, which names the limit.
pub(super) fn check<'a, S: Iterator<Item = &'a Session>>(
    session: &Session,
    all: impl Fn() -> S,
    limits: &Limits,
) -> Result<(), Error> {
    let own = || all().filter(|other| other.owner == session.owner);
    let total = limits.total;
    check_sessions(own().count(), limits.sessions, "a client has", "sessions")?;
    let what = "all clients together have";
    check_sessions(all().count(), total.sessions, what, "total.sessions")?;
    if session.detached {
        let detached = all().filter(|other| other.detached).count();
        let what = "there are, detached from their clients,";
        check_sessions(detached, total.detached, what, "total.detached")?;
    }
    let asked = session.subject.columns();
    let there = own().map(|other| other.subject.columns()).sum();
    check_columns(asked, there, limits.columns, "a client has", "columns")?;
    let there = all().map(|other| other.subject.columns()).sum();
    let who = "all clients together have";
    check_columns(asked, there, total.columns, who, "total.columns")
}

fn check_sessions(there: usize, most: usize, what: &str, limit: &str) -> Result<(), Error> {
    if there < most {
        return Ok(());
    }
    let message = format!("{what} at most {most} sessions (limits.{limit})");
    Err(Error::limit_exceeded(message))
}

fn check_columns(
    asked: usize,
    there: usize,
    most: usize,
    who: &str,
    limit: &str,
) -> Result<(), Error> {
    if there.saturating_add(asked) <= most {
        return Ok(());
    }
    Err(Error::limit_exceeded(format!(
        "{asked} columns are asked for beside {there} of other sessions: {who} at most {most} \
         (limits.{limit})"
    )))
}
