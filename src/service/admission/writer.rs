//! Writes to the socket: the messages of zbus, and those that the service encodes itself.

use std::{
    io::{self, IoSlice},
    os::fd::BorrowedFd,
    sync::Arc,
};

use tokio::sync::Mutex;

use crate::transport::Stream;

/// The writing side of the socket. One writer at a time has its turn.
#[derive(Debug)]
pub(super) struct Writer {
    stream: Arc<Stream>,
    /// The rest of messages that were written in part. It has to be written first: the bus could not parse anything
    /// else.
    unsent: Mutex<Unsent>,
}

/// Bytes of which the first ones are sent.
#[derive(Debug, Default)]
struct Unsent {
    bytes: Vec<u8>,
    /// The number of bytes that are sent. They stay until all are sent: moving the rest of a long message after each part
    /// of it would take longer than sending it.
    sent: usize,
}

impl Writer {
    pub(super) fn new(stream: Arc<Stream>) -> Self {
        Self {
            stream,
            unsent: Mutex::default(),
        }
    }

    /// Writes encoded messages, and passes descriptors with the first. If the caller is cancelled in between, the rest
    /// is written before the next messages.
    pub(super) async fn write(
        &self,
        mut bytes: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let mut unsent = self.unsent.lock().await;
        self.write_rest(&mut unsent).await?;
        let mut descriptors = descriptors;
        while !bytes.is_empty() {
            let sent = self.stream.send(&[IoSlice::new(bytes)], descriptors)?;
            match sent {
                Some(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                // Nothing is sent yet, so that the messages need not be kept.
                None if !descriptors.is_empty() => {
                    self.stream.writable().await?;
                    continue;
                }
                None => {
                    unsent.bytes.extend_from_slice(bytes);
                    return self.write_rest(&mut unsent).await;
                }
            }
            descriptors = &[];
        }
        Ok(())
    }

    async fn write_rest(&self, unsent: &mut Unsent) -> io::Result<()> {
        while let Some(rest) = unsent.bytes.get(unsent.sent..)
            && !rest.is_empty()
        {
            match self.stream.send(&[IoSlice::new(rest)], &[])? {
                Some(sent) => unsent.sent = unsent.sent.saturating_add(sent),
                None => self.stream.writable().await?,
            }
        }
        *unsent = Unsent::default();
        Ok(())
    }

    /// Waits until the bus has read most of what was written.
    pub(super) async fn drained(&self) -> io::Result<()> {
        self.stream.drained().await
    }

    /// Ends the connection in both directions.
    pub(super) fn shut_down(&self) -> io::Result<()> {
        self.stream.shut_down()
    }
}
