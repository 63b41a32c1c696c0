//! The interface descriptions in `dbus/` equal the introspection data of the service, and the documentation has each of
//! their members.

mod client_library;

use std::{fs, process::Command};

use sampled::wire::{INTERFACE, NAME, PATH, PROCESSES_INTERFACE};
use zbus_xml::{Annotation, Arg, ArgDirection};

use crate::support::{
    bus::Bus,
    process::{DEADLINE, Run},
    skip::skip,
};

const INTERFACES: [&str; 2] = [INTERFACE, PROCESSES_INTERFACE];

/// The types of QtDBus for the signatures that it does not know: qdbusxml2cpp needs an annotation with them. The structs
/// and dictionaries are declared in `dbus/sampled-qt.h`.
const QT_TYPES: &[(&str, &str)] = &[
    ("a{sv}", "QVariantMap"),
    ("ad", "QList<double>"),
    ("au", "QList<uint>"),
    ("a{ss}", "sampled::StringMap"),
    ("a{sa{sv}}", "sampled::PropertiesByName"),
    ("a{ua{sv}}", "sampled::PropertiesByNumber"),
    ("a{sa{sau}}", "sampled::RowFaults"),
    ("a(tad)", "sampled::Frames"),
];

/// A member of an interface, as its description has it.
struct Member {
    kind: &'static str,
    name: String,
    /// The signatures of a call and of its reply. Signals and properties have a reply alone.
    takes: String,
    returns: String,
    /// The name, the direction and the type of each argument.
    arguments: Vec<(String, &'static str, String)>,
    /// The annotations that name types of Qt.
    qt_types: Vec<(String, String)>,
}

impl Member {
    fn new(
        kind: &'static str,
        name: String,
        args: &[Arg<'_>],
        annotations: &[Annotation<'_>],
    ) -> Self {
        let argument = |arg: &Arg<'_>| {
            let direction = match arg.direction() {
                Some(ArgDirection::Out) => "Out",
                Some(ArgDirection::In) => "In",
                None => panic!("{name}: busctl takes an argument without a direction for another"),
            };
            let name = arg.name().unwrap_or_default().to_owned();
            (name, direction, arg.ty().to_string())
        };
        let arguments: Vec<_> = args.iter().map(argument).collect();
        let signature = |direction: &str| {
            let arguments = arguments.iter().filter(|(_, way, _)| *way == direction);
            arguments.map(|(.., ty)| ty.as_str()).collect::<String>()
        };
        let qt_types = annotations.iter().filter_map(|annotation| {
            let place = annotation
                .name()
                .strip_prefix("org.qtproject.QtDBus.QtTypeName.")?;
            Some((place.to_owned(), annotation.value().to_owned()))
        });
        Self {
            kind,
            takes: signature("In"),
            returns: signature("Out"),
            qt_types: qt_types.collect(),
            name,
            arguments,
        }
    }
}

/// The text of the description of an interface.
fn description(interface: &str) -> String {
    read(&format!("dbus/{interface}.xml"))
}

fn read(file: &str) -> String {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The members of an interface, as its description has them.
fn members(name: &str) -> Vec<Member> {
    let text = description(name);
    let node = zbus_xml::Node::from_reader(text.as_bytes()).expect("well formed");
    let [interface] = node.interfaces() else {
        panic!("dbus/{name}.xml has more than an interface");
    };
    assert_eq!(interface.name(), name);
    let methods = interface.methods().map(|method| {
        let name = method.name().to_string();
        Member::new("method", name, method.args(), method.annotations())
    });
    let signals = interface.signals().map(|signal| {
        let name = signal.name().to_string();
        Member::new("signal", name, signal.args(), signal.annotations())
    });
    let properties = interface.properties().map(|property| Member {
        returns: property.ty().to_string(),
        ..Member::new("property", property.name().to_string(), &[], &[])
    });
    methods.chain(signals).chain(properties).collect()
}

#[test]
fn introspect_returns_the_text_of_the_descriptions() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let connection = client.proxy().inner().connection();
        let introspect = async |path: &str| -> String {
            let introspectable = Some("org.freedesktop.DBus.Introspectable");
            let reply = connection.call_method(Some(NAME), path, introspectable, "Introspect", &());
            reply.await.unwrap().body().deserialize().unwrap()
        };
        let (object, root) = (introspect(PATH).await, introspect("/").await);
        for interface in INTERFACES {
            let element = element(&description(interface));
            assert!(object.contains(&element), "{object}");
            // The tree below the root has the same text, further to the right.
            let indented = element.lines().map(|line| format!("        {line}\n"));
            assert!(root.contains(&indented.collect::<String>()), "{root}");
        }
        // There are no other interfaces to describe.
        let ours = object.matches("<interface name=\"io.github.sampled.");
        assert_eq!(ours.count(), INTERFACES.len(), "{object}");
    });
}

/// The element `interface` of a description, without the comments.
fn element(description: &str) -> String {
    let (mut text, mut rest) = (String::new(), description);
    while let Some((before, comment)) = rest.split_once("<!--") {
        text.push_str(before.trim_end());
        rest = comment.split_once("-->").expect("the end of the comment").1;
    }
    text.push_str(rest);
    let (_, element) = text.split_once("  <interface ").expect("an interface");
    let (element, _) = element.split_once("</node>").expect("the end of the node");
    format!("  <interface {element}")
}

#[test]
fn a_comment_explains_each_member_and_each_argument() {
    for interface in INTERFACES {
        let text = description(interface);
        for member in members(interface) {
            let name = &member.name;
            let explained = text.split_once(&format!(" {name}:"));
            let explained =
                explained.unwrap_or_else(|| panic!("{interface}.{name} has no comment"));
            let explained = explained.1.split("-->").next().unwrap();
            for (argument, ..) in &member.arguments {
                let is_explained = explained.contains(&format!("@{argument}: "));
                assert!(
                    is_explained,
                    "{interface}.{name} does not explain {argument}"
                );
            }
        }
    }
}

#[test]
fn annotations_name_the_types_of_qt() {
    let header = read("dbus/sampled-qt.h");
    for (signature, name) in QT_TYPES {
        let is_registered = header.contains(&format!(">(\"{name}\");"));
        assert!(
            *name == "QVariantMap" || is_registered,
            "{signature}: {name}"
        );
    }
    for interface in INTERFACES {
        for member in members(interface) {
            let place = format!("{interface}.{}", member.name);
            let mut counts = [("In", 0), ("Out", 0)];
            let mut expected = Vec::new();
            for (_, direction, signature) in &member.arguments {
                let count = &mut counts
                    .iter_mut()
                    .find(|(way, _)| way == direction)
                    .unwrap()
                    .1;
                if signature.len() > 1 && !["as", "av"].contains(&signature.as_str()) {
                    let known = QT_TYPES.iter().find(|(known, _)| known == signature);
                    let (_, name) =
                        known.unwrap_or_else(|| panic!("{place}: {signature} has no type"));
                    expected.push((format!("{direction}{count}"), (*name).to_owned()));
                }
                *count += 1;
            }
            assert_eq!(member.qt_types, expected, "{place}");
        }
    }
}

#[test]
fn the_documentation_lists_each_member() {
    let text = read("docs/interface.md");
    for interface in INTERFACES {
        let (_, section) = text
            .split_once(&format!("## {interface}\n"))
            .expect(interface);
        let section = section.split("\n## ").next().unwrap();
        let cell = |signature: &str| match signature {
            "" => " |".to_owned(),
            signature => format!(" `{signature}` |"),
        };
        let members = members(interface);
        for member in &members {
            let mut row = format!("\n| `{}` |", member.name);
            if member.kind == "method" {
                row.push_str(&cell(&member.takes));
            }
            row.push_str(&cell(&member.returns));
            assert!(
                section.contains(&row),
                "docs/interface.md lacks the row {row}"
            );
        }
        let rows = section.matches("\n| `").count();
        assert_eq!(
            rows,
            members.len(),
            "docs/interface.md has a member more in {interface}"
        );
    }
}

#[test]
fn tools_that_walk_the_tree_complain_of_nothing() {
    let bus = Bus::activating("");
    let check = |command: &mut Command, expected: &[&str]| {
        if Command::new(command.get_program())
            .arg("--version")
            .output()
            .is_err()
        {
            return skip(&format!("{:?} is not installed", command.get_program()));
        }
        let run = Run::within(command, DEADLINE);
        assert_eq!(run.stderr, "", "{command:?}");
        let output = run.ok();
        for text in expected {
            assert!(
                output.contains(text),
                "{command:?} does not print {text}: {output}"
            );
        }
    };
    check(
        bus.command("busctl").args(["--user", "tree", NAME]),
        &[PATH],
    );
    check(
        bus.command("busctl").args(["--user", "--no-pager", "tree"]),
        &[PATH],
    );
    let members = members(INTERFACE);
    let names: Vec<_> = members.iter().map(|member| member.name.as_str()).collect();
    for path in ["/", "/io", "/io/github", "/io/github/sampled", PATH] {
        let expected = if path == PATH { &*names } else { &[] };
        check(
            bus.command("busctl")
                .args(["--user", "introspect", NAME, path]),
            expected,
        );
        let mut gdbus = bus.command("gdbus");
        gdbus.args([
            "introspect",
            "--session",
            "--recurse",
            "--dest",
            NAME,
            "--object-path",
            path,
        ]);
        check(&mut gdbus, &names);
    }
}
