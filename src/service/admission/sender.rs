//! The half of the socket that zbus writes: it counts each reply, and writes many messages at once.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    slice,
    sync::Arc,
};

use zbus::{
    Message, connection::socket::WriteHalf, export::async_trait::async_trait, message::Type,
    names::BusName,
};

use super::{Admission, writer::Writer};

/// The writing half.
#[derive(Debug)]
pub(crate) struct Sender {
    admission: Arc<Admission>,
    writer: Arc<Writer>,
}

impl Sender {
    pub(super) fn new(admission: Arc<Admission>, writer: Arc<Writer>) -> Self {
        Self { admission, writer }
    }

    /// Writes messages. Only the first may carry descriptors.
    async fn write(&self, messages: &[&Message]) -> io::Result<()> {
        let descriptors = messages.first().map(|message| message.data().fds());
        let descriptors = descriptors.unwrap_or_default().iter();
        let descriptors: Vec<BorrowedFd<'_>> =
            descriptors.map(|descriptor| descriptor.as_fd()).collect();
        if let [message] = messages {
            return self.writer.write(message.data(), &descriptors).await;
        }
        let bytes: Vec<&[u8]> = messages.iter().map(|message| &**message.data()).collect();
        self.writer.write(&bytes.concat(), &descriptors).await
    }

    /// Whether a message is to be written. Records a call of the service itself, whose reply will arrive.
    fn should_send(&self, message: &Message) -> bool {
        match message.message_type() {
            Type::Signal => true,
            Type::MethodCall => {
                if let Some(callee) = message.header().destination() {
                    let serial = message.primary_header().serial_num().get();
                    self.admission.record_own_call(serial, callee.as_str());
                }
                true
            }
            Type::MethodReturn | Type::Error => {
                let header = message.header();
                if self
                    .admission
                    .is_refusal(message.primary_header().serial_num().get())
                {
                    return true;
                }
                match (header.destination(), header.reply_serial()) {
                    (Some(BusName::Unique(client)), Some(serial)) => {
                        let expects_reply = self.admission.expects_reply(client, serial.get());
                        if expects_reply && !message.data().fds().is_empty() {
                            let own = message.primary_header().serial_num().get();
                            self.admission
                                .record_descriptor_reply(own, client, serial.get());
                        }
                        expects_reply
                    }
                    _ => true,
                }
            }
        }
    }

    /// Counts the call that a message answers as answered.
    fn count_reply(&self, message: &Message) {
        let own = message.primary_header().serial_num().get();
        if message.message_type() == Type::Signal || self.admission.is_refusal(own) {
            return;
        }
        let header = message.header();
        if let (Some(BusName::Unique(client)), Some(serial)) =
            (header.destination(), header.reply_serial())
        {
            let bytes = message.data().len();
            self.admission.answered(client, serial.get(), bytes);
        }
    }
}

#[async_trait]
impl WriteHalf for Sender {
    async fn send_message(&mut self, message: &Message) -> zbus::Result<()> {
        self.send_messages(slice::from_ref(message)).await
    }

    async fn send_messages(&mut self, messages: &[Message]) -> zbus::Result<()> {
        let wanted: Vec<_> = messages
            .iter()
            .filter(|message| self.should_send(message))
            .collect();
        // A message with descriptors starts a new write.
        for group in wanted.chunk_by(|_, next| next.data().fds().is_empty()) {
            self.write(group).await?;
        }
        for message in messages {
            self.count_reply(message);
        }
        Ok(())
    }

    async fn close(&mut self) -> io::Result<()> {
        self.writer.shut_down()
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}
