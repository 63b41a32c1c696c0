//! A private bus, and clients that cost as little as possible.
//!
//! The clients write prepared bytes to a blocking socket and parse only the lengths of the replies, so that the service
//! and the bus are measured. With zbus in the client, the client would make up a third of the cost of a call.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde::Serialize;
use tempfile::TempDir;
use zbus::{DynamicType, Message};

use crate::process::Process;

/// A private dbus-daemon with a home of its own.
pub(crate) struct Bus {
    daemon: Child,
    dir: TempDir,
}

/// A service that the bus can start: its name, its object, its interface.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) interface: &'static str,
}

/// The bus itself.
const BUS: Target = Target {
    name: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
};

impl Bus {
    /// A bus that activates these services by their command lines.
    pub(crate) fn activating(services: &[(Target, String)]) -> Self {
        let dir = TempDir::new().expect("temporary directory");
        let files = dir.path().join("data/dbus-1/services");
        fs::create_dir_all(&files).expect("directory");
        for (target, exec) in services {
            let name = target.name;
            let text = format!("[D-BUS Service]\nName={name}\nExec={exec}\n");
            fs::write(files.join(format!("{name}.service")), text).expect("activation file");
        }
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .arg(format!("--address=unix:path={}", socket(&dir).display()))
            .env("XDG_DATA_HOME", dir.path().join("data"))
            .env("XDG_DATA_DIRS", dir.path().join("share"))
            .env("XDG_CONFIG_HOME", dir.path().join("config"))
            .env("XDG_RUNTIME_DIR", dir.path())
            .env("HOME", dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is installed");
        // dbus-daemon prints its address once it listens.
        let stdout = daemon.stdout.take().expect("stdout is a pipe");
        let mut address = String::new();
        BufReader::new(stdout)
            .read_line(&mut address)
            .expect("address");
        Self { daemon, dir }
    }

    /// The address of the bus.
    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", socket(&self.dir).display())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.daemon.id()
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(&socket(&self.dir))
    }

    /// XDG_RUNTIME_DIR of the services.
    pub(crate) fn runtime(&self) -> std::path::PathBuf {
        self.dir.path().to_owned()
    }

    /// XDG_CONFIG_HOME of the services.
    pub(crate) fn config(&self) -> std::path::PathBuf {
        self.dir.path().join("config")
    }
}

fn socket(dir: &TempDir) -> std::path::PathBuf {
    dir.path().join("bus")
}

impl Drop for Bus {
    fn drop(&mut self) {
        // The services end when the bus has ended.
        self.daemon.kill().ok();
        self.daemon.wait().ok();
    }
}

/// A connection of a client.
pub(crate) struct Client {
    socket: UnixStream,
    buffer: Vec<u8>,
}

/// A message from the bus: all of it, its type, its header fields and its body.
pub(crate) struct Incoming<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) kind: u8,
    pub(crate) header: &'a [u8],
    pub(crate) body: &'a [u8],
}

const CALL: u8 = 1;
const ERROR: u8 = 3;
pub(crate) const SIGNAL: u8 = 4;

impl Client {
    fn connect(path: &Path) -> Self {
        let mut socket = UnixStream::connect(path).expect("the bus listens");
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("timeout");
        let uid = nix::unistd::geteuid().to_string();
        let uid: String = uid.bytes().map(|byte| format!("{byte:02x}")).collect();
        write!(socket, "\0AUTH EXTERNAL {uid}\r\n").expect("write");
        let mut answer = [0; 256];
        let length = socket.read(&mut answer).expect("answer");
        assert!(answer[..length].starts_with(b"OK "), "the bus accepts us");
        write!(socket, "BEGIN\r\n").expect("write");
        let mut client = Self {
            socket,
            buffer: vec![0; 256 * 1024],
        };
        client.call(&call(BUS, "Hello", &()));
        client
    }

    /// Sends a call, and does not wait for its reply.
    pub(crate) fn send(&mut self, call: &[u8]) {
        self.socket.write_all(call).expect("write");
    }

    /// Sends a call and waits for its reply. Signals before the reply are dropped.
    pub(crate) fn call(&mut self, call: &[u8]) -> Incoming<'_> {
        self.send(call);
        let mut length;
        loop {
            length = self.receive().expect("a message in time");
            if self.buffer[1] != SIGNAL {
                break;
            }
        }
        let incoming = self.incoming(length);
        assert!(
            incoming.kind != ERROR,
            "{}",
            String::from_utf8_lossy(incoming.body)
        );
        incoming
    }

    /// Owns a name, and answers each call with the bytes of this reply, on a thread of its own until the bus ends. That
    /// is the cost of the bus alone.
    pub(crate) fn replay(mut self, name: &str, mut reply: Vec<u8>) {
        let claim = call(BUS, "RequestName", &(name, 0_u32));
        self.call(&claim);
        self.socket.set_read_timeout(None).expect("no timeout");
        // The header field 5 is the serial of the call, a u32.
        let field = reply.windows(4).position(|bytes| bytes == b"\x05\x01u\0");
        let at = field.expect("it is a reply") + 4;
        thread::spawn(move || {
            while let Ok(length) = self.receive() {
                if self.incoming(length).kind == CALL {
                    reply[at..at + 4].copy_from_slice(&self.buffer[8..12]);
                    if self.socket.write_all(&reply).is_err() {
                        return;
                    }
                }
            }
        });
    }

    /// The socket of the connection.
    pub(crate) fn into_socket(self) -> UnixStream {
        self.socket
    }

    /// Waits for the next message of any type.
    pub(crate) fn next(&mut self) -> Incoming<'_> {
        let length = self.receive().expect("a message in time");
        self.incoming(length)
    }

    fn receive(&mut self) -> io::Result<usize> {
        self.socket.read_exact(&mut self.buffer[..16])?;
        let length = 16 + padded(self.number(12)) + self.number(4);
        if length > self.buffer.len() {
            self.buffer.resize(length, 0);
        }
        self.socket.read_exact(&mut self.buffer[16..length])?;
        Ok(length)
    }

    fn incoming(&self, length: usize) -> Incoming<'_> {
        let body = 16 + padded(self.number(12));
        Incoming {
            bytes: &self.buffer[..length],
            kind: self.buffer[1],
            header: &self.buffer[16..body],
            body: &self.buffer[body..length],
        }
    }

    fn number(&self, at: usize) -> usize {
        u32::from_le_bytes(self.buffer[at..at + 4].try_into().expect("four bytes")) as usize
    }

    /// The process that owns this name.
    pub(crate) fn owner(&mut self, target: Target) -> Process {
        let reply = self.call(&call(BUS, "GetConnectionUnixProcessID", &target.name));
        let pid = u32::from_le_bytes(reply.body.try_into().expect("a number"));
        Process::open(pid)
    }

    /// Ends the service by its method `Quit`, and waits until its name has no owner. Then it has left its history.
    pub(crate) fn quit(&mut self, target: Target) {
        self.call(&call(target, "Quit", &()));
        let has_owner = call(BUS, "NameHasOwner", &target.name);
        while self.call(&has_owner).body[0] != 0 {}
    }

    /// Kills the service, and waits until the process has ended and its name has no owner.
    pub(crate) fn end(&mut self, target: Target) {
        self.owner(target).kill();
        let has_owner = call(BUS, "NameHasOwner", &target.name);
        while self.call(&has_owner).body[0] != 0 {}
    }
}

/// A method call in the wire format.
pub(crate) fn call<B: Serialize + DynamicType>(target: Target, method: &str, body: &B) -> Vec<u8> {
    let (name, path, interface) = (target.name, target.path, target.interface);
    let message = Message::method_call(path, method)
        .destination(name)
        .interface(interface)
        .build(body);
    message.expect("a well-formed call").data().to_vec()
}

/// `Ping`, which the D-Bus library of every service answers.
pub(crate) fn ping(target: Target) -> Vec<u8> {
    let peer = Target {
        interface: "org.freedesktop.DBus.Peer",
        ..target
    };
    call(peer, "Ping", &())
}

fn padded(length: usize) -> usize {
    length.next_multiple_of(8)
}
