//! A stream on the client's side: records from a pipe.

use std::{
    future::poll_fn,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    unistd::read,
};

use crate::{
    client::{Client, Description},
    error::Error,
    options::{StreamOptions, microseconds},
    runtime::{Registration, timeout},
    signals::Signals,
    wire::INTERFACE,
};

/// The bytes of one read: the default capacity of a pipe.
const BUFFER: usize = 64 * 1024;

/// The time for the reason of the end to arrive. It takes another way than the end of the pipe.
const REASON_TIMEOUT: Duration = Duration::from_secs(2);

/// A stream of records: a session whose frames come through a pipe. It ends with [`stop`](Self::stop), or when it is
/// dropped.
///
/// The columns stay the same to the end. The service drops and counts records for which the pipe has no room; each
/// record that comes is whole.
pub struct RecordStream {
    client: Client,
    signals: Signals,
    columns: Vec<String>,
    pipe: Registration,
    /// Read bytes, of which those before `taken` are returned already.
    bytes: Vec<u8>,
    taken: usize,
}

/// A record of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The moment of reading, in microseconds since the Unix epoch.
    pub timestamp: u64,
    /// A value for each column; NaN stands for a fault or a text.
    pub values: Vec<f64>,
}

impl Client {
    /// Opens a stream: the same readings as a session has, as numbers from a pipe, every millisecond if need be.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`], [`Error::InvalidInterval`], [`Error::LimitExceeded`] (with more
    /// than 511 columns, too). [`Error::Bus`] with the error `NotSupported` if the bus passes no file descriptors.
    pub async fn open(
        &self,
        selectors: &[&str],
        options: StreamOptions,
    ) -> Result<RecordStream, Error> {
        RecordStream::open(self, selectors, &options).await
    }
}

impl RecordStream {
    async fn open(
        client: &Client,
        selectors: &[&str],
        options: &StreamOptions,
    ) -> Result<Self, Error> {
        let client = Client::on(client.bus().another_connection().await?).await?;
        let bus = client.bus();
        let mut signals = bus
            .ask(Signals::listen_for_end(bus.connection(), INTERFACE))
            .await?;
        let proxy = client.proxy().inner();
        let arguments = (selectors, microseconds(options.interval), options.options());
        let reply = bus
            .call(async || proxy.call_method("Open", &arguments).await)
            .await?;
        let (session, columns, pipe): (u32, Vec<String>, zbus::OwnedFd) =
            reply.body().deserialize()?;
        signals.follow(&reply, session);
        let pipe = registered(pipe.into()).map_err(zbus::Error::from)?;
        Ok(Self {
            client,
            signals,
            columns,
            pipe,
            bytes: Vec::new(),
            taken: 0,
        })
    }

    /// The number of the session.
    pub fn id(&self) -> u32 {
        self.signals.session()
    }

    /// The ids of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The next record. Cancel safe: dropping the future loses no record.
    ///
    /// # Errors
    /// [`Error::Ended`], once the session is over or the service is gone, after the last record.
    pub async fn next(&mut self) -> Result<Record, Error> {
        loop {
            if let Some(record) = self.take() {
                return Ok(record);
            }
            self.bytes.drain(..self.taken);
            self.taken = 0;
            let bytes = &mut self.bytes;
            match self.pipe.read(|pipe| receive(pipe, bytes)).await {
                Ok(0) | Err(_) => return Err(self.end().await),
                Ok(_) => {}
            }
        }
    }

    /// Takes the next record from the bytes that were read, if they have a whole one.
    fn take(&mut self) -> Option<Record> {
        let length = self.columns.len().saturating_add(1).saturating_mul(8);
        let rest = self.bytes.get(self.taken..)?;
        let (timestamp, values) = rest.get(..length)?.split_first_chunk()?;
        let values = values.as_chunks().0.iter();
        let record = Record {
            timestamp: u64::from_le_bytes(*timestamp),
            values: values.map(|value| f64::from_le_bytes(*value)).collect(),
        };
        self.taken = self.taken.saturating_add(length);
        Some(record)
    }

    /// The reason of the end, after the end of the pipe.
    async fn end(&mut self) -> Error {
        let signals = &mut self.signals;
        let reason = async {
            loop {
                if let Err(error) = poll_fn(|context| signals.poll(context)).await {
                    return Ok(error);
                }
            }
        };
        let closed = |_| Error::Ended("the service has closed the pipe".to_owned());
        timeout(REASON_TIMEOUT, reason).await.unwrap_or_else(closed)
    }

    /// The texts and faults as of the last record in the pipe: the reasons of NaN.
    ///
    /// # Errors
    /// [`Error::NoSuchSession`], if the session is over.
    pub async fn describe(&self) -> Result<Description, Error> {
        self.client.describe(self.id()).await
    }

    /// The read end of the pipe, which does not block: for a program that waits for it and reads it itself, and never
    /// calls [`next`](Self::next). `F_SETPIPE_SZ` of fcntl(2) gives the pipe another capacity.
    pub fn pipe(&self) -> BorrowedFd<'_> {
        self.pipe.socket().as_fd()
    }

    /// Ends the session.
    ///
    /// # Errors
    /// [`Error::NoSuchSession`], if it is over already.
    pub async fn stop(self) -> Result<(), Error> {
        self.client.stop(self.id()).await
    }
}

/// Registers the read end of a pipe with the runtime.
fn registered(pipe: OwnedFd) -> io::Result<Registration> {
    // The description of this end is nobody else's.
    fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Registration::new(pipe)
}

/// Appends the available bytes. Returns their number, 0 at the end, and whether these were all.
fn receive(pipe: &OwnedFd, bytes: &mut Vec<u8>) -> io::Result<(usize, bool)> {
    let begin = bytes.len();
    bytes.resize(begin.saturating_add(BUFFER), 0);
    let received = read(pipe, bytes.get_mut(begin..).unwrap_or_default());
    bytes.truncate(begin.saturating_add(received.unwrap_or(0)));
    match received {
        Ok(count) => Ok((count, count < BUFFER)),
        Err(Errno::EINTR) => Err(io::ErrorKind::Interrupted.into()),
        Err(error) => Err(error.into()),
    }
}
