//! Whose turn it is.

use std::collections::VecDeque;

use crate::service::client::Name;

/// An answer that is no longer is a small one.
pub(super) const SMALL_REPLY_BYTES: usize = 2048;

/// Of clients whose answers are small, so many in a row go before one with others: hundreds of clients that ask
/// for everything hold nobody up who asks for a number.
const MAX_SMALL_IN_A_ROW: usize = 8;

/// Clients with a call that can be handed over, in their turn.
#[derive(Debug, Default)]
pub(super) struct ReadyClients {
    /// Those whose last answer was small, so that the next one probably is, too.
    small: VecDeque<Name>,
    large: VecDeque<Name>,
    /// How many of the first have had their turn since one of the others had.
    in_a_row: usize,
}

impl ReadyClients {
    pub(super) fn is_empty(&self) -> bool {
        self.small.is_empty() && self.large.is_empty()
    }

    /// Puts a client behind the others of its kind.
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
