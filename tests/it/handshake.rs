//! A server at the address of the bus that completes no handshake, or not every one.

use std::{
    io::{self, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::support::{
    bus::Bus,
    home::{Home, SAMPLED, copy_program},
    process::{Run, skip},
};

/// A child process that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Checks that every command fails with these causes and remedies, and that none reads /proc in-process.
#[track_caller]
fn check_failures(mut command: impl FnMut(&[&str]) -> Command, causes: &[&str]) {
    for (arguments, code) in [
        (&["sample", "cpu/all/usage"][..], 1),
        (&["list"], 1),
        (&["ps"], 1),
        (&["serve"], 1),
        (&["start"], 1),
        (&["stop"], 1),
        (&["status"], 4),
    ] {
        let run = Run::of(&mut command(arguments));
        assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
        let output = format!("{}{}", run.stdout, run.stderr);
        for cause in causes {
            assert!(output.contains(cause), "{arguments:?}: {output}");
        }
        assert!(!output.contains("in-process"), "{output}");
    }
}

#[test]
fn a_proxy_whose_bus_has_ended_is_named() {
    let home = Home::new();
    let [bus, proxy] = ["bus", "proxy"].map(|name| {
        let path = home.dir().join(name);
        format!("unix:path={}", path.display())
    });
    let mut program = home.command("xdg-dbus-proxy");
    let path = home.dir().join("proxy");
    program.args([&*bus, path.to_str().unwrap(), "--fd=1"]);
    let program = program.stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(program) = program.spawn() else {
        return skip("xdg-dbus-proxy is not installed");
    };
    let mut program = Program(program);
    // It writes a byte when it listens.
    let mut ready = program.0.stdout.take().unwrap();
    ready.read_exact(&mut [0]).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = home.sampled(arguments);
        command.env("DBUS_SESSION_BUS_ADDRESS", &proxy);
        command
    };
    check_failures(
        command,
        &[&proxy, "the connection was closed", "start the proxy again"],
    );
}

#[test]
fn a_server_of_another_protocol_is_named() {
    let home = Home::new();
    let path = home.dir().join("web");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let request = connection.read(&mut [0; 256]);
            assert!(request.is_ok_and(|bytes| bytes > 0));
            connection
                .write_all(b"HTTP/1.1 400 \x1b[31mBad\r\n\r\n")
                .ok();
        }
    });
    let address = format!("unix:path={}", path.display());
    let command = |arguments: &[&str]| {
        let mut command = home.sampled(arguments);
        command.env("DBUS_SESSION_BUS_ADDRESS", &address);
        command
    };
    let cause = r#""HTTP/1.1 400 \u{1b}[31mBad" is no answer of a bus"#;
    check_failures(command, &[&address, cause]);
    let remedy = Run::of(&mut command(&["doctor"])).stdout;
    assert!(
        remedy.contains("take that of a running bus, or unset it"),
        "{remedy}"
    );
}

#[test]
fn a_bus_of_another_user_is_named() {
    if !rustix::process::geteuid().is_root() {
        return skip("it becomes the user nobody, which needs root");
    }
    let bus = Bus::new();
    // A bus lets root in, so the client is another user.
    let allow = |path: &std::path::Path, mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(path, mode).unwrap();
    };
    allow(bus.dir(), 0o777);
    allow(&bus.dir().join("bus"), 0o777);
    let program = bus.dir().join("sampled");
    copy_program(std::path::Path::new(SAMPLED), &program);
    let command = |arguments: &[&str]| {
        let mut command = bus.command("setpriv");
        command
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(&program)
            .args(arguments);
        command
    };
    check_failures(
        command,
        &["others than user 65534", "as the user whose session it is"],
    );
}

/// Passes the bytes of a client on to the bus, unless the first write holds the whole handshake.
fn relay_in_turn(mut client: UnixStream, bus: &Path, refused: &AtomicUsize) {
    let mut first = [0; 4096];
    let length = client.read(&mut first).unwrap();
    let first = &first[..length];
    if first.windows(5).any(|bytes| bytes == b"BEGIN") {
        refused.fetch_add(1, Ordering::SeqCst);
        return;
    }
    let mut bus = UnixStream::connect(bus).unwrap();
    bus.write_all(first).unwrap();
    let (mut requests, mut to_bus) = (client.try_clone().unwrap(), bus.try_clone().unwrap());
    thread::spawn(move || io::copy(&mut requests, &mut to_bus));
    thread::spawn(move || io::copy(&mut bus, &mut client));
}

#[test]
fn a_service_that_the_bus_starts_shakes_hands_in_turn_if_it_has_to() {
    let bus = Bus::new();
    let path = bus.dir().join("relay");
    let listener = UnixListener::bind(&path).unwrap();
    let (socket, refused) = (bus.dir().join("bus"), Arc::new(AtomicUsize::new(0)));
    let count = refused.clone();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            relay_in_turn(client, &socket, &count);
        }
    });
    let mut serve = bus.sampled(&["serve"]);
    serve.env(
        "DBUS_STARTER_ADDRESS",
        format!("unix:path={}", path.display()),
    );
    let _serve = Program(serve.spawn().unwrap());
    bus.block_on(bus.owned());
    assert_eq!(refused.load(Ordering::SeqCst), 1);
}
