//! Whether PPP is carried by another interface.

use super::{link::Link, routes::Routes, table_path};
use crate::{
    regular_file,
    source::{Roots, parse},
};

/// Whether a PPP interface is carried by one of these interfaces, and not by a serial line. `ways` are the names of the
/// interfaces by which the packets may reach the carriers.
///
/// The kernel lists its own sessions over Ethernet and L2TP. A program that carries PPP (PPTP, SSTP) needs a route to its
/// server: by a router, to that one address, or the default route if that does not lead through PPP.
pub(super) fn is_carried(
    roots: &Roots,
    routes: &Routes,
    ppp: &Link,
    carriers: &[&Link],
    ways: &[&[u8]],
) -> bool {
    if carriers.iter().all(|carrier| is_down(carrier)) {
        return false;
    }
    let leads_to_server = |way: &&[u8]| {
        routes.has_host_behind_gateway(way)
            || routes.has_gateway(way) && !routes.has_default(&ppp.name)
    };
    has_pppoe_session(roots)
        || has_l2tp_session(roots, &ppp.name)
        || ways.iter().any(leads_to_server)
}

/// Whether an interface has no link now. Some drivers do not know.
fn is_down(link: &Link) -> bool {
    let state = link.text("operstate").unwrap_or_default();
    ["down", "notpresent", "lowerlayerdown"].contains(&state.trim_ascii())
}

/// Whether `pppoe` has a session. The kernel does not say of which interface. A line begins with the session's number in
/// hexadecimal; the header, with `Id`.
fn has_pppoe_session(roots: &Roots) -> bool {
    let text = regular_file::table(&table_path(roots, "pppoe")).unwrap_or_default();
    parse::lines(&text).any(|line| {
        let line = line.trim_ascii_start();
        line.first().is_some_and(u8::is_ascii_hexdigit)
    })
}

/// Whether `pppol2tp` has a session of this interface, or sessions of unnamed ones: kernels before 3.1 do not name them.
fn has_l2tp_session(roots: &Roots, ppp: &[u8]) -> bool {
    let text = regular_file::table(&table_path(roots, "pppol2tp")).unwrap_or_default();
    let lines = || parse::lines(&text).map(<[u8]>::trim_ascii);
    let mut names = lines()
        .filter_map(|line| line.strip_prefix(b"interface "))
        .peekable();
    match names.peek() {
        // The header describes the line, too.
        Some(_) => names.any(|name| name.trim_ascii() == ppp),
        None => lines().any(|line| line.starts_with(b"SESSION '")),
    }
}
