//! Messages in wire format ("Message Format" in the D-Bus specification).

use zbus::message::{NATIVE_ENDIAN_SIG, PrimaryHeader, Type};

/// The error of a message that the bus would not carry.
#[derive(Debug, thiserror::Error)]
#[error("a message of more than {MAX_BYTES} bytes")]
pub(crate) struct TooLong;

/// The longest message of D-Bus.
const MAX_BYTES: usize = 128 << 20;

const PROTOCOL_VERSION: u8 = 1;

/// The position of the length of the body in a message.
const BODY_LENGTH: usize = 4;

/// The codes of the header fields.
mod field {
    pub(super) const PATH: u8 = 1;
    pub(super) const INTERFACE: u8 = 2;
    pub(super) const MEMBER: u8 = 3;
    pub(super) const REPLY_SERIAL: u8 = 5;
    pub(super) const DESTINATION: u8 = 6;
    pub(super) const SIGNATURE: u8 = 8;
}

/// The type of a message and the fields of its header, without the sender: the bus sets that.
#[derive(Clone, Copy, Debug)]
pub(super) enum Header<'a> {
    Signal {
        path: &'a str,
        interface: &'a str,
        member: &'a str,
        /// `None` broadcasts.
        destination: Option<&'a str>,
    },
    Reply {
        /// The serial of the call.
        to: u32,
        destination: &'a str,
    },
}

/// Messages one after the other, in the byte order of this machine.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    bytes: Vec<u8>,
    /// The start of the last message, from which its alignments count.
    start: usize,
}

/// An array that is being written.
#[derive(Debug)]
pub(super) struct Array {
    /// The position of its length.
    length: usize,
    /// The start of its elements.
    first: usize,
}

impl Messages {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Removes all messages, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Reserves memory for a message with about so many bytes in its body.
    pub(super) fn reserve(&mut self, bytes: usize) {
        const HEADER_BYTES: usize = 256;
        self.bytes.reserve(bytes.saturating_add(HEADER_BYTES));
    }

    /// Adds a message that is encoded already.
    pub(crate) fn add_encoded(&mut self, message: &[u8]) {
        self.bytes.extend_from_slice(message);
    }

    /// Adds a message. `body` writes values of its signature.
    ///
    /// # Errors
    /// [`TooLong`]; then nothing is added.
    pub(super) fn add(
        &mut self,
        header: &Header<'_>,
        signature: &str,
        body: impl FnOnce(&mut Self),
    ) -> Result<(), TooLong> {
        let first = self.begin(header, signature);
        body(self);
        self.end(first)
    }

    /// Begins a message. Returns the start of its body.
    pub(super) fn begin(&mut self, header: &Header<'_>, signature: &str) -> usize {
        self.start = self.bytes.len();
        self.header(header, signature);
        self.bytes.len()
    }

    /// Ends the message whose body starts at `first`.
    ///
    /// # Errors
    /// [`TooLong`]; then the message is removed.
    pub(super) fn end(&mut self, first: usize) -> Result<(), TooLong> {
        if self.check_length().is_err() {
            self.bytes.truncate(self.start);
            return Err(TooLong);
        }
        self.set_length(self.start.saturating_add(BODY_LENGTH), first);
        Ok(())
    }

    /// Fails if the last message is too long already.
    pub(super) fn check_length(&self) -> Result<(), TooLong> {
        match self.bytes.len().saturating_sub(self.start) > MAX_BYTES {
            true => Err(TooLong),
            false => Ok(()),
        }
    }

    fn header(&mut self, header: &Header<'_>, signature: &str) {
        let kind = match header {
            Header::Signal { .. } => Type::Signal,
            Header::Reply { .. } => Type::MethodReturn,
        };
        // zbus numbers its messages by the same counter.
        let serial = PrimaryHeader::new(kind, 0).serial_num();
        let first = [NATIVE_ENDIAN_SIG as u8, kind as u8, 0, PROTOCOL_VERSION];
        self.bytes.extend_from_slice(&first);
        self.u32(0);
        self.u32(serial.get());
        self.array(8, |fields| match *header {
            Header::Signal {
                path,
                interface,
                member,
                destination,
            } => {
                fields.begin_field(field::PATH, "o").string(path);
                fields.begin_field(field::INTERFACE, "s").string(interface);
                fields.begin_field(field::MEMBER, "s").string(member);
                if let Some(destination) = destination {
                    fields
                        .begin_field(field::DESTINATION, "s")
                        .string(destination);
                }
                fields
                    .begin_field(field::SIGNATURE, "g")
                    .signature(signature);
            }
            Header::Reply { to, destination } => {
                fields.begin_field(field::REPLY_SERIAL, "u").u32(to);
                fields
                    .begin_field(field::DESTINATION, "s")
                    .string(destination);
                fields
                    .begin_field(field::SIGNATURE, "g")
                    .signature(signature);
            }
        });
        self.align(8);
    }

    /// Begins a header field whose value has this type.
    fn begin_field(&mut self, code: u8, signature: &str) -> &mut Self {
        self.align(8);
        self.bytes.push(code);
        self.signature(signature);
        self
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.align(4);
        self.bytes.extend_from_slice(&number.to_ne_bytes());
    }

    pub(super) fn u64(&mut self, number: u64) {
        self.align(8);
        self.bytes.extend_from_slice(&number.to_ne_bytes());
    }

    pub(super) fn double(&mut self, number: f64) {
        self.u64(number.to_bits());
    }

    pub(super) fn string(&mut self, text: &str) {
        self.u32(length(text.len()));
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
    }

    /// A signature, also that of a variant before its value.
    pub(super) fn signature(&mut self, signature: &str) {
        // All signatures here are short.
        self.bytes.push(length(signature.len()) as u8);
        self.bytes.extend_from_slice(signature.as_bytes());
        self.bytes.push(0);
    }

    /// An array. `elements` writes its elements, which have this alignment; those of a dictionary have 8.
    pub(super) fn array(&mut self, alignment: usize, elements: impl FnOnce(&mut Self)) {
        let array = self.begin_array(alignment);
        elements(self);
        self.end_array(array);
    }

    /// Begins an array whose elements have this alignment.
    pub(super) fn begin_array(&mut self, alignment: usize) -> Array {
        self.u32(0);
        let length = self.bytes.len().saturating_sub(size_of::<u32>());
        self.align(alignment);
        let first = self.bytes.len();
        Array { length, first }
    }

    pub(super) fn end_array(&mut self, array: Array) {
        self.set_length(array.length, array.first);
    }

    /// An array of doubles.
    pub(super) fn doubles(&mut self, numbers: &[f64]) {
        self.array(8, |array| {
            let first = array.bytes.len();
            let added = size_of_val(numbers);
            array.bytes.resize(first.saturating_add(added), 0);
            let (places, _) = array.bytes[first..].as_chunks_mut();
            for (place, number) in places.iter_mut().zip(numbers) {
                *place = number.to_ne_bytes();
            }
        });
    }

    pub(super) fn align(&mut self, to: usize) {
        let length = self.bytes.len().saturating_sub(self.start);
        let padded = length.checked_next_multiple_of(to).unwrap_or(length);
        self.bytes.resize(self.start.saturating_add(padded), 0);
    }

    /// Sets the number at `at` to the number of bytes from `first` on.
    fn set_length(&mut self, at: usize, first: usize) {
        let bytes = length(self.bytes.len().saturating_sub(first)).to_ne_bytes();
        if let Some(place) = self.bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *place = bytes;
        }
    }
}

/// A length. Of a greater one the message is [`TooLong`].
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
