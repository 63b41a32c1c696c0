//! Tests of the parsers with malformed input.

use super::*;
use crate::{
    reading::Raw,
    source::{
        parse::{self, layout::Layout},
        rows::table,
        tests::{fixture, harm::torment, number_of},
    },
};

/// No text makes a parser panic, overflow or return an infinite number.
#[test]
fn no_input_panics() {
    let cpus: Vec<Vec<u8>> = ["cpu", "cpu0", "cpu1", "cpu2", "cpu3"]
        .map(Vec::from)
        .into();
    let check = |text: &[u8]| {
        let mut columns = Vec::new();
        let _ = stat::read_columns(text, &cpus, &mut Vec::new(), &mut columns);
        let _ = meminfo::read_columns(text, &mut Layout::default(), &mut columns);
        let _ = loadavg::read_columns(text, &mut columns);
        let numbers = columns
            .iter()
            .filter(|column| matches!(column, Raw::Number(_)));
        assert!(
            numbers
                .map(number_of)
                .chain(uptime::uptime(text))
                .all(|number| number.is_finite() && number >= 0.0)
        );
        cpuinfo::record::parse_cpuinfo(text);
        os_release::parse_fields(text);
        parse::list(text);
    };
    let texts = [
        fixture!("laptop/proc/stat"),
        fixture!("laptop/proc/meminfo"),
        fixture!("laptop/proc/loadavg"),
        fixture!("laptop/proc/uptime"),
        fixture!("laptop/proc/cpuinfo"),
        fixture!("laptop/etc/os-release"),
        fixture!("laptop/sys/devices/system/cpu/online"),
        fixture!("stat/too-large"),
        fixture!("cpuinfo/arm64"),
        &fixture!("server/proc/stat")[..1500],
    ];
    torment(&texts, check);
}

/// The same for the parsers of devices.
#[test]
fn no_input_about_devices_panics() {
    let check = |text: &[u8]| {
        let mut columns = Vec::new();
        table::check_text::<diskstats::Diskstats>(text, &["nvme0n1", "nvme0n1p1", "dm-0"]);
        mountinfo::check_text(text);
        table::check_text::<net_dev::NetDev>(text, &["wlp2s0", "lo"]);
        route::check_text(text);
        resolv_conf::parse_servers(text);
        wireless::check_text(text);
        pressure::read_columns(text, &mut columns);
        let _ = vmstat::read_columns(text, &mut Layout::default(), &mut columns);
    };
    let texts = [
        fixture!("laptop/proc/diskstats"),
        fixture!("laptop/proc/1/mountinfo"),
        fixture!("laptop/proc/net/dev"),
        fixture!("laptop/proc/net/route"),
        fixture!("laptop/proc/net/ipv6_route"),
        fixture!("laptop/proc/net/wireless"),
        fixture!("laptop/proc/pressure/io"),
        &fixture!("laptop/proc/vmstat")[1500..2100],
        fixture!("laptop/etc/resolv.conf"),
    ];
    torment(&texts, check);
}
