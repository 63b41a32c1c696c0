//! Addresses of the bus: escapes, and several to be tried in turn.

use std::{os::unix::net::UnixListener, process::Command};

use sampled::client::{self, Client};

use crate::support::{
    bus::Bus,
    home::Home,
    process::{DEADLINE, Run},
    unresponsive_bus::UnresponsiveBus,
};

/// A name with bytes that addresses escape, also those that separate the parts of an address.
const NAME: &str = "a b+ü;c,d=e%20";

#[test]
fn a_socket_may_have_any_path() {
    let bus = Bus::in_directory(NAME);
    assert!(bus.address().contains("%20b%2b%c3%bc"), "{}", bus.address());
    bus.block_on(async {
        // The bus starts the service, and gives it its address.
        let client = bus.client().await;
        client.list(&["memory"]).await.expect("list");
        let another = client.bus().another_connection().await;
        let another = Client::on(another.expect("a connection")).await;
        another
            .expect("client")
            .list(&["memory"])
            .await
            .expect("list");
    });
    for arguments in [
        &["list", "memory"][..],
        &[
            "watch",
            "memory/physical/used",
            "--count",
            "2",
            "--interval",
            "5ms",
        ],
        &["status"],
        &["restart"],
        &["stop"],
    ] {
        let run = bus.run(arguments);
        assert_eq!(run.stderr, "", "{arguments:?}");
        run.ok();
    }
}

#[test]
fn the_demo_may_have_any_temporary_directory() {
    let home = Home::new();
    let directory = home.dir().join(NAME);
    std::fs::create_dir(&directory).unwrap();
    let run = Run::within(home.sampled(&["demo"]).env("TMPDIR", &directory), DEADLINE);
    assert_eq!(run.stderr, "");
    run.ok();
}

/// Commands that use the bus, with this address of it.
fn check_commands(bus: &Bus, address: &str) {
    let with_address = |mut command: Command| {
        command.env("DBUS_SESSION_BUS_ADDRESS", address);
        Run::within(&mut command, DEADLINE)
    };
    for arguments in [&["start"][..], &["list", "memory"], &["status"], &["stop"]] {
        let run = with_address(bus.sampled(arguments));
        assert_eq!(run.stderr, "", "{arguments:?}");
        run.ok();
    }
    let mut serve = bus.sampled(&["serve", "--idle-timeout", "never"]);
    let mut serve = serve
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .spawn()
        .unwrap();
    assert_eq!(bus.block_on(bus.owned()).pid, serve.id());
    bus.block_on(async {
        let client = Client::on(client::Bus::at(address).await.expect("bus")).await;
        client.expect("client").quit().await.expect("quit");
    });
    assert!(serve.wait().unwrap().success());
}

#[test]
fn several_addresses_are_tried_in_turn() {
    let bus = Bus::new();
    let home = Home::new();
    let path = |name: &str| home.dir().join(name);
    let real = bus.address();
    let none = format!("unix:path={}", path("none").display());
    check_commands(&bus, &format!("{none};autolaunch:;{real}"));
    check_commands(&bus, &format!("{real};{none}"));
    // A listener that closes each connection.
    let listener = UnixListener::bind(path("closing")).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let closing = format!("unix:path={}", path("closing").display());
    check_commands(&bus, &format!("{closing};{real}"));
    let silent = UnresponsiveBus::without_handshake(&path("silent"));
    let mut list = bus.sampled(&["list", "memory"]);
    let address = format!("{};{real}", silent.address());
    let list = list.env("DBUS_SESSION_BUS_ADDRESS", address);
    let serve = bus.run(&["start"]);
    serve.ok();
    assert_eq!(Run::within(list, DEADLINE).stderr, "");
}

#[test]
fn the_errors_of_all_addresses_are_told() {
    let home = Home::new();
    let path = |name: &str| format!("unix:path={}", home.dir().join(name).display());
    let (first, second) = (path("first"), path("second"));
    for (address, texts) in [
        (format!("{first};{second}"), [&*first, &second]),
        (format!("{first};/run/bus"), ["/run/bus", "no transport"]),
        ("unix:path=/a%2".to_owned(), ["/a%2", "hex"]),
    ] {
        for arguments in [
            &["serve"][..],
            &["alert", "cpu", "--above", "1"],
            &["start"],
        ] {
            let mut command = home.sampled(arguments);
            let run = Run::of(command.env("DBUS_SESSION_BUS_ADDRESS", &address));
            assert_eq!(run.code, Some(1), "{arguments:?}: {run:?}");
            for text in texts {
                assert!(run.stderr.contains(text), "{arguments:?}: {text}: {run:?}");
            }
        }
    }
}
