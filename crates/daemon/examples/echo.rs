//! An echo server on port 7, which only root may bind: it serves as the user nobody and logs to a file.
//!
//! ```text
//! echo start; echo hello | socat - TCP:localhost:7; echo stop
//! ```
//!
//! `reload` opens the log again, as after a rotation. `stop` waits for the clients that are connected. Under systemd with
//! a socket unit (`echo run`) it serves the unit's socket, and loses no connection at a restart.

use std::error::Error;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use sampled_daemon::{Daemon, Event, Ready, Signals, Stdio, listen_fds};

fn main() -> ExitCode {
    let file = Stdio::File("/var/log/echo.log".into());
    Daemon::new("echo")
        .user("nobody")
        .stdout(file.clone())
        .stderr(file)
        .no_new_privs(true)
        .privileged(listen)
        .main(std::env::args_os(), serve)
}

/// Runs as root, before the change of user.
fn listen() -> Result<TcpListener, Box<dyn Error>> {
    match listen_fds()?.pop() {
        Some(socket) => Ok(socket.try_into()?),
        None => TcpListener::bind("[::]:7").map_err(|error| format!("port 7: {error}").into()),
    }
}

/// Runs as nobody, until SIGTERM.
fn serve(ready: Ready, listener: TcpListener) -> Result<(), Box<dyn Error>> {
    let signals = Signals::new()?;
    listener.set_nonblocking(true)?;
    ready.ready()?;
    // The scope ends when the last client has gone.
    thread::scope(|clients| {
        loop {
            match signals.wait_or_readable(&listener)? {
                Some(Event::Stop) => {
                    drop(listener);
                    return Ok(());
                }
                Some(Event::Reload) => ready.reopen_logs().unwrap_or_else(|error| log(&error)),
                None => {
                    let client = listener.accept();
                    let served = client.and_then(|(client, _)| {
                        thread::Builder::new().spawn_scoped(clients, move || echo(&client))
                    });
                    match served {
                        Ok(_) => {}
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(error) => {
                            log(&error);
                            // Perhaps no descriptor or thread is free. A client that goes frees one.
                            thread::sleep(Duration::from_millis(100));
                        }
                    }
                }
            }
        }
    })
}

fn echo(client: &TcpStream) {
    let (mut reader, mut writer) = (client, client);
    match io::copy(&mut reader, &mut writer) {
        Ok(bytes) => log(&format_args!("{bytes} bytes")),
        Err(error) => log(&error),
    }
}

/// Unlike println!, it does not panic on a full disk.
fn log(line: &dyn std::fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
