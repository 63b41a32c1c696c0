//! sd_notify(3), with the test as the service manager.

use std::fs::File;
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Child;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

use super::support::*;

/// The socket of a service manager, and the daemon that it starts.
struct Manager {
    fixture: Fixture,
    socket: UnixDatagram,
    address: String,
}

impl Manager {
    fn new() -> Self {
        let fixture = Fixture::new();
        let path = fixture.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let address = path.display().to_string();
        Self {
            fixture,
            socket,
            address,
        }
    }

    fn run(&self, script: &str) -> Child {
        let mut shell = self.fixture.command("sh");
        shell
            .args(["-c", script])
            .env("NOTIFY_SOCKET", &self.address)
            .spawn()
            .unwrap()
    }

    fn receive(&self) -> String {
        let mut buffer = [0; 1000];
        let length = self.socket.recv(&mut buffer).expect("a message in time");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// A message and its descriptors.
    #[allow(unsafe_code, reason = "the descriptors are known by number")]
    fn receive_with_fds(&self) -> (String, Vec<OwnedFd>) {
        let mut buffer = [0; 1000];
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let mut control = nix::cmsg_space!([i32; 4]);
        let received = recvmsg::<()>(
            self.socket.as_raw_fd(),
            &mut parts,
            Some(&mut control),
            MsgFlags::MSG_CMSG_CLOEXEC,
        )
        .expect("a message in time");
        let mut fds = Vec::new();
        for message in received.cmsgs().unwrap() {
            if let ControlMessageOwned::ScmRights(numbers) = message {
                // SAFETY: the kernel has just opened them for this message.
                fds.extend(
                    numbers
                        .into_iter()
                        .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }),
                );
            }
        }
        let length = received.bytes;
        (String::from_utf8(buffer[..length].to_vec()).unwrap(), fds)
    }

    /// The messages that are left after the end of the daemon.
    fn receive_all(&self) -> Vec<String> {
        self.socket.set_nonblocking(true).unwrap();
        let mut buffer = [0; 1000];
        let next = || {
            self.socket
                .recv(&mut buffer)
                .ok()
                .map(|length| String::from_utf8_lossy(&buffer[..length]).into())
        };
        std::iter::from_fn(next).collect()
    }
}

#[test]
fn each_message_is_sent_once() {
    let manager = Manager::new();
    let daemon = manager.run("exec $M run");
    let pid = daemon.id() as i32;
    assert_eq!(manager.receive(), "READY=1");
    kill(pid, Signal::SIGHUP);
    let reloading = manager.receive();
    let time = reloading
        .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
        .expect(&reloading);
    assert!(time.parse::<u64>().unwrap() > 0);
    assert_eq!(manager.receive(), "READY=1");
    kill(pid, Signal::SIGTERM);
    assert_eq!(finish(daemon).code, Some(0));
    assert_eq!(manager.receive_all(), ["STOPPING=1"]);
}

#[test]
fn a_longer_start_another_process_and_stored_descriptors_are_reported() {
    let manager = Manager::new();
    let stored = manager.fixture.path("stored");
    std::fs::write(&stored, "kept").unwrap();
    let script = format!(
        "exec $M --extend 1.5 --store {} --main-pid 77 run",
        stored.display()
    );
    let daemon = manager.run(&script);
    assert_eq!(manager.receive(), "EXTEND_TIMEOUT_USEC=1500000");
    let (message, mut fds) = manager.receive_with_fds();
    assert_eq!(message, "FDSTORE=1\nFDNAME=stored");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut File::from(fds.pop().unwrap()), &mut text).unwrap();
    assert_eq!((text.as_str(), fds.len()), ("kept", 0));
    assert_eq!(manager.receive(), "MAINPID=77");
    assert_eq!(manager.receive(), "READY=1");
    kill(daemon.id() as i32, Signal::SIGTERM);
    assert_eq!(finish(daemon).code, Some(0));
}

#[test]
fn the_daemon_waits_at_its_barrier() {
    let manager = Manager::new();
    let daemon = manager.run("exec $M --barrier 20 run");
    assert_eq!(manager.receive(), "READY=1");
    let process = open_process(daemon.id() as i32);
    kill(daemon.id() as i32, Signal::SIGTERM);
    assert_eq!(manager.receive(), "STOPPING=1");
    let (message, fds) = manager.receive_with_fds();
    assert_eq!((message.as_str(), fds.len()), ("BARRIER=1", 1));
    // Waiting is no event: the test can only see that the daemon has not ended.
    assert!(!ends_within(&process, Duration::from_millis(50)));
    drop(fds);
    assert_eq!(finish(daemon).code, Some(0));

    let daemon = manager.run("exec $M --barrier 0.2 run");
    assert_eq!(manager.receive(), "READY=1");
    kill(daemon.id() as i32, Signal::SIGTERM);
    assert_eq!(manager.receive(), "STOPPING=1");
    let (_, _unanswered) = manager.receive_with_fds();
    let output = finish(daemon);
    let error = "mydaemon: the supervisor has not processed the messages after 200ms\n";
    assert_eq!((output.code, output.err.as_str()), (Some(1), error));
}

#[test]
fn an_abstract_socket_gets_the_messages() {
    let mut manager = Manager::new();
    let name = format!("sampled-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    manager.socket = UnixDatagram::bind_addr(&address).unwrap();
    manager.socket.set_read_timeout(Some(DEADLINE)).unwrap();
    manager.address = format!("@{name}");
    let mut daemon = manager.run("exec $M run");
    assert_eq!(manager.receive(), "READY=1");
    kill(daemon.id() as i32, Signal::SIGTERM);
    assert_eq!(manager.receive(), "STOPPING=1");
    daemon.wait().unwrap();
}

#[test]
fn the_watchdog_of_this_process_gets_messages() {
    for ours in ["WATCHDOG_USEC=20000", "WATCHDOG_USEC=20000 WATCHDOG_PID=$$"] {
        let manager = Manager::new();
        let mut daemon = manager.run(&format!("export {ours}; exec $M run"));
        assert_eq!(manager.receive(), "READY=1");
        assert_eq!(manager.receive(), "WATCHDOG=1");
        assert_eq!(manager.receive(), "WATCHDOG=1");
        kill(daemon.id() as i32, Signal::SIGTERM);
        daemon.wait().unwrap();
    }
}

#[test]
fn the_watchdog_of_another_process_gets_none() {
    let watchdogs = [
        "WATCHDOG_USEC=1000 WATCHDOG_PID=1",
        "WATCHDOG_USEC=0",
        "WATCHDOG_USEC=soon",
    ];
    for theirs in watchdogs {
        let manager = Manager::new();
        let mut daemon = manager.run(&format!("export {theirs}; exec $M run"));
        assert_eq!(manager.receive(), "READY=1");
        // Silence is no event: within this time a watchdog of 1 ms would have got a hundred messages.
        manager
            .socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        assert!(manager.socket.recv(&mut [0; 100]).is_err(), "{theirs}");
        kill(daemon.id() as i32, Signal::SIGTERM);
        daemon.wait().unwrap();
    }
}

#[test]
fn children_do_not_inherit_the_notify_socket() {
    let manager = Manager::new();
    let empty = r#"test -z "$NOTIFY_SOCKET$WATCHDOG_USEC$LISTEN_FDS$LISTEN_FDNAMES""#;
    let daemon = manager.run(&format!(
        "export WATCHDOG_USEC=90000000 LISTEN_FDS=1 LISTEN_FDNAMES=x; exec $M --check '{empty}' run"
    ));
    assert_eq!(manager.receive(), "READY=1");
    kill(daemon.id() as i32, Signal::SIGTERM);
    assert_eq!(finish(daemon).code, Some(0));
}

#[test]
fn an_address_of_another_kind_is_refused() {
    let mut manager = Manager::new();
    manager.address = "vsock:2:1234".to_owned();
    let output = finish(manager.run("exec $M run"));
    assert_eq!(output.code, Some(1));
    assert!(
        output
            .err
            .contains("vsock:2:1234: is neither an absolute path nor an abstract socket"),
        "{output:?}"
    );
}
