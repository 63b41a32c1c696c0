//! The kernel's interfaces: a file or a folder each.
//!
//! Each is called by the file or directory of /proc or /sys that it reads, or by the call. Three read what user
//! space keeps: [`os_release`], [`resolv_conf`] and [`users`]. Three join several interfaces: [`cpu_temperature`],
//! [`disk_names`] and [`lmsensors`]. Two are what several stand on: [`interfaces`], the names and hardware of network
//! interfaces, and [`per_cpu`], a file of each CPU and the average of all.

mod block;
mod cpu_temperature;
mod cpufreq;
mod cpuinfo;
mod disk_names;
mod diskstats;
mod entropy_avail;
mod file_nr;
mod gpu;
mod hwmon;
mod ifaddrs;
mod interfaces;
mod lmsensors;
mod loadavg;
mod meminfo;
pub(crate) mod mountinfo;
mod net_class;
mod net_dev;
mod os_release;
mod per_cpu;
mod power_supply;
mod powercap;
mod pressure;
mod resolv_conf;
mod route;
mod stat;
mod statvfs;
#[cfg(test)]
mod tests;
mod thermal;
mod uname;
mod uptime;
mod users;
mod vmstat;
mod wireless;
mod zram;

use crate::source::{Roots, Source, pool::Pool, rest::Powers};

/// The sources that read the kernel's interfaces, none of them opened yet. `network_mounts`: whether file
/// systems are asked for their room that are on the network, or that autofs has mounted.
pub(crate) fn sources(roots: &Roots, network_mounts: bool, pool: &Pool) -> Vec<Box<dyn Source>> {
    let powers = Powers::default();
    let mut sources: Vec<Box<dyn Source>> = vec![
        Box::new(stat::Cpu::new(roots)),
        Box::new(cpuinfo::CpuInfo::new(roots)),
        cpufreq::source(roots, pool),
        cpu_temperature::source(roots, pool),
        lmsensors::source(roots, pool, powers.clone()),
        Box::new(gpu::Family::new(roots, pool, powers.clone())),
        Box::new(loadavg::LoadAverages::new(roots)),
        Box::new(meminfo::Memory::new(roots)),
        Box::new(vmstat::VmStat::new(roots)),
        Box::new(zram::Zram::new(roots)),
        Box::new(users::Users::new(roots)),
        Box::new(diskstats::Counters::new(roots)),
        Box::new(disk_names::Names::new(roots, network_mounts)),
        Box::new(statvfs::Space::new(roots, network_mounts, pool)),
        Box::new(net_dev::Counters::new(roots)),
        Box::new(net_class::Link::state(roots)),
        Box::new(net_class::Link::speed(roots)),
        Box::new(net_class::Link::name(roots)),
        Box::new(wireless::Wireless::new(roots)),
        Box::new(ifaddrs::Addresses::new(roots)),
        Box::new(route::Gateways::ipv4(roots)),
        Box::new(route::Gateways::ipv6(roots)),
        Box::new(resolv_conf::Dns::new(roots)),
        power_supply::family(roots, pool, powers),
        powercap::family(roots),
        Box::new(file_nr::OpenFiles::new(roots)),
        Box::new(entropy_avail::Entropy::new(roots)),
        Box::new(uname::Kernel::new(roots)),
        Box::new(uname::Hostname::new(roots)),
        Box::new(os_release::OsRelease::new(roots)),
        Box::new(uptime::Uptime::new(roots)),
    ];
    sources.extend(pressure::sources(roots));
    sources
}
