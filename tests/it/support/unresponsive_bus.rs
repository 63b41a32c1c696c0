//! A bus that stops answering: before the handshake, or after `Hello`.

use std::{
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use zbus::Message;

use crate::support::process::DEADLINE;

/// A listening socket. It listens until the test process ends.
pub(crate) struct UnresponsiveBus {
    address: String,
    received: Receiver<()>,
}

impl UnresponsiveBus {
    /// A bus that accepts connections, and reads and writes nothing.
    pub(crate) fn without_handshake(path: &Path) -> Self {
        Self::listen(path, |connection, _| {
            // The connection stays open.
            std::mem::forget(connection);
        })
    }

    /// A bus that answers the handshake and `Hello`, and reads all later messages without a reply.
    pub(crate) fn after_hello(path: &Path) -> Self {
        Self::listen(path, |mut connection, received| {
            if answer_hello(&mut connection).is_some() {
                while matches!(connection.read(&mut [0; 4096]), Ok(1..)) {
                    received.send(()).ok();
                }
            }
        })
    }

    /// Waits for a message after `Hello`.
    pub(crate) fn wait_for_message(&self) {
        self.received.recv_timeout(DEADLINE).expect("a message");
    }

    /// DBUS_SESSION_BUS_ADDRESS.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn listen(path: &Path, serve: fn(UnixStream, Sender<()>)) -> Self {
        let listener = UnixListener::bind(path).expect("a socket");
        let (sender, received) = channel();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let sender = sender.clone();
                thread::spawn(move || serve(connection, sender));
            }
        });
        Self {
            address: format!("unix:path={}", path.display()),
            received,
        }
    }
}

/// Answers the handshake and `Hello`. `None` if the client has left.
pub(super) fn answer_hello(connection: &mut UnixStream) -> Option<()> {
    loop {
        let line = read_line(connection)?;
        let answer = match line.trim_start_matches('\0').split(' ').next()? {
            "AUTH" => "OK 0123456789abcdef0123456789abcdef\r\n",
            "NEGOTIATE_UNIX_FD" => "AGREE_UNIX_FD\r\n",
            _ => break,
        };
        connection.write_all(answer.as_bytes()).ok()?;
    }
    let mut header = [0; 16];
    connection.read_exact(&mut header).ok()?;
    let number = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four"));
    let rest = number(12).next_multiple_of(8) + number(4);
    let mut rest = vec![0; rest as usize];
    connection.read_exact(&mut rest).ok()?;
    let hello = Message::method_call("/org/freedesktop/DBus", "Hello");
    let hello = hello.serial(number(8).try_into().ok()?).build(&()).ok()?;
    let reply = Message::method_return(&hello.header())
        .build(&":1.1")
        .ok()?;
    connection.write_all(reply.data()).ok()
}

fn read_line(connection: &mut UnixStream) -> Option<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).ok()?;
        line.extend(byte);
    }
    String::from_utf8(line)
        .ok()
        .map(|line| line.trim_end().to_owned())
}
