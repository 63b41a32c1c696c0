//! The description of the interface against what is served.

use std::fs;

use sampled::wire::{INTERFACE, NAME, PATH};

use crate::bus::Bus;

/// What a member of the interface is declared as.
type Members = Vec<(String, String, Vec<(String, String, String)>)>;

#[test]
fn the_description_is_what_is_served() {
    let bus = Bus::activating("");
    let served: String = bus.block_on(async {
        let client = bus.client().await;
        let connection = client.proxy().inner().connection();
        let introspectable = Some("org.freedesktop.DBus.Introspectable");
        let reply = connection.call_method(Some(NAME), PATH, introspectable, "Introspect", &());
        reply.await.unwrap().body().deserialize().unwrap()
    });
    let file = format!("{}/dbus/{INTERFACE}.xml", env!("CARGO_MANIFEST_DIR"));
    let written = fs::read_to_string(file).unwrap();
    let (served, described) = (members(&served), members(&written));
    assert_eq!(served, described);
    assert_eq!(described.len(), 13, "{described:#?}");
    // Every member and every argument is explained.
    for (_, member, arguments) in &described {
        assert!(written.contains(&format!("{member}:")), "{member}");
        for (argument, ..) in arguments {
            assert!(
                written.contains(&format!("@{argument}: ")),
                "{member}: {argument}"
            );
        }
    }
}

/// The members of our interface, in the order of their names.
fn members(xml: &str) -> Members {
    let node = zbus_xml::Node::from_reader(xml.as_bytes()).expect("well formed");
    let interfaces = node.interfaces();
    let interface = interfaces
        .iter()
        .find(|interface| interface.name() == INTERFACE);
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
