//! The order in which clients have their calls handed over.

use std::collections::VecDeque;

use crate::service::client::Name;

/// A reply of at most this size is small.
pub(super) const SMALL_REPLY_BYTES: usize = 2048;

/// After this many clients with small replies, one with large replies has its turn. So hundreds of clients that read
/// every metric do not delay a client that reads one number.
const MAX_SMALL_IN_A_ROW: usize = 8;

/// Clients with a call that can be handed over, in their order.
#[derive(Debug, Default)]
pub(super) struct ReadyClients {
    /// Clients whose last reply was small: the next one probably is, too.
    small: VecDeque<Name>,
    large: VecDeque<Name>,
    /// How many clients of `small` were taken since one of `large` was.
    in_a_row: usize,
}

impl ReadyClients {
    pub(super) fn is_empty(&self) -> bool {
        self.small.is_empty() && self.large.is_empty()
    }

    /// Appends a client.
    pub(super) fn push(&mut self, name: Name, gets_small_replies: bool) {
        match gets_small_replies {
            true => self.small.push_back(name),
            false => self.large.push_back(name),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Name> {
        if self.in_a_row < MAX_SMALL_IN_A_ROW
            && let Some(name) = self.small.pop_front()
        {
            self.in_a_row = self.in_a_row.saturating_add(1);
            return Some(name);
        }
        self.in_a_row = 0;
        self.large.pop_front().or_else(|| self.small.pop_front())
    }
}
