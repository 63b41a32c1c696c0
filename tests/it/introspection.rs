//! The interface descriptions in `dbus/` equal the introspection data of the service.

use std::fs;

use sampled::wire::{INTERFACE, NAME, PATH, PROCESSES_INTERFACE};

use crate::support::bus::Bus;

/// The members of an interface: kind, name, and the name, type and direction of each argument.
type Members = Vec<(String, String, Vec<(String, String, String)>)>;

#[test]
fn the_descriptions_equal_the_introspection_data() {
    let bus = Bus::activating("");
    let served: String = bus.block_on(async {
        let client = bus.client().await;
        let connection = client.proxy().inner().connection();
        let introspectable = Some("org.freedesktop.DBus.Introspectable");
        let reply = connection.call_method(Some(NAME), PATH, introspectable, "Introspect", &());
        reply.await.unwrap().body().deserialize().unwrap()
    });
    let check = |interface: &str, count: usize| {
        let file = format!("{}/dbus/{interface}.xml", env!("CARGO_MANIFEST_DIR"));
        let written = fs::read_to_string(file).unwrap();
        let described = members(&written, interface);
        assert_eq!(members(&served, interface), described);
        assert_eq!(described.len(), count, "{described:#?}");
        // A comment explains each member and each argument.
        for (_, member, arguments) in &described {
            let explained = written
                .split_once(&format!("{member}:"))
                .unwrap_or_else(|| panic!("{interface}.{member} is not explained"))
                .1;
            let explained = explained.split("-->").next().unwrap();
            for (argument, ..) in arguments {
                assert!(
                    explained.contains(&format!("@{argument}: ")),
                    "{interface}.{member}: {argument}"
                );
            }
        }
    };
    check(INTERFACE, 14);
    check(PROCESSES_INTERFACE, 8);
    // There are no other interfaces to describe.
    let ours = served
        .matches("<interface name=\"io.github.sampled.")
        .count();
    assert_eq!(ours, 2, "{served}");
}

/// The members of an interface, in the order of their names.
fn members(xml: &str, name: &str) -> Members {
    let node = zbus_xml::Node::from_reader(xml.as_bytes()).expect("well formed");
    let interfaces = node.interfaces();
    let interface = interfaces.iter().find(|interface| interface.name() == name);
    let interface = interface.expect("our interface");
    let argument = |arg: &zbus_xml::Arg<'_>, way: &str| {
        let way = match arg.direction() {
            None => way.to_owned(),
            Some(direction) => format!("{direction:?}"),
        };
        (
            arg.name().unwrap_or_default().to_owned(),
            arg.ty().to_string(),
            way,
        )
    };
    let methods = interface.methods().map(|method| {
        let arguments = method.args().iter().map(|arg| argument(arg, "In"));
        (
            "method".to_owned(),
            method.name().to_string(),
            arguments.collect(),
        )
    });
    let signals = interface.signals().map(|signal| {
        let arguments = signal.args().iter().map(|arg| argument(arg, "Out"));
        (
            "signal".to_owned(),
            signal.name().to_string(),
            arguments.collect(),
        )
    });
    let properties = interface.properties().map(|property| {
        let annotations = property.annotations().iter();
        let annotations: Vec<_> = annotations
            .map(|annotation| format!("{}={}", annotation.name(), annotation.value()))
            .collect();
        let kind = format!(
            "property {:?} {} {annotations:?}",
            property.access(),
            property.ty()
        );
        (kind, property.name().to_string(), Vec::new())
    });
    let mut members: Members = methods.chain(signals).chain(properties).collect();
    members.sort();
    members
}
