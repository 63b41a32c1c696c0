//! The socket that zbus is given.

use std::sync::Arc;

use zbus::connection::socket::{Socket, Split};

use super::{Admission, receiver::Receiver, sender::Sender, writer::Writer};
use crate::transport::Stream;

/// The socket that zbus reads and writes.
#[derive(Debug)]
pub(crate) struct AdmissionSocket {
    receiver: Receiver,
    sender: Sender,
}

impl AdmissionSocket {
    pub(super) fn new(
        admission: Arc<Admission>,
        stream: Arc<Stream>,
        writer: Arc<Writer>,
        received: Vec<u8>,
    ) -> Self {
        Self {
            receiver: Receiver::new(admission.clone(), stream, received),
            sender: Sender::new(admission, writer),
        }
    }
}

impl Socket for AdmissionSocket {
    type ReadHalf = Receiver;
    type WriteHalf = Sender;

    fn split(self) -> Split<Receiver, Sender> {
        Split::new(self.receiver, self.sender)
    }
}
