//! The sessions that ask for the past: one at a time has its turn.

use std::time::Duration;

use tokio::task::AbortHandle;

use super::{
    super::{
        Session,
        event::{Event, Notice},
        past::{MAX_PAST_SIGNALS, PastTransfer, PastTurn, Question, past_bytes},
    },
    Sessions,
};
use crate::{
    reading::Stamp,
    service::{
        client::{Name, unread::Unread},
        history::History,
    },
};

/// A client with more unread bytes gets no past for a further session.
const MAX_UNREAD_PAST: usize = 4 << 20;

impl Sessions {
    /// Gives the turn to the first session that is due and wants its past, unless another one has it. If its owner was sent
    /// another past, [a question](Self::past_question) comes before.
    pub(super) fn give_past_turn(&mut self, now: Duration) {
        self.end_past_turn_of_ended();
        if !matches!(self.past, PastTurn::Free) {
            return;
        }
        let mut all = self.by_id.iter();
        let next = all.find(|(_, session)| session.wants_past() && session.is_due(now));
        let Some((&id, session)) = next else {
            return;
        };
        let mut all = self.by_id.values();
        let had_past = all.any(|other| other.had_past && other.owner == session.owner);
        self.past = match had_past {
            true => PastTurn::ToAsk(id),
            false => PastTurn::Next(id),
        };
    }

    /// Ends the turn of a session that has ended.
    pub(super) fn end_past_turn_of_ended(&mut self) {
        let session = self.past.session();
        if session.is_some_and(|session| !self.by_id.contains_key(&session)) {
            self.past = PastTurn::Free;
        }
    }

    /// The session whose owner's unread bytes are to be queried before its past is sent, and the owner.
    pub(crate) fn past_question(&self) -> Option<(u32, Name)> {
        let PastTurn::ToAsk(id) = self.past else {
            return None;
        };
        Some((id, self.by_id.get(&id)?.owner.clone()))
    }

    /// Stores the task that asks. It is aborted if the session ends.
    pub(crate) fn begin_past_question(&mut self, id: u32, task: AbortHandle) {
        self.past = PastTurn::Asking {
            session: id,
            _question: Question(task),
        };
    }

    /// Takes the answer. The session goes without its past if its owner does not read.
    pub(crate) fn answer_past_question(&mut self, id: u32, held: Unread) {
        if !matches!(self.past, PastTurn::Asking { session, .. } if session == id) {
            return;
        }
        let reads = match held {
            Unread::Bytes(bytes) => bytes <= MAX_UNREAD_PAST,
            Unread::Pinged => true,
            Unread::Silent => false,
        };
        self.past = match (reads, self.by_id.get_mut(&id)) {
            (true, Some(_)) => PastTurn::Next(id),
            (_, session) => {
                if let Some(session) = session {
                    session.history = Duration::ZERO;
                }
                PastTurn::Free
            }
        };
    }

    /// Whether a past is being sent.
    pub(crate) fn is_sending_past(&self) -> bool {
        matches!(self.past, PastTurn::Sending(_))
    }

    /// The notices of the next slice of the past that is being sent.
    pub(crate) fn next_past_slice(&mut self) -> Vec<Notice> {
        self.end_past_turn_of_ended();
        let PastTurn::Sending(transfer) = &mut self.past else {
            return Vec::new();
        };
        let notices = transfer.next_slice();
        if transfer.is_over() {
            self.past = PastTurn::Free;
        }
        notices
    }
}

/// Begins to send the past of the session that has its turn, once it has taken its first frame: what follows `Changed` in its
/// notices follows the past.
pub(super) fn begin(
    turn: &mut PastTurn,
    id: u32,
    session: &mut Session,
    history: &History,
    now: Stamp,
    mut notices: Vec<Notice>,
) -> Vec<Notice> {
    let is_frame = |notice: &Notice| matches!(notice.event, Event::Sampled(..));
    let Some(at) = notices.iter().position(is_frame) else {
        return notices;
    };
    let past =
        session.take_past(|selection, span| history.past(selection, span, MAX_PAST_SIGNALS, now));
    *turn = PastTurn::Free;
    if let Some(past) = past.filter(|past| past.len() > 0) {
        session.backlog.allow(past_bytes(&past));
        let first_frame = notices.split_off(at);
        let transfer = PastTransfer::new(id, session.owner.clone(), past, first_frame);
        *turn = PastTurn::Sending(transfer);
    }
    notices
}
