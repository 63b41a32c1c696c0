//! The half of the socket that zbus reads: it hands over admitted calls, in the order of admission.

use std::{io, os::fd::OwnedFd, sync::Arc};

use tokio::{select, task::yield_now};
use zbus::{connection::socket::ReadHalf, export::async_trait::async_trait};

use super::{Admission, message_reader::MessageReader};
use crate::transport::Stream;

/// The reading half.
#[derive(Debug)]
pub(crate) struct Receiver {
    admission: Arc<Admission>,
    stream: Arc<Stream>,
    reader: MessageReader,
    /// The message that is being handed to zbus, and the number of bytes handed over.
    message: Vec<u8>,
    handed_over: usize,
    /// Whether zbus may not have begun the last call yet.
    is_call_new: bool,
    /// Whether a call was handed over since the queue was last empty.
    is_serving: bool,
}

impl Receiver {
    pub(super) fn new(admission: Arc<Admission>, stream: Arc<Stream>, received: Vec<u8>) -> Self {
        Self {
            reader: MessageReader::new(admission.clone(), received),
            admission,
            stream,
            message: Vec::new(),
            handed_over: 0,
            is_call_new: false,
            is_serving: false,
        }
    }

    /// Copies the rest of the message into `buffer`, as far as it fits.
    fn hand_over(&mut self, buffer: &mut [u8]) -> usize {
        let rest = self.message.get(self.handed_over..).unwrap_or_default();
        let taken = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        self.handed_over = self.handed_over.saturating_add(taken);
        if self.handed_over >= self.message.len() {
            self.message = Vec::new();
            self.handed_over = 0;
        }
        taken
    }

    fn begin(&mut self, message: Vec<u8>) {
        self.message = message;
        self.handed_over = 0;
    }
}

#[async_trait]
impl ReadHalf for Receiver {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        loop {
            if !self.message.is_empty() {
                return Ok((self.hand_over(buffer), Vec::new()));
            }
            let may_read_socket = self.admission.may_read_socket();
            // All received calls are counted before one is handed over.
            if may_read_socket && !self.reader.read(&self.stream)? {
                return Ok((0, Vec::new()));
            }
            if let Some(message) = self.reader.own_messages.pop_front() {
                self.begin(message);
                continue;
            }
            if self.is_call_new && self.admission.has_ready_client() {
                // Lets zbus run its last call, and every other task that is ready, before the next call.
                self.is_call_new = false;
                yield_now().await;
                continue;
            }
            // While the bus has not read the last replies, further replies would only wait behind them.
            if self.is_serving && self.admission.has_ready_client() && !self.stream.is_drained()? {
                select! {
                    ready = self.stream.readable(), if may_read_socket => ready?,
                    drained = self.stream.drained() => drained?,
                }
                continue;
            }
            if let Some(call) = self.admission.next_call() {
                self.begin(call);
                self.is_call_new = true;
                self.is_serving = true;
                continue;
            }
            self.is_call_new = false;
            self.is_serving = false;
            select! {
                ready = self.stream.readable(), if may_read_socket => ready?,
                () = self.admission.admitted.notified() => {}
            }
        }
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}
