//! A bus that says nothing, from its first byte on or once it has let somebody in.

use std::{
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use zbus::Message;

use crate::support::process::DEADLINE;

/// A socket at which somebody listens, for as long as the test runs.
pub(crate) struct UnresponsiveBus {
    address: String,
    asked: Receiver<()>,
}

impl UnresponsiveBus {
    /// It accepts connections, and reads and writes nothing.
    pub(crate) fn at(path: &Path) -> Self {
        Self::listen(path, |connection, _| {
            // It is kept open.
            std::mem::forget(connection);
        })
    }

    /// It lets everybody in, answers `Hello`, and reads what comes then without a word.
    pub(crate) fn behind_hello(path: &Path) -> Self {
        Self::listen(path, |mut connection, asked| {
            if let_in(&mut connection).is_some() {
                while matches!(connection.read(&mut [0; 4096]), Ok(1..)) {
                    asked.send(()).ok();
                }
            }
        })
    }

    /// Waits until somebody who was let in waits for an answer.
    pub(crate) fn is_asked(&self) {
        self.asked.recv_timeout(DEADLINE).expect("a question");
    }

    /// DBUS_SESSION_BUS_ADDRESS.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn listen(path: &Path, serve: fn(UnixStream, Sender<()>)) -> Self {
        let listener = UnixListener::bind(path).expect("a socket");
        let (ask, asked) = channel();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let ask = ask.clone();
                thread::spawn(move || serve(connection, ask));
            }
        });
        Self {
            address: format!("unix:path={}", path.display()),
            asked,
        }
    }
}

/// The side of the bus, of the handshake and of `Hello`. None where the client has left.
fn let_in(connection: &mut UnixStream) -> Option<()> {
    loop {
        let line = line(connection)?;
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

fn line(connection: &mut UnixStream) -> Option<String> {
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
