//! Types of `<linux/if_arp.h>`.

pub(super) const AX25: u64 = 3;
pub(super) const INFINIBAND: u64 = 32;
pub(super) const PPP: u64 = 512;
pub(super) const RAWIP: u64 = 519;
/// OpenVZ's venet, which has no other side in sysfs, and teql.
pub(super) const VOID: u64 = 65535;
/// TUNNEL, TUNNEL6, SIT, IPDDP, IPGRE, IP6GRE, NONE (WireGuard, XFRM).
pub(super) const TUNNELS: [u64; 7] = [768, 769, 776, 777, 778, 823, 65534];
/// CAN, LOOPBACK, PIMREG, IEEE80211, IEEE80211_PRISM, IEEE80211_RADIOTAP, NETLINK, VSOCKMON: a field bus, whose bytes
/// are no traffic of the network, and copies of what other interfaces carry.
pub(super) const NO_TRAFFIC: [u64; 8] = [280, 772, 779, 801, 802, 803, 824, 826];
/// SLIP, CSLIP, SLIP6, CSLIP6, RSRVD, ADAPT.
pub(super) const SLIP: std::ops::RangeInclusive<u64> = 256..=264;
