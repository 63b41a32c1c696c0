//! The sessions that are streams.

use std::time::Duration;

use super::{
    super::{
        event::Notice,
        stream::{self, Stream},
    },
    Sessions,
};

/// The interval of searches for devices while only streams are due.
const SEARCH_INTERVAL: Duration = Duration::from_millis(50);

impl Sessions {
    /// Ends the streams whose readers have closed their pipes.
    pub(crate) fn end_closed_streams(&mut self) -> Vec<Notice> {
        self.end_where(stream::CLOSED, |session| {
            session.stream.as_ref().is_some_and(Stream::is_closed)
        })
    }

    /// The bytes of all pipes of streams beyond their default capacity.
    pub(crate) fn extra_pipe_bytes(&self) -> usize {
        let streams = self
            .by_id
            .values()
            .filter_map(|session| session.stream.as_ref());
        streams.map(Stream::extra).sum()
    }

    /// Whether frames of streams are due at `now`, and nothing else: neither other frames nor a search for devices.
    pub(crate) fn are_only_records_due(&self, now: Duration) -> bool {
        let mut due = self.all_due(now);
        due.all(|session| session.stream.is_some()) && !self.searched.is_due(now, SEARCH_INTERVAL)
    }

    /// Whether devices are to be searched for at `now`, beside the frames that are due: always for signals, and not
    /// for each record of a stream with a short interval, whose columns do not change.
    pub(crate) fn is_search_due(&mut self, now: Duration) -> bool {
        let has_signals = self.all_due(now).any(|session| session.stream.is_none());
        self.searched.again(now, SEARCH_INTERVAL, || has_signals)
    }
}
