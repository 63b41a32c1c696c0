//! A bus that tells the owner of the service's name and its credentials, and nothing else: with a pidfd, as dbus-daemon
//! 1.15.8 and dbus-broker 35 do.

use std::{
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    thread,
};

use zbus::{Message, fdo::ConnectionCredentials, message::Type};

use super::{raw::Raw, unresponsive_bus::answer_hello};

/// The unique name of the owner of the service's name.
const OWNER: &str = ":1.9";

/// The credentials of the owner.
pub(crate) struct Credentials {
    pub(crate) pid: u32,
    pub(crate) pidfd: OwnedFd,
}

/// Listens at a path until the test process ends. Returns DBUS_SESSION_BUS_ADDRESS.
pub(crate) fn listen(path: &Path, credentials: Credentials) -> String {
    let listener = UnixListener::bind(path).expect("a socket");
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            serve(connection, &credentials);
        }
    });
    format!("unix:path={}", path.display())
}

fn serve(mut connection: UnixStream, credentials: &Credentials) -> Option<()> {
    answer_hello(&mut connection)?;
    let mut client = Raw::of_bus(connection);
    while let Some(call) = client.try_receive() {
        if call.message_type() != Type::MethodCall {
            continue;
        }
        let header = call.header();
        let reply = Message::method_return(&header);
        match header.member().map(|member| member.as_str()) {
            Some("GetNameOwner") => client.send(reply.build(&OWNER).ok()?.data()),
            Some("GetConnectionCredentials") => {
                let pidfd = credentials.pidfd.try_clone().expect("a descriptor");
                let told = ConnectionCredentials::default()
                    .set_process_id(credentials.pid)
                    .set_process_fd(pidfd.into());
                client.send_with_descriptors(&reply.build(&told).ok()?);
            }
            _ => {
                // As a service of an older version answers `Reload`.
                let refused = "org.freedesktop.DBus.Error.UnknownMethod";
                let refused = Message::error(&header, refused);
                client.send(refused.build(&"not here").ok()?.data());
            }
        }
    }
    Some(())
}
