//! A D-Bus client that writes messages as bytes, and reads only when the test calls `receive`: no library does.

use std::{
    io::{IoSlice, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use sampled::wire::{INTERFACE, NAME, PATH};
use serde::Serialize;
use zbus::{
    DynamicType, Message,
    message::{Builder, Type},
    wire::{
        Endian,
        serialized::{Context, Data},
    },
};

use crate::support::{bus::Bus, process::DEADLINE};

/// A connection to the bus, without a library.
pub(crate) struct Raw {
    socket: UnixStream,
    name: String,
}

impl Raw {
    pub(crate) fn connect(bus: &Bus) -> Self {
        Self::negotiate(bus, "NEGOTIATE_UNIX_FD\r\n")
    }

    /// A connection on which the bus passes no descriptors.
    pub(crate) fn connect_without_descriptors(bus: &Bus) -> Self {
        Self::negotiate(bus, "")
    }

    fn negotiate(bus: &Bus, commands: &str) -> Self {
        let path = bus.address().split(['=', ',']).nth(1).expect("a path");
        let mut socket = UnixStream::connect(path).expect("the bus listens");
        socket.set_read_timeout(Some(DEADLINE)).expect("timeout");
        let uid = nix::unistd::geteuid().to_string();
        let uid: String = uid.bytes().map(|byte| format!("{byte:02x}")).collect();
        let greeting = format!("\0AUTH EXTERNAL {uid}\r\n{commands}BEGIN\r\n");
        socket.write_all(greeting.as_bytes()).expect("write");
        let mut raw = Self {
            socket,
            name: String::new(),
        };
        // The answers to AUTH and to each command are a line each.
        for _ in 0..=commands.lines().count() {
            while raw.byte() != b'\n' {}
        }
        let bus = "org.freedesktop.DBus";
        let hello = Message::method_call("/org/freedesktop/DBus", "Hello");
        let hello = hello.destination(bus).interface(bus).build(&()).unwrap();
        raw.send(hello.data());
        raw.name = raw.reply(&hello).body().deserialize().expect("a name");
        raw
    }

    /// The other end of a client's connection, after the handshake and `Hello`.
    pub(crate) fn of_bus(socket: UnixStream) -> Self {
        let name = String::new();
        Self { socket, name }
    }

    /// The unique name of this client.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("write");
    }

    /// Writes a call this many times, each time with another serial: the bus refuses a call with the serial of a call
    /// that is not answered yet.
    pub(crate) fn repeat(&mut self, call: &Message, times: u32) {
        self.repeat_from(1 << 20, call, times);
    }

    /// Like [`Self::repeat`], with serials from `first` on.
    pub(crate) fn repeat_from(&mut self, first: u32, call: &Message, times: u32) {
        let mut bytes = Vec::new();
        for serial in first..first + times {
            let at = bytes.len();
            bytes.extend_from_slice(call.data());
            bytes[at + 8..at + 12].copy_from_slice(&serial.to_le_bytes());
        }
        self.send(&bytes);
    }

    /// Writes a message with its file descriptors.
    pub(crate) fn send_with_descriptors(&mut self, message: &Message) {
        let fds: Vec<_> = message.data().fds().iter().map(|fd| fd.as_fd()).collect();
        let mut space = [std::mem::MaybeUninit::uninit(); 1024];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
        let slices = [IoSlice::new(message.data())];
        let sent = sendmsg(&self.socket, &slices, &mut control, SendFlags::NOSIGNAL).unwrap();
        assert_eq!(sent, message.data().len());
    }

    /// The next message.
    pub(crate) fn receive(&mut self) -> Message {
        self.try_receive().expect("a message in time")
    }

    /// The next message; `None` if the other end has left.
    pub(crate) fn try_receive(&mut self) -> Option<Message> {
        let mut bytes = vec![0; 16];
        self.socket.read_exact(&mut bytes).ok()?;
        let order = match bytes[0] {
            b'B' => Endian::Big,
            _ => Endian::Little,
        };
        let number = |at: usize| order.read_u32(&bytes[at..at + 4]) as usize;
        let length = 16 + number(12).next_multiple_of(8) + number(4);
        bytes.resize(length, 0);
        self.socket.read_exact(&mut bytes[16..]).ok()?;
        let data = Data::new(bytes, Context::new(order, 0));
        #[allow(
            unsafe_code,
            reason = "zbus has no safe constructor for a message that it has not read itself"
        )]
        // SAFETY: the bus sends valid messages.
        let message = unsafe { Message::from_bytes(data) };
        Some(message.expect("a message"))
    }

    /// The reply to a call. Other messages that come before it are dropped.
    pub(crate) fn reply(&mut self, call: &Message) -> Message {
        let serial = call.primary_header().serial_num();
        loop {
            let message = self.receive();
            let is_reply = matches!(message.message_type(), Type::MethodReturn | Type::Error);
            if is_reply && message.header().reply_serial() == Some(serial) {
                return message;
            }
        }
    }

    /// Makes a call and returns the reply.
    pub(crate) fn call(&mut self, call: &Message) -> Message {
        self.send(call.data());
        self.reply(call)
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.socket.read_exact(&mut byte).expect("a byte in time");
        byte[0]
    }
}

/// A call of a method of the service.
pub(crate) fn ask<B: Serialize + DynamicType>(method: &str, body: &B) -> Message {
    finish(Message::method_call(PATH, method), body)
}

/// Adds the destination, the interface and the body of a call to the service. The caller chooses path and flags.
pub(crate) fn finish<B: Serialize + DynamicType>(call: Builder<'_>, body: &B) -> Message {
    call.destination(NAME)
        .interface(INTERFACE)
        .build(body)
        .expect("a well-formed call")
}

/// The name and the text of an error reply; empty strings for any other message.
pub(crate) fn error(reply: &Message) -> (String, String) {
    match reply.message_type() {
        Type::Error => {
            let name = reply.header().error_name().expect("a name").to_string();
            (name, reply.body().deserialize().expect("a text"))
        }
        _ => (String::new(), String::new()),
    }
}
