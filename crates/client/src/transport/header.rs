//! Headers of messages in wire format ("Message Format" in the D-Bus specification): the length of a message, its
//! sender and its reply serial.

use zbus::message::Type;

/// The bytes before the header fields. They have the same layout in every message, and end with the length of the
/// fields.
pub const FIXED: usize = 16;

const FLAGS: usize = 2;
const NO_REPLY_EXPECTED: u8 = 1;

/// The error of bytes that are no D-Bus message.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

/// The length of a message, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// The length of the header with its padding.
    pub header: usize,
    /// The length of the message.
    pub total: usize,
}

/// The parts of a message's header that this program uses.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Header<'a> {
    /// `None` for a type that the specification does not define.
    pub kind: Option<Type>,
    /// Whether the sender waits for a reply.
    pub expects_reply: bool,
    /// The number of the message, which a reply to it repeats.
    pub serial: u32,
    /// The serial of the call that the message replies to.
    pub reply_serial: Option<u32>,
    /// The unique name of the sender, or the name of the bus. The bus sets it.
    pub sender: Option<&'a str>,
    /// The signature of the body; empty without one.
    pub signature: &'a [u8],
    /// The number of file descriptors with the message.
    pub descriptors: usize,
    is_big_endian: bool,
}

/// The codes of the header fields.
mod field {
    pub(super) const REPLY_SERIAL: u8 = 5;
    pub(super) const SENDER: u8 = 7;
    pub(super) const SIGNATURE: u8 = 8;
    pub(super) const UNIX_FDS: u8 = 9;
}

impl Length {
    /// The length of the message with these first bytes; `None` if they are too few.
    ///
    /// # Errors
    /// [`Malformed`] if no message begins so.
    pub fn of(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let Some(fixed) = bytes.first_chunk::<FIXED>() else {
            return Ok(None);
        };
        let mut cursor = Cursor::new(fixed)?;
        cursor.at = 4;
        let body = cursor.u32().ok_or(Malformed)?;
        cursor.at = 12;
        let fields = cursor.u32().ok_or(Malformed)?;
        let length = || {
            let header = FIXED.checked_add(usize::try_from(fields).ok()?)?;
            let header = header.checked_next_multiple_of(8)?;
            let total = header.checked_add(usize::try_from(body).ok()?)?;
            Some(Self { header, total })
        };
        length().map(Some).ok_or(Malformed)
    }
}

impl<'a> Header<'a> {
    /// Parses the header of a message. The body may be missing.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are too few, or no header.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(bytes)?;
        let mut header = Header {
            is_big_endian: cursor.is_big_endian,
            ..Self::default()
        };
        header.read(&mut cursor).ok_or(Malformed)?;
        Ok(header)
    }

    fn read(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        cursor.at = 1;
        self.kind = match cursor.u8()? {
            1 => Some(Type::MethodCall),
            2 => Some(Type::MethodReturn),
            3 => Some(Type::Error),
            4 => Some(Type::Signal),
            _ => None,
        };
        self.expects_reply = cursor.u8()? & NO_REPLY_EXPECTED == 0;
        cursor.at = 8;
        self.serial = cursor.u32()?;
        let fields = usize::try_from(cursor.u32()?).ok()?;
        let end = FIXED.checked_add(fields)?;
        while cursor.at < end {
            cursor.align(8)?;
            let code = cursor.u8()?;
            match (code, cursor.signature()?) {
                (field::SENDER, b"s") => self.sender = Some(cursor.string()?),
                (field::REPLY_SERIAL, b"u") => self.reply_serial = Some(cursor.u32()?),
                (field::SIGNATURE, b"g") => self.signature = cursor.signature()?,
                (field::UNIX_FDS, b"u") => {
                    self.descriptors = usize::try_from(cursor.u32()?).ok()?
                }
                (_, b"s" | b"o") => cursor.skip_string()?,
                (_, b"g") => cursor.signature().map(drop)?,
                (_, b"u" | b"i" | b"b") => cursor.u32().map(drop)?,
                (_, b"y") => cursor.u8().map(drop)?,
                // The specification defines no field of another type.
                _ => return None,
            }
        }
        Some(())
    }

    /// The first argument of the message, if it is a string.
    pub fn string(&self, body: &'a [u8]) -> Option<&'a str> {
        let mut cursor = Cursor {
            bytes: body,
            at: 0,
            is_big_endian: self.is_big_endian,
        };
        cursor.string()
    }
}

/// Clears the flag NO_REPLY_EXPECTED of a call.
pub fn expect_reply(message: &mut [u8]) {
    if let Some(flags) = message.get_mut(FLAGS) {
        *flags &= !NO_REPLY_EXPECTED;
    }
}

/// A position in a message, with the byte order of its numbers.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    is_big_endian: bool,
}

impl<'a> Cursor<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let is_big_endian = match bytes.first() {
            Some(b'l') => false,
            Some(b'B') => true,
            _ => return Err(Malformed),
        };
        Ok(Self {
            bytes,
            at: 0,
            is_big_endian,
        })
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn align(&mut self, to: usize) -> Option<()> {
        self.at = self.at.checked_next_multiple_of(to)?;
        Some(())
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u32(&mut self) -> Option<u32> {
        self.align(4)?;
        let bytes = *self.take(4)?.first_chunk()?;
        Some(if self.is_big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    fn skip_string(&mut self) -> Option<()> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.take(length.checked_add(1)?).map(drop)
    }

    fn string(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.u32()?).ok()?;
        let text = str::from_utf8(self.take(length)?).ok()?;
        self.u8()?;
        Some(text)
    }

    fn signature(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        let signature = self.take(usize::from(length))?;
        self.u8()?;
        Some(signature)
    }
}

#[cfg(test)]
mod tests {
    use zbus::{Message, wire::Endian};

    use super::*;

    fn call(endian: Endian) -> Message {
        let call = Message::method_call("/a/path", "Member").endian(endian);
        let call = call.sender(":1.42").interface("an.Interface");
        call.build(&("text", 7_u32)).unwrap()
    }

    #[test]
    fn messages_of_zbus_are_parsed() {
        for endian in [Endian::Little, Endian::Big] {
            let call = call(endian);
            let bytes = call.data();
            let length = Length::of(bytes).unwrap().unwrap();
            assert_eq!(length.total, bytes.len());
            let header = Header::parse(bytes).unwrap();
            assert_eq!(header.kind, Some(Type::MethodCall));
            assert_eq!(header.serial, call.primary_header().serial_num().get());
            assert_eq!(header.sender, Some(":1.42"));
            assert_eq!(header.signature, b"su");
            assert!(header.expects_reply);
            assert_eq!(header.string(&bytes[length.header..]), Some("text"));
            let reply = Message::method_return(&call.header()).build(&()).unwrap();
            let header = Header::parse(reply.data()).unwrap();
            assert_eq!(header.kind, Some(Type::MethodReturn));
            assert_eq!(
                header.reply_serial,
                Some(call.primary_header().serial_num().get())
            );
        }
    }

    #[test]
    fn a_part_of_a_message_has_no_header() {
        let call = call(Endian::Little);
        let bytes = call.data();
        let header = Length::of(bytes).unwrap().unwrap().header;
        for end in 0..bytes.len() {
            let length = Length::of(&bytes[..end]);
            assert_eq!(length.unwrap_or(None).is_some(), end >= FIXED, "{end}");
            // The padding after the fields is not read.
            let parsed = Header::parse(&bytes[..end]);
            assert!(parsed.is_err() || end + 8 > header, "{end}");
        }
    }

    #[test]
    fn garbage_is_malformed() {
        assert_eq!(Length::of(b"HTTP/1.1 400 Bad Request"), Err(Malformed));
        let mut bytes = call(Endian::Little).data().to_vec();
        let length = Length::of(&bytes).unwrap().unwrap();
        bytes[1] = 9;
        assert_eq!(Header::parse(&bytes).unwrap().kind, None);
        // No byte of a header causes a read beyond its end or a panic.
        for at in 0..length.header {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut bytes = call(Endian::Little).data().to_vec();
                bytes[at] = byte;
                let _ = Length::of(&bytes);
                let _ = Header::parse(&bytes);
            }
        }
    }

    #[test]
    fn a_call_can_be_made_to_expect_a_reply() {
        let call =
            Message::method_call("/", "M").with_flags(zbus::message::Flags::NO_REPLY_EXPECTED);
        let mut bytes = call.build(&()).unwrap().data().to_vec();
        assert!(!Header::parse(&bytes).unwrap().expects_reply);
        expect_reply(&mut bytes);
        assert!(Header::parse(&bytes).unwrap().expects_reply);
    }
}
