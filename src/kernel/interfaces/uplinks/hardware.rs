//! Devices: which of them are ports to the network, and which are counted in another one.

use super::{Graph, hardware_type::NO_TRAFFIC};
use crate::kernel::interfaces::link::Link;

/// Whether an interface is a device whose traffic leaves the machine by it, and is counted in no other device.
pub(in crate::kernel::interfaces) fn is_port(graph: &Graph, link: &Link) -> bool {
    link.has("device")
        && !link
            .hardware_type()
            .is_some_and(|kind| NO_TRAFFIC.contains(&kind))
        && !is_of_guest(link)
        && !is_counted_elsewhere(graph, link)
}

/// Whether a device is the side of this host of an interface in a guest: a backend of Xen, or the representor of a function
/// that a guest has (Documentation/networking/representors.rst). Its traffic leaves the machine through another port, or
/// stays here. The simulators of the kernel have no other side.
fn is_of_guest(link: &Link) -> bool {
    let subsystem = link.device_subsystem();
    if subsystem.is_some_and(|name| INSIDE.contains(&&*name)) {
        return true;
    }
    let event = link.text("device/uevent").unwrap_or_default();
    if event.contains("MODALIAS=xen-backend:") || event.contains("XENBUS_BASE_PATH=backend") {
        return true;
    }
    // pf0vf3, c1pf0vf3, pf0sf88, pf0: Documentation/networking/devlink/devlink-port.rst. A physical port is p0 or p0s1.
    let port = link.text("phys_port_name").unwrap_or_default();
    let function = port.split_once("pf").map(|(_, number)| number);
    function.is_some_and(|number| number.starts_with(|digit: char| digit.is_ascii_digit()))
}

/// Subsystems of devices that lead to a guest, or nowhere.
const INSIDE: [&[u8]; 3] = [b"xen-backend", b"mac80211_hwsim", b"netdevsim"];

/// Whether the bytes of a device are counted in another device: a virtual function below the interface that stands for it
/// (netvsc, net_failover), or a port of a switch whose packets pass the conduit (DSA).
fn is_counted_elsewhere(graph: &Graph, link: &Link) -> bool {
    if is_switch_port(graph, link) {
        return graph.known(link.lowers()).next().is_some() || conduit(graph, link).is_some();
    }
    let master = link.master();
    let uppers = link.uppers().chain(master.as_deref());
    let mut uppers = graph.known(uppers);
    uppers.any(|upper| upper.has("device") && !is_switch_port(graph, upper))
}

/// Whether a device is a port of a switch on the board (Documentation/networking/dsa). The interface below it, which leads
/// to the switch, has a directory `dsa`.
fn is_switch_port(graph: &Graph, link: &Link) -> bool {
    link.device_type() == "dsa"
        || graph.known(link.lowers()).any(|lower| lower.has("dsa"))
        || conduit(graph, link).is_some()
}

/// The conduit of a port of a switch, where the kernel does not list what is below the port (before 4.20).
fn conduit<'a>(graph: &'a Graph, link: &Link) -> Option<&'a Link> {
    let other = link
        .link_index()
        .filter(|other| Some(*other) != link.index())?;
    graph.of_index(other).filter(|conduit| conduit.has("dsa"))
}
