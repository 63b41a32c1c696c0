//! A client that writes what it likes, and reads when it likes.

use std::{
    io::{self, IoSlice, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    time::{Duration, Instant},
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::Serialize;
use zbus::{
    DynamicType, Message,
    message::{Builder, Flags},
};

use crate::{
    SAMPLED,
    bus::{Bus, Target, call},
};

/// A connection to the bus, as bytes.
pub(crate) struct Raw {
    socket: UnixStream,
    serial: u32,
}

impl Raw {
    pub(crate) fn connect(bus: &Bus) -> Self {
        Self {
            socket: bus.connect().into_socket(),
            serial: 1000,
        }
    }

    /// Writes it all. What nobody takes within a while is left out, like the attack that it is.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket
            .set_write_timeout(Some(Duration::from_secs(10)))
            .expect("time-out");
        self.socket.write_all(bytes).ok();
    }

    /// Writes the same again and again.
    pub(crate) fn repeat(&mut self, bytes: &[u8], times: usize) {
        let at_once = (256 * 1024 / bytes.len()).clamp(1, times);
        let mut block = Vec::with_capacity(at_once * bytes.len());
        let mut left = times;
        while left > 0 {
            block.clear();
            let now = left.min(at_once);
            for _ in 0..now {
                let at = block.len();
                block.extend_from_slice(bytes);
                // The bus refuses a call with the serial of one that is not answered.
                self.serial += 1;
                block[at + 8..at + 12].copy_from_slice(&self.serial.to_le_bytes());
            }
            self.send(&block);
            left -= now;
        }
    }

    /// The same, while all that comes back is read and thrown away.
    pub(crate) fn repeat_and_read(mut self, bytes: &[u8], times: usize) {
        let mut reader = Self {
            socket: self.socket.try_clone().expect("descriptor"),
            serial: 0,
        };
        let reading = std::thread::spawn(move || reader.read_for(Duration::from_secs(1)));
        self.repeat(bytes, times);
        reading.join().expect("a reader");
    }

    /// Reads until nothing has come for so long, and not longer than an attack lasts.
    pub(crate) fn read_for(&mut self, quiet: Duration) {
        self.socket.set_read_timeout(Some(quiet)).expect("time-out");
        let mut buffer = vec![0; 64 * 1024];
        let end = Instant::now() + Duration::from_secs(10);
        while let Ok(1..) = self.socket.read(&mut buffer)
            && Instant::now() < end
        {}
    }

    /// Writes a message with descriptors.
    pub(crate) fn send_descriptors(&mut self, bytes: &[u8], descriptors: usize) -> io::Result<()> {
        let own = vec![self.socket.as_fd(); descriptors];
        let mut space = vec![std::mem::MaybeUninit::uninit(); 4096];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&own)));
        let slices = [IoSlice::new(bytes)];
        sendmsg(&self.socket, &slices, &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

/// A call of the service.
pub(crate) fn ask<B: Serialize + DynamicType>(method: &str, body: &B) -> Vec<u8> {
    call(SAMPLED, method, body)
}

/// A call of its other interface.
pub(crate) fn ask_processes<B: Serialize + DynamicType>(method: &str, body: &B) -> Vec<u8> {
    let target = Target {
        interface: sampled::wire::PROCESSES_INTERFACE,
        ..SAMPLED
    };
    call(target, method, body)
}

/// A call that expects no reply.
pub(crate) fn tell<B: Serialize + DynamicType>(method: &str, body: &B) -> Vec<u8> {
    let call = Message::method_call(SAMPLED.path, method).with_flags(Flags::NO_REPLY_EXPECTED);
    finish(call, body)
}

pub(crate) fn finish<B: Serialize + DynamicType>(message: Builder<'_>, body: &B) -> Vec<u8> {
    let message = message.destination(SAMPLED.name);
    let is_call = message.clone().interface(SAMPLED.interface);
    let message = is_call.build(body).expect("it is well formed");
    message.data().to_vec()
}
