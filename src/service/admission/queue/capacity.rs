//! Room for calls: evicts calls of the client with most of them, and forgets idle clients.

use std::time::Duration;

use tokio::time::Instant;

use super::{BYTES_BETWEEN_CHECKS, Queue};
use crate::service::{
    admission::{
        client::{Client, UnreadState},
        refusal::RefusalReason,
    },
    client::Name,
};

/// The time after which the unread bytes of a client over its limit are queried again.
pub(super) const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The number of clients without a call that are remembered, with the bytes that they were sent.
pub(super) const MAX_IDLE_CLIENTS: usize = 256;

impl Queue {
    /// Makes room for a call, or returns the reason to refuse it.
    pub(super) fn make_room(
        &mut self,
        name: &Name,
        taken: usize,
        now: Instant,
    ) -> Result<(), RefusalReason> {
        let limits = self.limits;
        let (calls, bytes) = match self.clients.get_mut(name) {
            None => (0, 0),
            Some(client) => {
                client.ask_again(now, CHECK_INTERVAL);
                if let UnreadState::OverLimit { held, .. } = client.unread {
                    return Err(RefusalReason::UnreadBytes(held, limits.unread_bytes));
                }
                (client.calls(), client.call_bytes())
            }
        };
        if calls >= limits.calls {
            return Err(RefusalReason::Calls(calls, limits.calls));
        }
        if bytes.saturating_add(taken) > limits.call_bytes {
            return Err(RefusalReason::CallBytes(
                bytes.saturating_add(taken),
                limits.call_bytes,
            ));
        }
        // Waiting calls of the client with most are evicted for a client with fewer. Running calls cannot be evicted:
        // a client's only call is admitted beside them, up to twice the limit.
        let spare = |total: usize| match calls {
            0 => total.saturating_mul(2),
            _ => total,
        };
        while self.calls >= limits.total.calls {
            let is_evicted = self.evict(|client| client.waiting.len(), calls.saturating_add(1));
            if !is_evicted && self.calls < spare(limits.total.calls) {
                break;
            }
            if !is_evicted {
                return Err(RefusalReason::TotalCalls(self.calls, limits.total.calls));
            }
        }
        while self.bytes.saturating_add(taken) > limits.total.call_bytes {
            let is_evicted = self.evict(Client::waiting_bytes, bytes.saturating_add(taken));
            if !is_evicted && self.bytes.saturating_add(taken) <= spare(limits.total.call_bytes) {
                break;
            }
            if !is_evicted {
                let bytes = self.bytes.saturating_add(taken);
                return Err(RefusalReason::TotalCallBytes(
                    bytes,
                    limits.total.call_bytes,
                ));
            }
        }
        Ok(())
    }

    /// Refuses the last waiting call of the client with most waiting, if these are more than `own`.
    fn evict(&mut self, size: impl Fn(&Client) -> usize, own: usize) -> bool {
        let largest = self.clients.iter().max_by_key(|(_, client)| size(client));
        let Some((name, client)) = largest else {
            return false;
        };
        if size(client) <= own {
            return false;
        }
        let name = name.clone();
        let last = self.clients.get_mut(&name);
        let Some(call) = last.and_then(|client| client.waiting.pop_back()) else {
            return false;
        };
        self.subtract_call(call.bytes.len());
        self.refuse(
            name,
            call.serial,
            call.expects_reply,
            RefusalReason::Evicted,
        );
        true
    }

    /// Forgets clients without a call when there are too many: first those that were sent few bytes.
    pub(super) fn forget_idle_clients(&mut self) {
        let busy = |client: &Client| client.calls() > 0 || client.unread == UnreadState::Asking;
        // Up to twice as many clients as the limit of calls can be busy.
        let most = self
            .limits
            .total
            .calls
            .saturating_mul(2)
            .saturating_add(MAX_IDLE_CLIENTS);
        if self.clients.len() < most {
            return;
        }
        let much = BYTES_BETWEEN_CHECKS / 2;
        self.clients
            .retain(|_, client| busy(client) || client.reply_bytes >= much);
        if self.clients.len() >= most {
            self.clients.retain(|_, client| busy(client));
        }
    }
}
