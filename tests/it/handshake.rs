//! Something listens where the bus is expected, and lets nobody in.

use std::{
    io::{Read, Write},
    os::unix::net::UnixListener,
    process::{Child, Command, Stdio},
    thread,
};

use crate::support::{
    bus::Bus,
    home::Home,
    process::{Run, skip},
};

/// A program that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Every command says what is wrong and what helps, and none reads /proc in the place of the service.
#[track_caller]
fn refused(mut command: impl FnMut(&[&str]) -> Command, causes: &[&str]) {
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
        let said = format!("{}{}", run.stdout, run.stderr);
        for cause in causes {
            assert!(said.contains(cause), "{arguments:?}: {said}");
        }
        assert!(!said.contains("in-process"), "{said}");
    }
}

#[test]
fn a_proxy_without_a_bus_is_named() {
    let home = Home::new();
    let [bus, proxy] = ["bus", "proxy"].map(|name| {
        let path = home.dir().join(name);
        format!("unix:path={}", path.display())
    });
    let mut program = home.command("xdg-dbus-proxy");
    let path = home.dir().join("proxy");
    program.args([&*bus, path.to_str().unwrap(), "--fd=1"]);
    let program = program.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut program = Program(program.spawn().expect("apt install xdg-dbus-proxy"));
    // It writes a byte when it listens.
    let mut ready = program.0.stdout.take().unwrap();
    ready.read_exact(&mut [0]).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = home.sampled(arguments);
        command.env("DBUS_SESSION_BUS_ADDRESS", &proxy);
        command
    };
    refused(
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
            let asked = connection.read(&mut [0; 256]);
            assert!(asked.is_ok_and(|bytes| bytes > 0));
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
    let said = r#""HTTP/1.1 400 \u{1b}[31mBad" is no answer of a bus"#;
    refused(command, &[&address, said]);
}

#[test]
fn a_bus_of_another_user_is_named() {
    if !rustix::process::geteuid().is_root() {
        return skip("it becomes the user nobody, which needs root");
    }
    let bus = Bus::new();
    // root is let in everywhere, so it is the other one who comes.
    let open = |path: &std::path::Path, mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(path, mode).unwrap();
    };
    open(bus.dir(), 0o777);
    open(&bus.dir().join("bus"), 0o777);
    let program = bus.dir().join("sampled");
    std::fs::copy(crate::support::home::SAMPLED, &program).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = bus.command("setpriv");
        command
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(&program)
            .args(arguments);
        command
    };
    refused(
        command,
        &["others than user 65534", "as the user whose session it is"],
    );
}
