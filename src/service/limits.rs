//! The limits of one call, of one client and of all clients together. docs/limits.md gives the reason of each.

/// The limits of one call, of one client and of all clients together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The bytes of a message. A longer call is refused unread.
    pub message_bytes: usize,
    /// The selectors of a call, equal ones counted once.
    pub selectors: usize,
    /// The bytes of all selectors of a call together.
    pub selector_bytes: usize,
    /// The options of a call.
    pub options: usize,
    /// The bytes of a pattern in a filter of processes.
    pub pattern_bytes: usize,
    /// The waiting and running calls of a client.
    pub calls: usize,
    /// The bytes of the messages of these calls.
    pub call_bytes: usize,
    /// The bytes of replies that a client has not read.
    pub unread_bytes: usize,
    /// The sessions of a client.
    pub sessions: usize,
    /// The columns of all sessions of a client.
    pub columns: usize,
    /// The limits of all clients together.
    pub total: Totals,
}

/// The limits of all clients together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Waiting and running calls.
    pub calls: usize,
    /// The bytes of the messages of these calls.
    pub call_bytes: usize,
    /// Sessions.
    pub sessions: usize,
    /// The columns of all sessions.
    pub columns: usize,
    /// Detached sessions, which do not end when a client leaves the bus.
    pub detached: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            selectors: 4096,
            selector_bytes: 256 << 10,
            options: 64,
            pattern_bytes: 256,
            calls: 64,
            call_bytes: 2 << 20,
            unread_bytes: 1 << 20,
            sessions: 64,
            columns: 4096,
            total: Totals {
                calls: 1024,
                call_bytes: 8 << 20,
                sessions: 512,
                columns: 32768,
                detached: 16,
            },
        }
    }
}

impl Limits {
    /// The limit of this name in `[limits]` of the configuration: `calls`, `total.calls`.
    pub(crate) fn named(&mut self, name: &str) -> Option<&mut usize> {
        Some(match name {
            "message_bytes" => &mut self.message_bytes,
            "selectors" => &mut self.selectors,
            "selector_bytes" => &mut self.selector_bytes,
            "options" => &mut self.options,
            "pattern_bytes" => &mut self.pattern_bytes,
            "calls" => &mut self.calls,
            "call_bytes" => &mut self.call_bytes,
            "unread_bytes" => &mut self.unread_bytes,
            "sessions" => &mut self.sessions,
            "columns" => &mut self.columns,
            "total.calls" => &mut self.total.calls,
            "total.call_bytes" => &mut self.total.call_bytes,
            "total.sessions" => &mut self.total.sessions,
            "total.columns" => &mut self.total.columns,
            "total.detached" => &mut self.total.detached,
            _ => return None,
        })
    }

    /// All limits, by their names in `[limits]` of the configuration.
    pub fn all(mut self) -> impl Iterator<Item = (&'static str, usize)> {
        let named = move |name| Some((name, *self.named(name)?));
        Self::NAMES.into_iter().filter_map(named)
    }

    /// The names of all limits.
    pub(crate) const NAMES: [&str; 15] = [
        "message_bytes",
        "selectors",
        "selector_bytes",
        "options",
        "pattern_bytes",
        "calls",
        "call_bytes",
        "unread_bytes",
        "sessions",
        "columns",
        "total.calls",
        "total.call_bytes",
        "total.sessions",
        "total.columns",
        "total.detached",
    ];
}
