//! The programs and rules of docs/clients.md behind the real xdg-dbus-proxy.

use std::process::Command;

use sampled::wire::{INTERFACE, NAME, PATH, PROCESSES_INTERFACE};

use super::{
    Client, DBUS_FAST, DBUS_NEXT, GJS, GLIB, PYGOBJECT, Program, QT, SD_BUS, check_frames, exists,
    page, rust_example, tools,
};
use crate::{
    sandbox::Proxy,
    support::{
        bus::Bus,
        process::{Process, Run, skip},
    },
};

#[test]
fn pygobject_passes_the_proxy() {
    check_behind_proxy(PYGOBJECT);
}

#[test]
fn dbus_fast_passes_the_proxy() {
    check_behind_proxy(DBUS_FAST);
}

#[test]
fn gjs_passes_the_proxy() {
    check_behind_proxy(GJS);
}

#[test]
fn glib_passes_the_proxy() {
    check_behind_proxy(GLIB);
}

#[test]
fn qt_passes_the_proxy() {
    check_behind_proxy(QT);
}

#[test]
fn dbus_next_passes_the_proxy() {
    check_behind_proxy(DBUS_NEXT);
}

#[test]
fn sampled_client_passes_the_proxy() {
    let Some(program) = rust_example() else {
        return skip("it needs `cargo build --examples`");
    };
    for rules in [talk(), page::rules()] {
        let bus = Bus::activating("");
        let Some(proxy) = Proxy::with_rules(bus.command("env"), &bus, &rules) else {
            return skip("it needs xdg-dbus-proxy");
        };
        check_frames(&bus, || {
            Client::run(&bus, tools(&bus, &program), proxy.address())
        });
    }
}

/// The proxy got this ability in 0.1.6.
#[test]
fn sd_bus_passes_a_proxy_that_reads_a_handshake_in_one_piece() {
    let bus = Bus::activating("");
    let version = Command::new("xdg-dbus-proxy").arg("--version").output();
    let Ok(version) = version.map(|output| Run::from(output).stdout) else {
        return skip("it needs xdg-dbus-proxy");
    };
    let version: Vec<u32> = version
        .trim()
        .rsplit(' ')
        .next()
        .into_iter()
        .flat_map(|version| version.split('.'))
        .map(|number| number.parse().expect(&version))
        .collect();
    if version >= vec![0, 1, 6] {
        return check_behind_proxy(SD_BUS);
    }
    let [stack, probe] = SD_BUS;
    if !exists(&bus, probe) {
        return skip(&format!("it needs {probe}"));
    }
    let proxy = Proxy::run_by(bus.command("env"), &bus).expect("a proxy");
    let mut client = Client::of_page(&bus, proxy.address(), &Program::of(stack));
    Process::open(client.child.id()).expect("a child").wait();
    assert!(!client.child.wait().expect("a child").success());
}

#[test]
fn the_rules_allow_readings_and_no_processes() {
    let bus = Bus::activating("");
    let Some(proxy) = Proxy::with_rules(bus.command("env"), &bus, &page::rules()) else {
        return skip("it needs xdg-dbus-proxy");
    };
    // Introspection and properties, as libraries ask for them before the first call.
    let of_library = [
        "org.freedesktop.DBus.Introspectable.Introspect",
        "org.freedesktop.DBus.Peer.Ping",
    ];
    for method in of_library {
        call(&bus, &proxy, method, &[]).ok();
    }
    let all = "org.freedesktop.DBus.Properties.GetAll";
    assert!(
        call(&bus, &proxy, all, &[INTERFACE])
            .ok()
            .contains("Version")
    );
    let list = format!("{INTERFACE}.List");
    call(&bus, &proxy, &list, &["['cpu/all/usage']"]).ok();
    for method in ["Fields", "Sums", "End"] {
        let method = format!("{PROCESSES_INTERFACE}.{method}");
        assert_refused(&call(&bus, &proxy, &method, &[]));
    }
}

#[test]
fn rules_can_allow_single_methods() {
    let bus = Bus::activating("");
    let methods = [
        format!("{INTERFACE}.List"),
        format!("{INTERFACE}.Sample"),
        format!("{PROCESSES_INTERFACE}.Fields"),
    ];
    let rules = methods
        .each_ref()
        .map(|method| format!("--call={NAME}={method}@{PATH}"));
    let Some(proxy) = Proxy::with_rules(bus.command("env"), &bus, &rules) else {
        return skip("it needs xdg-dbus-proxy");
    };
    let [list, sample, fields] = methods;
    call(&bus, &proxy, &list, &["['cpu/all/usage']"]).ok();
    call(&bus, &proxy, &sample, &["['cpu/all/usage']", "@a{sv} {}"]).ok();
    call(&bus, &proxy, &fields, &[]).ok();
    let start = format!("{INTERFACE}.Start");
    assert_refused(&call(
        &bus,
        &proxy,
        &start,
        &["['cpu']", "uint64 1000000", "@a{sv} {}"],
    ));
    let end = format!("{PROCESSES_INTERFACE}.End");
    assert_refused(&call(&bus, &proxy, &end, &["1", "uint64 0", "15"]));
}

#[test]
fn the_rules_let_frames_of_detached_sessions_in() {
    let bus = Bus::activating("");
    let Some(proxy) = Proxy::with_rules(bus.command("env"), &bus, &page::rules()) else {
        return skip("it needs xdg-dbus-proxy");
    };
    let mut monitor = tools(&bus, "gdbus");
    monitor.args(["monitor", "--session", "--dest", NAME]);
    let mut monitor = Client::run(&bus, monitor, proxy.address());
    while !monitor.line().contains("is owned by") {}
    let detached = "{'detached': <true>}";
    let start = format!("{INTERFACE}.Start");
    let arguments = ["['memory/physical/used']", "uint64 1000000", detached];
    gdbus_call(&bus, bus.address(), &start, &arguments).ok();
    while !monitor.line().contains("Sampler1.Sampled (uint32 ") {}
}

fn talk() -> Vec<String> {
    vec![format!("--talk={NAME}")]
}

/// Checks that a program gets every frame with `--talk` alone, and with the rules of the page.
fn check_behind_proxy([stack, probe]: [&str; 2]) {
    for rules in [talk(), page::rules()] {
        let bus = Bus::activating("");
        if !exists(&bus, probe) {
            return skip(&format!("it needs {probe}"));
        }
        let Some(proxy) = Proxy::with_rules(bus.command("env"), &bus, &rules) else {
            return skip("it needs xdg-dbus-proxy");
        };
        check_frames(&bus, || {
            Client::of_page(&bus, proxy.address(), &Program::of(stack))
        });
    }
}

/// Calls a method of the service behind a proxy.
fn call(bus: &Bus, proxy: &Proxy, method: &str, arguments: &[&str]) -> Run {
    gdbus_call(bus, proxy.address(), method, arguments)
}

fn gdbus_call(bus: &Bus, address: &str, method: &str, arguments: &[&str]) -> Run {
    let mut command = bus.command("gdbus");
    command
        .args(["call", "--session", "-d", NAME, "-o", PATH, "-m", method])
        .args(arguments)
        .env("DBUS_SESSION_BUS_ADDRESS", address);
    Run::of(&mut command)
}

#[track_caller]
fn assert_refused(run: &Run) {
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr
            .contains("org.freedesktop.DBus.Error.AccessDenied"),
        "{run:?}"
    );
}
