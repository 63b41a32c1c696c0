//! The network: what goes through interfaces, and what is known of them.

mod addresses;
mod counters;
mod dns;
mod gateways;
mod interfaces;
mod link;
mod wireless;

use super::{Roots, Source};

/// The sources of `network`: one for each file, or sort of files.
pub(super) fn sources(roots: &Roots) -> Vec<Box<dyn Source>> {
    vec![
        Box::new(counters::Counters::new(roots)),
        Box::new(link::Link::state(roots)),
        Box::new(link::Link::speed(roots)),
        Box::new(link::Link::name(roots)),
        Box::new(wireless::Wireless::new(roots)),
        Box::new(addresses::Addresses::new(roots)),
        Box::new(gateways::Gateways::ipv4(roots)),
        Box::new(gateways::Gateways::ipv6(roots)),
        Box::new(dns::Dns::new(roots)),
    ]
}

/// Parses a text whatever is in it.
#[cfg(test)]
pub(super) fn check_text(text: &[u8]) {
    counters::check_text(text);
    gateways::check_text(text);
    dns::servers(text);
    wireless::check_text(text);
}
