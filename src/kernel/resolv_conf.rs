//! Name servers: `/etc/resolv.conf`, or that of systemd-resolved.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    str,
    sync::Arc,
    time::Duration,
};

use super::interfaces::Interfaces;
use crate::{
    metric::Metric,
    rate::Formula,
    reading::{Fault, Raw},
    regular_file,
    source::{About, Error, Source, parse, property::Property},
};

/// The name servers of the machine.
pub(super) struct NameServers {
    interfaces: Interfaces,
    /// The file for the C library, and the file with the servers that systemd-resolved asks. Both are replaced
    /// as whole files, so they are not kept open.
    files: [PathBuf; 2],
}

#[rustfmt::skip]
const PROPERTIES: [Property; 2] = [
    Property::text("ipv4dns", "IPv4 name servers", "DNS servers of the machine that have an IPv4 address.", "nameserver of /etc/resolv.conf, or of /run/systemd/resolve/resolv.conf behind systemd-resolved").short("IPv4 DNS"),
    Property::text("ipv6dns", "IPv6 name servers", "DNS servers of the machine that have an IPv6 address.", "nameserver of /etc/resolv.conf, or of /run/systemd/resolve/resolv.conf behind systemd-resolved").short("IPv6 DNS"),
];

impl NameServers {
    pub(super) fn new(interfaces: &Interfaces) -> Self {
        let files = ["etc/resolv.conf", "run/systemd/resolve/resolv.conf"];
        Self {
            interfaces: interfaces.share(),
            files: files.map(|file| interfaces.roots().root.join(file)),
        }
    }

    fn servers(&self) -> Result<Vec<IpAddr>, Error> {
        /// The address of the stub listener of systemd-resolved.
        const STUB: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53));
        let read = |path: &PathBuf| match regular_file::table(path) {
            Ok(text) => Ok(parse_servers(&text)),
            // The machine has no name servers.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(cause) => Err(Error::io(path, cause)),
        };
        let servers = read(&self.files[0])?;
        if servers == [STUB] {
            return read(&self.files[1]);
        }
        Ok(servers)
    }
}

impl Source for NameServers {
    fn about(&self) -> About<'_> {
        About::new("network", &["network/*/ipv4dns", "network/*/ipv6dns"]).of_devices(&["net"])
    }

    fn prepare_discovery(&mut self, since: Duration) -> bool {
        self.interfaces.prepare(since)
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let mut metrics = Vec::new();
        let interfaces = self.interfaces.find()?;
        for interface in interfaces.iter().filter(|each| each.is_uplink) {
            let (name, object) = (&interface.name, interface.object());
            metrics.extend(PROPERTIES.iter().enumerate().map(|(column, property)| {
                property.of("network", name, &object, Formula::Level(column))
            }));
        }
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let servers = self.servers()?;
        columns.extend([IpAddr::is_ipv4, IpAddr::is_ipv6].map(|is_of_family| {
            let of_family = servers.iter().filter(|server| is_of_family(server));
            let texts: Vec<_> = of_family.map(IpAddr::to_string).collect();
            match texts.is_empty() {
                true => Raw::Fault(Fault::Gone),
                false => Raw::Text(Arc::from(texts.join(", "))),
            }
        }));
        Ok(())
    }
}

/// The servers in a text of resolv.conf(5).
pub(super) fn parse_servers(text: &[u8]) -> Vec<IpAddr> {
    let lines = parse::lines(text).filter_map(|line| {
        let mut fields = parse::fields(line);
        (fields.next()? == b"nameserver").then(|| fields.next())?
    });
    lines.filter_map(parse_address).collect()
}

/// An address, possibly with the interface of its scope: `fe80::1%eth0`.
fn parse_address(field: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(field).ok()?.trim_ascii();
    text.split('%').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{Tree, read};

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let servers: Vec<_> = parse_servers(text.as_bytes())
            .iter()
            .map(IpAddr::to_string)
            .collect();
        assert_eq!(servers, expected);
    }

    #[test]
    fn lines() {
        check(
            "nameserver 192.0.2.1\nnameserver\tfe80::1%eth0\n",
            &["192.0.2.1", "fe80::1"],
        );
        check(
            "# nameserver 1.1.1.1\nsearch example.org\nnameserver\nnameserver x\n",
            &[],
        );
        check("nameserver 192.0.2.1", &["192.0.2.1"]);
        check("", &[]);
    }

    #[test]
    fn servers_behind_the_stub_resolver_are_shown() {
        let tree = Tree::new();
        let mut name_servers = NameServers::new(&Interfaces::new(&tree.roots()));
        let gone = || Raw::Fault(Fault::Gone);
        assert_eq!(read(&mut name_servers), [gone(), gone()]);
        tree.write("etc/resolv.conf", "nameserver 127.0.0.53\noptions edns0\n");
        assert_eq!(read(&mut name_servers), [gone(), gone()]);
        tree.write(
            "run/systemd/resolve/resolv.conf",
            "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver fd00::1\n",
        );
        let expected = ["192.0.2.1, 192.0.2.2", "fd00::1"];
        assert_eq!(
            read(&mut name_servers),
            expected.map(|text| Raw::Text(text.into()))
        );
    }
}
