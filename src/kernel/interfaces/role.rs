//! The part that an interface has in the traffic of its namespace.

/// The part that an interface has in the traffic of its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A device, such as an Ethernet or wireless card, a modem or the card of a virtual machine.
    Hardware,
    /// The end of a veth or netkit pair, a macvlan or an ipvlan, whose other side is in another namespace.
    Peer,
    /// The same, under a name that only the end inside of a container has.
    NamedPeer,
    /// The end of a pair that leads to a container inside of this namespace.
    HostSide,
    /// PPP or SLIP: over a serial line, or over another interface.
    Serial,
    /// Its packets are carried by a program, which need not be in this namespace: Ethernet.
    Tap,
    /// The same: IP.
    Tun,
    /// Its packets are carried by the kernel in another interface.
    Tunnel,
    /// Its packets pass another interface of this namespace, or stay in it.
    Internal,
}
