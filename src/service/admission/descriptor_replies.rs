//! Replies with file descriptors. The bus refuses to pass one to a client that has not negotiated descriptors, and tells
//! the service instead of the client.

use std::collections::VecDeque;

use super::{
    Admission,
    refusal::{Refusal, RefusalReason},
};

/// The most replies that are remembered. The bus refuses a reply when it reads it.
const MAX_REMEMBERED: usize = 128;

/// The last replies with descriptors: the serial of each, and the call that it answers.
#[derive(Debug, Default)]
pub(super) struct DescriptorReplies(VecDeque<(u32, Refusal)>);

impl DescriptorReplies {
    /// Remembers a reply, by its serial, to the call of a client.
    pub(super) fn record(&mut self, reply: u32, client: &str, call: u32) {
        if self.0.len() >= MAX_REMEMBERED {
            self.0.pop_front();
        }
        let refusal = Refusal {
            client: client.into(),
            serial: call,
            reason: RefusalReason::NoDescriptors,
        };
        self.0.push_back((reply, refusal));
    }

    /// The refusal to send if the bus has refused the reply with this serial.
    pub(super) fn refused(&mut self, reply: u32) -> Option<Refusal> {
        let at = self.0.iter().position(|(serial, _)| *serial == reply)?;
        self.0.remove(at).map(|(_, refusal)| refusal)
    }
}

impl Admission {
    /// Remembers a reply with descriptors, which the bus may refuse to pass on.
    pub(super) fn record_descriptor_reply(&self, reply: u32, client: &str, call: u32) {
        let replies = &mut self.lock().descriptor_replies;
        replies.record(reply, client, call);
    }

    /// Refuses a call whose reply the bus has refused to pass on, because the client takes no descriptors.
    pub(super) fn refuse_descriptor_reply(&self, reply: u32) {
        self.update(|inner| {
            let refused = inner.descriptor_replies.refused(reply);
            inner.queue.work.refusals.extend(refused);
        });
    }
}
