//! The limits on sessions and columns, for one client and for all together.

use super::Session;
use crate::service::{error::Error, limits::Limits};

/// Checks that the limits allow one more session.
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
    let all_clients = "all clients together have";
    check_sessions(all().count(), total.sessions, all_clients, "total.sessions")?;
    if session.detached {
        let detached = all().filter(|other| other.detached).count();
        let subject = "there are, detached from their clients,";
        check_sessions(detached, total.detached, subject, "total.detached")?;
    }
    let requested = session.subject.columns();
    let used = own().map(|other| other.subject.columns()).sum();
    check_columns(requested, used, limits.columns, "a client has", "columns")?;
    let used = all().map(|other| other.subject.columns()).sum();
    check_columns(requested, used, total.columns, all_clients, "total.columns")
}

fn check_sessions(used: usize, max: usize, subject: &str, limit: &str) -> Result<(), Error> {
    if used < max {
        return Ok(());
    }
    let message = format!("{subject} at most {max} sessions (limits.{limit})");
    Err(Error::limit_exceeded(message))
}

fn check_columns(
    requested: usize,
    used: usize,
    max: usize,
    subject: &str,
    limit: &str,
) -> Result<(), Error> {
    if used.saturating_add(requested) <= max {
        return Ok(());
    }
    Err(Error::limit_exceeded(format!(
        "{requested} columns are asked for beside {used} of other sessions: {subject} at most {max} \
         (limits.{limit})"
    )))
}
