//! PPP and SLIP: over a serial line, or over another interface.

use super::{check, check_beside};

#[test]
fn a_serial_line_is_counted_beside_hardware() {
    let interfaces = ["lo", "eth0 device", "ppp0 type=512"];
    check(&interfaces, "eth0 ppp0");
    check(
        &[
            "eth0 device type=1",
            "sl0 type=256",
            "eql type=256",
            "ax0 type=3",
        ],
        "eth0 sl0 ax0",
    );
    check(&["eth0 device type=1", "plip0 type=1"], "eth0 plip0");
    check(&["lo", "ppp0 type=512", "wg0 type=65534"], "ppp0");
    // By the name, where the type is unknown.
    check(&["eth0 device", "ppp0 operstate=unknown"], "eth0 ppp0");
    check(&["eth0 device", "pppoe-wan type=512"], "eth0 pppoe-wan");
}

#[test]
fn a_session_over_ethernet_or_l2tp_is_carried() {
    let interfaces = ["lo", "eth0 device", "ppp0 type=512"];
    let header = "Id       Address              Device\n";
    check_beside(&[("pppoe", header)], &interfaces, "eth0 ppp0");
    let session = format!("{header}01000000 00:11:22:33:44:55     eth0\n");
    check_beside(&[("pppoe", &session)], &interfaces, "eth0");
    let header = "PPPoL2TP driver info, V2.0\n  SESSION name, addr/port src-tid/sid dest-tid/sid state user-data-ok\n";
    check_beside(&[("pppol2tp", header)], &interfaces, "eth0 ppp0");
    let session = format!("{header}  SESSION 'ppp0' 01020304/1701\n");
    check_beside(&[("pppol2tp", &session)], &interfaces, "eth0");
    let named = format!("{header}  SESSION '' 01020304/1701\n   interface ppp1\n");
    let both = ["eth0 device", "ppp0 type=512", "ppp1 type=512"];
    check_beside(&[("pppol2tp", &named)], &both, "eth0 ppp0");
}

#[test]
fn ppp_to_a_server_behind_a_gateway_is_carried() {
    let interfaces = ["eth0 device", "ppp0 type=512"];
    let header = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n";
    let check = |lines: &[&str], expected: &str| {
        let text = format!("{header}{}\n", lines.join("\n"));
        check_beside(&[("route", &text)], &interfaces, expected);
    };
    let local = "eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF";
    let server = "eth0\t08080808\t0101A8C0\t0007\t0\t0\t0\tFFFFFFFF";
    let by_eth0 = "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000";
    let by_ppp0 = "ppp0\t00000000\t00000000\t0001\t0\t0\t700\t00000000";
    let unreachable = "eth0\t08080808\t0101A8C0\t0207\t0\t0\t0\tFFFFFFFF";
    check(&[local], "eth0 ppp0");
    check(&[local, server, by_ppp0], "eth0");
    check(&[local, by_eth0], "eth0");
    // Two ways out: a modem beside Ethernet.
    check(&[local, by_eth0, by_ppp0], "eth0 ppp0");
    check(&[local, by_ppp0, unreachable], "eth0 ppp0");
    // The router is reached by a bridge on top of the carrier.
    let table = format!("{header}{}\n", server.replace("eth0", "br0"));
    let bridged = [
        "eth0 device",
        "br0 type=1 bridge lower_eth0",
        "ppp0 type=512",
    ];
    check_beside(&[("route", &table)], &bridged, "eth0");
    let zeros = "0".repeat(32);
    let ipv6 = |length: &str, flags: &str| {
        format!("{zeros} {length} {zeros} 00 {zeros} 00000400 00000001 00000000 {flags}     eth0\n")
    };
    check_beside(
        &[("ipv6_route", &ipv6("00", "00000003"))],
        &interfaces,
        "eth0",
    );
    check_beside(
        &[("ipv6_route", &ipv6("80", "00000003"))],
        &interfaces,
        "eth0",
    );
    check_beside(
        &[("ipv6_route", &ipv6("80", "01000003"))],
        &interfaces,
        "eth0 ppp0",
    );
}

#[test]
fn an_interface_without_link_carries_nothing() {
    let header = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n";
    let by_eth0 = "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\n";
    let table = [header, by_eth0].concat();
    let interfaces = |state: &str| {
        [
            format!("eth0 device operstate={state}"),
            "ppp0 type=512".to_owned(),
        ]
    };
    for (state, expected) in [("down", "eth0 ppp0"), ("up", "eth0"), ("unknown", "eth0")] {
        let interfaces = interfaces(state);
        let interfaces: Vec<_> = interfaces.iter().map(String::as_str).collect();
        check_beside(&[("route", &table)], &interfaces, expected);
    }
}
