//! Messages that the service encodes itself: they are written beside zbus, in turn with its own.

use std::io;

use super::Admission;

impl Admission {
    /// Writes encoded signals.
    ///
    /// # Errors
    /// When the bus is gone.
    pub(crate) async fn send_signals(&self, signals: &[u8]) -> io::Result<()> {
        self.write(signals).await
    }

    /// Writes the encoded reply to a call, if the client waits for it, and counts the call as answered.
    ///
    /// # Errors
    /// When the bus is gone.
    pub(crate) async fn send_reply(
        &self,
        client: &str,
        serial: u32,
        reply: &[u8],
    ) -> io::Result<()> {
        if self.expects_reply(client, serial) {
            self.write(reply).await?;
        }
        self.answered(client, serial, reply.len());
        Ok(())
    }

    /// Waits until the bus has read most of what was written.
    ///
    /// # Errors
    /// When the bus is gone.
    pub(crate) async fn drained(&self) -> io::Result<()> {
        let writer = self.writer.get();
        let writer = writer.ok_or(io::ErrorKind::NotConnected)?;
        writer.drained().await
    }

    async fn write(&self, messages: &[u8]) -> io::Result<()> {
        let writer = self.writer.get();
        let writer = writer.ok_or(io::ErrorKind::NotConnected)?;
        writer.write(messages, &[]).await
    }
}
