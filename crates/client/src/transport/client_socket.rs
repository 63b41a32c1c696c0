//! The socket of a client for zbus, without admission.

use std::{
    io::{self, IoSlice},
    os::fd::{BorrowedFd, OwnedFd},
    sync::Arc,
};

use zbus::{
    connection::socket::{ReadHalf, Socket, Split, WriteHalf},
    export::async_trait::async_trait,
};

use super::stream::Stream;

/// A socket after the handshake.
#[derive(Debug)]
pub(super) struct ClientSocket {
    stream: Arc<Stream>,
    received: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Reader(ClientSocket);

#[derive(Debug)]
pub(super) struct Writer(Arc<Stream>);

impl ClientSocket {
    /// A socket from which these bytes were received already.
    pub(super) fn new(stream: Stream, received: Vec<u8>) -> Self {
        let stream = Arc::new(stream);
        Self { stream, received }
    }
}

impl Socket for ClientSocket {
    type ReadHalf = Reader;
    type WriteHalf = Writer;

    fn split(self) -> Split<Reader, Writer> {
        let writer = Writer(self.stream.clone());
        Split::new(Reader(self), writer)
    }
}

#[async_trait]
impl ReadHalf for Reader {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        let ClientSocket { stream, received } = &mut self.0;
        let mut descriptors = Vec::new();
        if received.is_empty() {
            let read = stream.receive(buffer, &mut descriptors).await?;
            return Ok((read, descriptors));
        }
        let taken = received.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(received.drain(..taken)) {
            *to = from;
        }
        Ok((taken, descriptors))
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}

#[async_trait]
impl WriteHalf for Writer {
    async fn sendmsg(
        &mut self,
        buffer: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<usize> {
        self.0.send(&[IoSlice::new(buffer)], descriptors).await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.0.shut_down()
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}
