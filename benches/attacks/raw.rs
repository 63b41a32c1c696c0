//! A client that writes any bytes, and reads only when the attack does.

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

/// A connection to the bus, without a library.
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

    /// Writes these bytes. If the bus does not take them within ten seconds, the rest is left out.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket
            .set_write_timeout(Some(Duration::from_secs(10)))
            .expect("timeout");
        self.socket.write_all(bytes).ok();
    }

    /// Writes a message this many times, with serials of its own.
    pub(crate) fn repeat(&mut self, bytes: &[u8], times: usize) {
        let per_block = (256 * 1024 / bytes.len()).clamp(1, times);
        let mut block = Vec::with_capacity(per_block * bytes.len());
        let mut left = times;
        while left > 0 {
            block.clear();
            let count = left.min(per_block);
            for _ in 0..count {
                let at = block.len();
                block.extend_from_slice(bytes);
                // The bus refuses a call with the serial of one that is not answered.
                self.serial += 1;
                block[at + 8..at + 12].copy_from_slice(&self.serial.to_le_bytes());
            }
            self.send(&block);
            left -= count;
        }
    }

    /// Like [`Self::repeat`], while another thread reads all replies.
    pub(crate) fn repeat_and_read(mut self, bytes: &[u8], times: usize) {
        let mut reader = Self {
            socket: self.socket.try_clone().expect("descriptor"),
            serial: 0,
        };
        let reading = std::thread::spawn(move || reader.read_for(Duration::from_secs(1)));
        self.repeat(bytes, times);
        reading.join().expect("a reader");
    }

    /// Reads until nothing has arrived for the time `quiet`, at most for ten seconds.
    pub(crate) fn read_for(&mut self, quiet: Duration) {
        self.socket.set_read_timeout(Some(quiet)).expect("timeout");
        let mut buffer = vec![0; 64 * 1024];
        let end = Instant::now() + Duration::from_secs(10);
        while let Ok(1..) = self.socket.read(&mut buffer)
            && Instant::now() < end
        {}
    }

    /// Writes a message with descriptors.
    pub(crate) fn send_descriptors(&mut self, bytes: &[u8], descriptors: usize) -> io::Result<()> {
        let fds = vec![self.socket.as_fd(); descriptors];
        let mut space = vec![std::mem::MaybeUninit::uninit(); 4096];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
        let slices = [IoSlice::new(bytes)];
        sendmsg(&self.socket, &slices, &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

/// A call of a method of the service.
pub(crate) fn sampler_call<B: Serialize + DynamicType>(method: &str, body: &B) -> Vec<u8> {
    call(SAMPLED, method, body)
}

/// A call of a method of its interface `Processes1`.
pub(crate) fn processes_call<B: Serialize + DynamicType>(method: &str, body: &B) -> Vec<u8> {
    let target = Target {
        interface: sampled::wire::PROCESSES_INTERFACE,
        ..SAMPLED
    };
    call(target, method, body)
}

/// A call of the service that expects no reply.
pub(crate) fn no_reply_call<B: Serialize + DynamicType>(method: &str, body: &B) -> Vec<u8> {
    let call = Message::method_call(SAMPLED.path, method).with_flags(Flags::NO_REPLY_EXPECTED);
    finish(call, body)
}

/// Adds the destination, the interface and the body of a call to the service.
pub(crate) fn finish<B: Serialize + DynamicType>(message: Builder<'_>, body: &B) -> Vec<u8> {
    let message = message.destination(SAMPLED.name);
    let message = message.interface(SAMPLED.interface);
    let message = message.build(body).expect("a well-formed call");
    message.data().to_vec()
}
