//! The programs and rules of docs/clients.md behind the real xdg-dbus-proxy.

use std::process::Command;

use sampled::wire::{INTERFACE, NAME, PATH, PROCESSES_INTERFACE};

use super::{
    Example, check_frames, check_rust, dbus_fast, gdbus, gjs, go, node, page, python_gio, qt,
    running::Client, sd_bus, tools,
};
use crate::{
    sandbox::Proxy,
    support::{
        bus::Bus,
        process::{Run, skip},
    },
};

#[test]
fn python_gio_passes_the_proxy() {
    check_behind_proxy(&python_gio::EXAMPLE);
}

#[test]
fn dbus_fast_passes_the_proxy() {
    check_behind_proxy(&dbus_fast::EXAMPLE);
}

#[test]
fn gjs_passes_the_proxy() {
    check_behind_proxy(&gjs::EXAMPLE);
}

#[test]
fn gdbus_passes_the_proxy() {
    check_behind_proxy(&gdbus::EXAMPLE);
}

#[test]
fn qt_passes_the_proxy() {
    check_behind_proxy(&qt::EXAMPLE);
}

#[test]
fn dbus_next_passes_the_proxy() {
    check_behind_proxy(&node::EXAMPLE);
}

#[test]
fn godbus_passes_the_proxy() {
    check_behind_proxy(&go::EXAMPLE);
}

#[test]
fn sampled_client_passes_the_proxy() {
    check_rules(check_rust);
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
        return check_behind_proxy(&sd_bus::EXAMPLE);
    }
    if let Some(reason) = sd_bus::EXAMPLE.lacks(&bus) {
        return skip(&reason);
    }
    let proxy = Proxy::run_by(bus.command("env"), &bus).expect("a proxy");
    let mut client = Client::run(&bus, sd_bus::EXAMPLE.command(&bus), proxy.address());
    assert!(!client.rest().1.success());
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
    monitor.lines_to("is owned by");
    let detached = "{'detached': <true>}";
    let start = format!("{INTERFACE}.Start");
    let arguments = ["['memory/physical/used']", "uint64 1000000", detached];
    gdbus_call(&bus, bus.address(), &start, &arguments).ok();
    monitor.lines_to("Sampler1.Sampled (uint32 ");
}

fn talk() -> Vec<String> {
    vec![format!("--talk={NAME}")]
}

/// Checks that a client gets every frame with `--talk` alone, and with the rules of the page.
fn check_behind_proxy(example: &Example) {
    check_rules(|bus, address| check_frames(bus, example, address));
}

fn check_rules(check: impl Fn(&Bus, &str)) {
    for rules in [talk(), page::rules()] {
        let bus = Bus::activating("");
        let Some(proxy) = Proxy::with_rules(bus.command("env"), &bus, &rules) else {
            return skip("it needs xdg-dbus-proxy");
        };
        check(&bus, proxy.address());
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
