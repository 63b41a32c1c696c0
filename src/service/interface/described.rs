//! An interface whose introspection data is the text of its XML file.

use std::{collections::HashMap, fmt::Write};

use async_trait::async_trait;
use zbus::{
    BoxDBusError, Connection, ObjectServer, OwnedVariant, Variant, fdo,
    message::{Header, Message},
    names::{InterfaceName, MemberName},
    object_server::{DispatchResult, Interface, SignalEmitter},
};

use super::{Processes, Sampler, direct::Direct};
use crate::wire::{DESCRIPTION, PROCESSES_DESCRIPTION};

/// An interface of which `Introspect` returns the text of a file, in place of a description made from the Rust
/// signatures. A test compares the two.
///
/// The text has the annotations and leaves the comments out: they are two thirds of the files, and there are clients
/// (dbus-next, dbus-fast) that parse the text before their first call. `sampled install` installs the files as they are.
///
/// zbus says that its trait `Interface` may change in a minor version, so Cargo.toml allows one only.
pub(crate) struct Described<I> {
    interface: I,
    xml: &'static str,
}

impl Described<Sampler> {
    pub(crate) fn sampler(interface: Sampler) -> Self {
        Self {
            interface,
            xml: DESCRIPTION,
        }
    }
}

impl Described<Processes> {
    pub(crate) fn processes(interface: Processes) -> Self {
        Self {
            interface,
            xml: PROCESSES_DESCRIPTION,
        }
    }
}

/// The lines of the element `interface` of a file that has one, without the comments, which have lines of their own.
fn element(xml: &str) -> impl Iterator<Item = &str> {
    let mut is_comment = false;
    let lines = xml.lines().filter(move |line| {
        is_comment |= line.trim_start().starts_with("<!--");
        let is_element = !is_comment;
        is_comment &= !line.ends_with("-->");
        is_element
    });
    let lines = lines.skip_while(|line| !line.trim_start().starts_with("<interface "));
    lines.take_while(|line| *line != "</node>")
}

#[async_trait]
impl<I: Direct> Interface for Described<I> {
    fn name() -> InterfaceName<'static> {
        I::name()
    }

    fn spawn_tasks_for_methods(&self) -> bool {
        self.interface.spawn_tasks_for_methods()
    }

    async fn get(
        &self,
        property: &str,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> Option<Result<OwnedVariant, BoxDBusError>> {
        let interface = &self.interface;
        interface
            .get(property, server, connection, header, emitter)
            .await
    }

    async fn get_all(
        &self,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> fdo::Result<HashMap<String, OwnedVariant>> {
        let interface = &self.interface;
        interface.get_all(server, connection, header, emitter).await
    }

    fn set<'call>(
        &'call self,
        property: &'call str,
        value: &'call Variant<'_>,
        server: &'call ObjectServer,
        connection: &'call Connection,
        header: Option<&'call Header<'_>>,
        emitter: &'call SignalEmitter<'_>,
    ) -> DispatchResult<'call> {
        let interface = &self.interface;
        interface.set(property, value, server, connection, header, emitter)
    }

    async fn set_mut(
        &mut self,
        property: &str,
        value: &Variant<'_>,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> Option<Result<(), BoxDBusError>> {
        let interface = &mut self.interface;
        interface
            .set_mut(property, value, server, connection, header, emitter)
            .await
    }

    fn call<'call>(
        &'call self,
        server: &'call ObjectServer,
        connection: &'call Connection,
        message: &'call Message,
        name: MemberName<'call>,
    ) -> DispatchResult<'call> {
        match self.interface.answer(connection, message, &name) {
            Some(answer) => DispatchResult::Async(answer),
            None => self.interface.call(server, connection, message, name),
        }
    }

    fn call_mut<'call>(
        &'call mut self,
        server: &'call ObjectServer,
        connection: &'call Connection,
        message: &'call Message,
        name: MemberName<'call>,
    ) -> DispatchResult<'call> {
        self.interface.call_mut(server, connection, message, name)
    }

    fn introspect_to_writer(&self, writer: &mut dyn Write, level: usize) {
        // In the files the element is at level 2, the level of an interface of the object that is asked.
        let indent = level.saturating_sub(2);
        for line in element(self.xml) {
            // The writer is a `String`, which takes everything.
            writeln!(writer, "{:indent$}{line}", "").ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use zbus_xml::{ArgDirection, Interface as Description, Node};

    use super::*;
    use crate::{
        service::{settings::Settings, state::ServiceState},
        source::Roots,
    };

    /// Each member of an interface: its kind and name, then its arguments or, of a property, access and annotations.
    fn members(interface: &Description<'_>) -> Vec<String> {
        let arguments = |args: &[zbus_xml::Arg<'_>], default| {
            let args = args.iter().map(|arg| {
                let direction = match arg.direction().unwrap_or(default) {
                    ArgDirection::In => "in",
                    ArgDirection::Out => "out",
                };
                let name = arg.name().unwrap_or_default();
                format!(" {direction} {} {name}", arg.ty())
            });
            args.collect::<String>()
        };
        let methods = interface.methods().map(|method| {
            let arguments = arguments(method.args(), ArgDirection::In);
            format!("method {}{arguments}", method.name())
        });
        let signals = interface.signals().map(|signal| {
            let arguments = arguments(signal.args(), ArgDirection::Out);
            format!("signal {}{arguments}", signal.name())
        });
        let properties = interface.properties().map(|property| {
            let annotations = property.annotations().iter();
            let annotations = annotations.map(|annotation| (annotation.name(), annotation.value()));
            let annotations = annotations.collect::<Vec<_>>();
            let (name, ty, access) = (property.name(), property.ty(), property.access());
            format!("property {name} {ty} {access:?} {annotations:?}")
        });
        let mut members: Vec<_> = methods.chain(signals).chain(properties).collect();
        members.sort();
        members
    }

    /// The members in the introspection data of an interface.
    fn introspected(interface: &dyn Interface) -> Vec<String> {
        let mut text = String::from("<node>\n");
        interface.introspect_to_writer(&mut text, 2);
        text.push_str("</node>\n");
        let node = Node::from_reader(text.as_bytes()).expect("well formed");
        assert_eq!(node.interfaces().len(), 1, "{text}");
        members(&node.interfaces()[0])
    }

    #[tokio::test]
    async fn the_files_have_the_members_and_the_signatures_of_the_methods_in_rust() {
        let state = ServiceState::new(&Roots::default(), Settings::default());
        let described = Described::sampler(Sampler {
            state: state.clone(),
        });
        assert_eq!(introspected(&described), introspected(&described.interface));
        let described = Described::processes(Processes { state });
        assert_eq!(introspected(&described), introspected(&described.interface));
    }

    #[test]
    fn comments_are_left_out() {
        let xml = "<!-- A -->\n<node>\n  <!-- B\n    <interface x>\n  -->\n  <interface name=\"a\">\n    <!-- C -->\n    \
                   <method name=\"M\"/>\n    <!--\n      D:\n\n      E\n    -->\n  </interface>\n</node>\n";
        let lines: Vec<_> = element(xml).collect();
        let expected = [
            "  <interface name=\"a\">",
            "    <method name=\"M\"/>",
            "  </interface>",
        ];
        assert_eq!(lines, expected);
    }
}
