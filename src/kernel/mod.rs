//! The interfaces of the kernel: a file or a folder for each.
//!
//! A module is named after the file or directory of /proc or /sys that it reads, or after the system call.
//! Three modules read files of user space: [`os_release`], [`resolv_conf`] and [`users`]. Three join several
//! interfaces: [`cpu_temperature`], [`disk_names`] and [`lmsensors`]. Six are shared by several modules:
//! [`interfaces`] lists network interfaces and their hardware, [`per_cpu`] reads an attribute of each CPU
//! and the average of all, [`first_value`] reads the first of several files that has a value, [`online_cpus`] lists the
//! CPUs, [`lxcfs`] tells files of a container from those of its host, and [`own_kernel`] tells where a system call may take
//! the place of a file.

mod block;
mod cgroup;
mod cpu_temperature;
mod cpufreq;
mod cpuinfo;
mod disk_names;
mod diskstats;
mod entropy_avail;
mod file_nr;
mod first_value;
mod gpu;
mod hwmon;
mod ifaddrs;
mod interfaces;
mod lmsensors;
mod loadavg;
mod lxcfs;
mod meminfo;
pub(crate) mod mountinfo;
mod net_class;
mod net_dev;
pub(crate) mod online_cpus;
mod os_release;
mod own_kernel;
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

use crate::source::{Provider, Roots, pool::Pool, runtime_pm::PowerStates};

/// The sources that read the interfaces of the kernel. None is open yet. `network_mounts` says whether the
/// space of network file systems, and of file systems that autofs has mounted, is read as well.
pub(crate) fn sources(roots: &Roots, network_mounts: bool, pool: &Pool) -> Vec<Provider> {
    let interfaces = &interfaces::Interfaces::new(roots);
    let powers = PowerStates::default();
    let mut sources = vec![
        Provider::source(stat::CpuCounters::new(roots)),
        Provider::source(cpuinfo::CpuInfo::new(roots)),
        cpufreq::family(roots, pool),
        cpu_temperature::family(roots, pool),
        lmsensors::family(roots, pool, powers.clone()),
        Provider::family(gpu::Family::new(roots, pool, powers)),
        Provider::source(loadavg::LoadAverages::new(roots)),
        Provider::source(meminfo::Memory::new(roots)),
        Provider::source(vmstat::VmStat::new(roots)),
        Provider::source(cgroup::CgroupLimits::new(roots)),
        Provider::source(zram::Zram::new(roots)),
        Provider::source(users::Users::new(roots)),
        Provider::source(diskstats::DiskCounters::new(roots)),
        Provider::source(disk_names::DiskNames::new(roots, network_mounts)),
        Provider::source(statvfs::FileSystemSpace::new(roots, network_mounts, pool)),
        Provider::source(net_dev::InterfaceCounters::new(interfaces)),
        Provider::source(net_class::InterfaceAttribute::state(interfaces)),
        Provider::source(net_class::InterfaceAttribute::speed(interfaces)),
        Provider::source(net_class::InterfaceAttribute::alias(interfaces)),
        Provider::source(wireless::Wireless::new(roots)),
        Provider::source(ifaddrs::Addresses::new(interfaces)),
        Provider::source(route::DefaultGateways::ipv4(interfaces)),
        Provider::source(route::DefaultGateways::ipv6(interfaces)),
        Provider::source(resolv_conf::NameServers::new(interfaces)),
        power_supply::family(roots, pool),
        powercap::family(roots),
        Provider::source(file_nr::OpenFiles::new(roots)),
        Provider::source(entropy_avail::Entropy::new(roots)),
        Provider::source(uname::KernelRelease::new(roots)),
        Provider::source(uname::Hostname::new(roots)),
        Provider::source(os_release::OsRelease::new(roots)),
        Provider::source(uptime::Uptime::new(roots)),
    ];
    sources.extend(pressure::sources(roots).into_iter().map(Provider::Source));
    sources
}
