//! The past of a session: frames that others have read, sent between its `Changed` and its first frame.
//!
//! It goes out in slices. The bus reads one before the next one is written, so that replies and the frames of others do
//! not wait behind thousands of signals. One session at a time has its turn: only one past is in memory.

use tokio::task::AbortHandle;

use super::event::{Event, Notice, SessionKind};
use crate::service::{client::Name, history::Past};

/// About the bytes of the signal `Sampled` beside its values.
pub(crate) const SIGNAL_BYTES: usize = 256;

/// The most signals of the past of a session: their headers have a mebibyte.
pub(crate) const MAX_PAST_SIGNALS: usize = 4096;

/// About the bytes of a slice: the bus reads it in some milliseconds.
const SLICE_BYTES: usize = 16 << 10;

/// The session whose past is sent, or will be next.
#[derive(Debug, Default)]
pub(super) enum PastTurn {
    #[default]
    Free,
    /// The bus has to be asked how much the owner of this session has not read.
    ToAsk(u32),
    Asking {
        session: u32,
        _question: Question,
    },
    /// The first frame of this session comes with its past.
    Next(u32),
    Sending(PastTransfer),
}

/// A question to the bus, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Question(pub(super) AbortHandle);

/// The past of a session that is being sent. The session takes no other frame until its end.
#[derive(Debug)]
pub(super) struct PastTransfer {
    session: u32,
    owner: Name,
    past: Past,
    /// The number of rows that were sent.
    sent: usize,
    /// The notices of the first frame, which follow.
    first_frame: Vec<Notice>,
}

impl Drop for Question {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl PastTurn {
    /// The session that has its turn.
    pub(super) fn session(&self) -> Option<u32> {
        match self {
            Self::Free => None,
            Self::ToAsk(session) | Self::Asking { session, .. } | Self::Next(session) => {
                Some(*session)
            }
            Self::Sending(transfer) => Some(transfer.session),
        }
    }

    /// Whether a session may take a frame now.
    pub(super) fn allows_frame(&self, session: u32, wants_past: bool) -> bool {
        match self {
            Self::Free => true,
            Self::Next(next) => !wants_past || *next == session,
            Self::ToAsk(_) | Self::Asking { .. } => !wants_past,
            Self::Sending(transfer) => !wants_past && transfer.session != session,
        }
    }
}

impl PastTransfer {
    /// The past of a session, which its owner gets before the notices of the first frame.
    pub(super) fn new(session: u32, owner: Name, past: Past, first_frame: Vec<Notice>) -> Self {
        Self {
            session,
            owner,
            past,
            sent: 0,
            first_frame,
        }
    }

    /// The notices of the next slice: with the last rows, those of the first frame.
    pub(super) fn next_slice(&mut self) -> Vec<Notice> {
        let rows = SLICE_BYTES.div_ceil(signal_bytes(&self.past).max(1));
        let slice = self.past.rows().skip(self.sent).take(rows);
        let mut notices: Vec<_> = slice
            .map(|(timestamp, values)| Notice {
                session: self.session,
                client: Some(self.owner.clone()),
                kind: SessionKind::Metrics,
                event: Event::Sampled(timestamp, values.into()),
            })
            .collect();
        self.sent = self.sent.saturating_add(notices.len());
        if self.is_over() {
            notices.append(&mut self.first_frame);
        }
        notices
    }

    /// Whether all was sent.
    pub(super) fn is_over(&self) -> bool {
        self.sent >= self.past.len()
    }
}

/// About the bytes of the signals of the past.
pub(crate) fn past_bytes(past: &Past) -> usize {
    signal_bytes(past).saturating_mul(past.len())
}

/// About the bytes of one of these signals.
fn signal_bytes(past: &Past) -> usize {
    let width = past.rows().next().map_or(0, |(_, values)| values.len());
    let values = width.saturating_mul(size_of::<f64>());
    values.saturating_add(SIGNAL_BYTES)
}
