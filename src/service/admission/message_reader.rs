//! Reads bytes from the bus, splits them into messages and dispatches these.

use std::{collections::VecDeque, io, os::fd::OwnedFd, sync::Arc};

use sampled_client::transport::header::{self, Header, Length};
use zbus::message::Type;

use super::{Admission, BUS, client::IncomingCall, refusal::RefusalReason};
use crate::transport::Stream;

/// The largest message of the bus itself that is read: its replies may list the match rules of all clients.
const BUS_BYTES: usize = 16 << 20;

/// The bytes of the first read, which finds all of a usual call. A larger buffer would cost more to clear than the call
/// to read, and the pages of the stack that it touches stay with the process.
const FIRST_BUFFER: usize = 4 * 1024;

/// The bytes of each further read, and the reads in a row: a client that floods the bus has to be noticed before others
/// have waited behind it.
const BUFFER: usize = 32 * 1024;
const READS: usize = 16;

/// The received data. Only complete calls go to admission.
#[derive(Debug)]
pub(super) struct MessageReader {
    admission: Arc<Admission>,
    /// The beginning of a message that is not complete yet.
    received: Vec<u8>,
    /// Received file descriptors. They are closed when their message is complete: no call takes one.
    descriptors: Vec<OwnedFd>,
    /// A message, or a header, that is longer than the buffer.
    long: Option<LongMessage>,
    /// The remaining bytes of a message that is skipped.
    skipped: usize,
    /// Replies and signals for the service itself: they do not wait behind calls.
    pub(super) own_messages: VecDeque<Vec<u8>>,
}

/// A message, or its header, that does not fit into the buffer.
#[derive(Debug)]
struct LongMessage {
    bytes: Vec<u8>,
    /// The number of bytes to collect.
    length: usize,
    /// The size of the message if only its header is collected.
    oversized: Option<usize>,
}

impl MessageReader {
    /// `received` holds bytes that were read before.
    pub(super) fn new(admission: Arc<Admission>, received: Vec<u8>) -> Self {
        Self {
            admission,
            received,
            descriptors: Vec::new(),
            long: None,
            skipped: 0,
            own_messages: VecDeque::new(),
        }
    }

    /// Reads from the socket without waiting. Returns `false` at the end of the connection.
    pub(super) fn read(&mut self, stream: &Stream) -> io::Result<bool> {
        for turn in 0..READS {
            let (received, size) = match turn {
                0 => (self.read_once::<FIRST_BUFFER>(stream)?, FIRST_BUFFER),
                _ => (self.read_once::<BUFFER>(stream)?, BUFFER),
            };
            match received {
                Some(0) => return Ok(false),
                Some(length) if length == size && self.admission.may_read_socket() => {}
                // The socket wakes the reader again if there is more.
                Some(_) | None => break,
            }
        }
        Ok(true)
    }

    /// Not inlined: the frame of the caller would have room for the largest buffer.
    #[inline(never)]
    fn read_once<const SIZE: usize>(&mut self, stream: &Stream) -> io::Result<Option<usize>> {
        // On the stack, so that it takes no memory between calls.
        let mut buffer = [0; SIZE];
        let received = stream.receive(&mut buffer, &mut self.descriptors)?;
        let mut bytes = buffer.get(..received.unwrap_or(0)).unwrap_or_default();
        if self.received.is_empty() {
            self.take(&mut bytes)?;
            self.received.extend_from_slice(bytes);
        } else {
            self.received.extend_from_slice(bytes);
            let received = std::mem::take(&mut self.received);
            let mut bytes = received.as_slice();
            self.take(&mut bytes)?;
            self.received = bytes.to_vec();
        }
        Ok(received)
    }

    /// Takes all complete messages from the front of `bytes`, and the available part of a long one.
    fn take(&mut self, bytes: &mut &[u8]) -> io::Result<()> {
        loop {
            let skipped = self.skipped.min(bytes.len());
            take_front(bytes, skipped);
            self.skipped = self.skipped.saturating_sub(skipped);
            if self.skipped > 0 {
                return Ok(());
            }
            if let Some(long) = &mut self.long {
                let missing = long.length.saturating_sub(long.bytes.len());
                long.bytes
                    .extend_from_slice(take_front(bytes, missing.min(bytes.len())));
                if long.bytes.len() < long.length {
                    return Ok(());
                }
            }
            if let Some(long) = self.long.take() {
                match long.oversized {
                    None => self.handle(&long.bytes),
                    Some(size) if is_from_bus(&long.bytes, size) => {
                        self.long = Some(LongMessage {
                            length: size,
                            oversized: None,
                            ..long
                        });
                    }
                    Some(size) => {
                        self.refuse_oversized(&long.bytes, size);
                        self.skipped = size.saturating_sub(long.length);
                    }
                }
                continue;
            }
            let Some(length) = Length::of(bytes).map_err(malformed)? else {
                return Ok(());
            };
            let most = self.admission.message_bytes();
            let is_too_long = length.total > most;
            let wanted = match is_too_long {
                false => length.total,
                true => length.header,
            };
            if bytes.len() >= wanted {
                if is_too_long && is_from_bus(bytes, length.total) {
                    self.long = Some(LongMessage {
                        bytes: Vec::with_capacity(length.total),
                        length: length.total,
                        oversized: None,
                    });
                } else if is_too_long {
                    self.refuse_oversized(bytes, length.total);
                    self.skipped = length.total;
                } else {
                    self.handle(take_front(bytes, wanted));
                }
            } else if wanted > most {
                // Such a long header holds a huge object path, and the sender may come after it.
                self.skipped = length.total;
            } else if wanted > BUFFER {
                self.long = Some(LongMessage {
                    bytes: Vec::with_capacity(wanted),
                    length: wanted,
                    oversized: is_too_long.then_some(length.total),
                });
            } else {
                return Ok(());
            }
        }
    }

    /// Dispatches a complete message.
    fn handle(&mut self, bytes: &[u8]) {
        let Ok(header) = Header::parse(bytes) else {
            return;
        };
        let (sender, serial) = (header.sender.unwrap_or_default(), header.serial);
        let descriptors = header.descriptors.min(self.descriptors.len());
        self.descriptors.drain(..descriptors);
        match header.kind {
            Some(Type::MethodCall) if header.descriptors > 0 => {
                if header.expects_reply {
                    self.admission
                        .refuse(sender, serial, RefusalReason::Descriptors);
                }
            }
            Some(Type::MethodCall) => {
                let call = IncomingCall {
                    serial,
                    expects_reply: header.expects_reply,
                    bytes,
                };
                self.admission.admit(sender, call);
            }
            Some(Type::MethodReturn | Type::Error) => {
                let serial = header.reply_serial.unwrap_or_default();
                if header.kind == Some(Type::Error) && sender == BUS {
                    self.admission.refuse_descriptor_reply(serial);
                }
                // zbus is handed no descriptors, and would close the connection if they are missing.
                if self.admission.take_own_call(serial, sender) && header.descriptors == 0 {
                    self.own_messages.push_back(bytes.to_vec());
                }
            }
            // The service subscribes only to signals of the bus, but any client can send it a signal.
            Some(Type::Signal) if sender == BUS && header.descriptors == 0 => {
                self.own_messages.push_back(bytes.to_vec())
            }
            Some(Type::Signal) | None => {}
        }
    }

    /// Refuses a message that is too large to be read, if it is a call.
    fn refuse_oversized(&mut self, bytes: &[u8], size: usize) {
        let Ok(header) = Header::parse(bytes) else {
            return;
        };
        let descriptors = header.descriptors.min(self.descriptors.len());
        self.descriptors.drain(..descriptors);
        if header.kind == Some(Type::MethodCall) && header.expects_reply {
            let reason = RefusalReason::MessageBytes(size, self.admission.message_bytes());
            let sender = header.sender.unwrap_or_default();
            self.admission.refuse(sender, header.serial, reason);
        }
    }
}

/// Whether a message is from the bus itself and small enough for [`BUS_BYTES`].
fn is_from_bus(header: &[u8], size: usize) -> bool {
    let header = Header::parse(header);
    size <= BUS_BYTES && header.is_ok_and(|header| header.sender == Some(BUS))
}

/// Takes `length` bytes from the front.
fn take_front<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (front, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
    *bytes = rest;
    front
}

fn malformed(_: header::Malformed) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the bus has sent a malformed message",
    )
}
