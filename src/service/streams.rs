//! `Open`: sessions of metrics whose frames go into a pipe.

use std::{os::fd::OwnedFd, sync::Arc, time::Duration};

use zbus::{Connection, Fd, object_server::ResponseDispatchNotifier};

use super::{
    control::{Control, Selected, SessionRequest},
    error::Error,
    options::StartOptions,
    session::{MAX_COLUMNS, Metrics, Stream, Subject},
};
use crate::{store::Selection, wire::Ids};

/// The reply to `Open`: the session, its columns and the read end of its pipe.
pub(crate) type OpenReply = (u32, Ids, ResponseDispatchNotifier<Fd<'static>>);

/// A stream that has no record yet.
pub(crate) struct OpenedStream {
    session: u32,
    columns: Ids,
    reader: OwnedFd,
}

/// The columns of a stream, and their metrics. An id keeps its column, whatever comes and goes.
///
/// # Errors
/// `InvalidArgs` if there are none; `LimitExceeded` if a record would not be written as a whole.
pub(crate) fn fixed(selection: Arc<Selection>) -> Result<(Vec<Arc<str>>, Metrics), Error> {
    let count = selection.columns.len();
    if count == 0 {
        let message =
            "no selector matches a metric now, and a stream has no columns that come later";
        return Err(Error::invalid_args(message.to_owned()));
    }
    if count > MAX_COLUMNS {
        return Err(Error::limit_exceeded(format!(
            "{count} columns are asked for: a stream has at most {MAX_COLUMNS}, so that each record is written as a \
             whole (PIPE_BUF)"
        )));
    }
    let columns = selection.columns.iter();
    let ids: Vec<_> = columns.map(|column| column.metric.id.clone()).collect();
    let selectors: Vec<&str> = ids.iter().map(|id| &**id).collect();
    let metrics = Metrics::new(&selectors, selection);
    Ok((ids, metrics))
}

impl Control {
    /// Adds a stream. It has no record before [`reply_to_open`](Self::reply_to_open).
    ///
    /// Its selectors are resolved once: it has the same columns to its end.
    ///
    /// # Errors
    /// As `Start`. `LimitExceeded` also if a record would not be written as a whole, or the service has too many open
    /// files; `InvalidArgs` if it is to be detached.
    pub(crate) async fn open(
        &self,
        bus: &Connection,
        caller: &str,
        selectors: &[&str],
        interval: Duration,
        options: StartOptions,
    ) -> Result<OpenedStream, Error> {
        if options.detached {
            let message =
                "option detached: a stream ends with its reader, so it cannot be detached";
            return Err(Error::invalid_args(message.to_owned()));
        }
        let is_optional = options.is_optional;
        let selected = self
            .select(Some((bus, caller)), selectors, is_optional)
            .await?;
        let Selected {
            selection, permit, ..
        } = selected;
        let (ids, metrics) = fixed(selection)?;
        let extra = self.sessions.lock().extra_pipe_bytes();
        let sessions = self.sessions.clone();
        let on_close = move || sessions.changed.notify_one();
        let opened = Stream::open(ids.len(), interval, extra, on_close);
        let (reader, stream) = opened.map_err(|error| {
            let message = format!("the service cannot make a pipe: {error} (RLIMIT_NOFILE)");
            Error::limit_exceeded(message)
        })?;
        let request = SessionRequest {
            interval,
            options,
            subject: Subject::Metrics(metrics),
            permit,
            stream: Some(stream),
        };
        let session = self.add(bus, caller, request).await?;
        Ok(OpenedStream {
            session,
            columns: Ids(ids),
            reader,
        })
    }

    /// The reply to `Open`. The first record follows when zbus has sent it; the service closes its copy of the read end
    /// then, so that the stream ends with the reader, also if the reply never reaches one.
    pub(crate) fn reply_to_open(&self, stream: OpenedStream) -> Result<OpenReply, Error> {
        let (session, reader) = self.reply(stream.session, Fd::Owned(stream.reader))?;
        Ok((session, stream.columns, reader))
    }
}
