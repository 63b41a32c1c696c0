//! The contents of `/proc/cpuinfo`. Each architecture has its own format.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::source::parse;

/// The contents of `/proc/cpuinfo`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct CpuInfoFile {
    /// The distinct names of all CPUs, joined by commas.
    pub(super) all: Option<Arc<str>>,
    /// The name of each CPU, by its number.
    pub(super) each: BTreeMap<u32, Arc<str>>,
    /// The number of distinct cores, if every CPU has a package and a core id.
    pub(super) cores: Option<usize>,
    /// The number of CPUs.
    pub(super) count: usize,
}

/// The lines about one CPU. The fields have the names of the lines.
///
/// ```text
/// processor    : 0
/// model name    : Intel(R) Core(TM) i5-7200U CPU @ 2.50GHz
/// physical id    : 0
/// core id    : 0
/// ```
///
/// 64-bit ARM has `CPU implementer` and `CPU part` in place of a name.
#[derive(Default)]
struct CpuBlock<'a> {
    /// `None` for a block that is not about a CPU, such as the last one on ARM.
    processor: Option<u32>,
    /// The name, and the index in [`KEYS`] of its line.
    name: Option<(usize, &'a [u8])>,
    cpu_implementer: Option<&'a [u8]>,
    cpu_part: Option<&'a [u8]>,
    physical_id: Option<u64>,
    core_id: Option<u64>,
}

/// Keys of lines with a name, the best first.
const KEYS: [&[u8]; 7] = [
    b"model name", // x86, 32-bit ARM
    b"Model Name", // LoongArch
    b"cpu model",  // MIPS
    b"cpu",        // POWER, SPARC
    b"uarch",      // RISC-V
    b"Hardware",   // ARM, of the whole machine
    b"Processor",  // ARM before Linux 3.8, of the whole machine
];

/// Parses the text. Skips lines that it does not know.
pub(crate) fn parse_cpuinfo(text: &[u8]) -> CpuInfoFile {
    let mut info = CpuInfoFile::default();
    let mut machine = None;
    let mut cores = BTreeSet::new();
    let mut distinct: Vec<Arc<str>> = Vec::new();
    for block in blocks(text) {
        let name = block.name();
        let Some(number) = block.processor else {
            machine = machine.or(name);
            continue;
        };
        info.count = info.count.saturating_add(1);
        cores.extend(block.physical_id.zip(block.core_id));
        info.cores = match (block.physical_id, block.core_id) {
            (Some(_), Some(_)) if info.cores.is_some() || info.count == 1 => Some(cores.len()),
            _ => None,
        };
        if let Some(name) = name {
            // All CPUs of one model share one string.
            let known = distinct.iter().find(|known| ***known == *name).cloned();
            let name = known.unwrap_or_else(|| {
                distinct.push(name.clone());
                name
            });
            info.each.insert(number, name);
        }
    }
    info.all = match &distinct[..] {
        [] => machine,
        [only] => Some(only.clone()),
        several => Some(several.join(", ").into()),
    };
    info
}

/// The blocks of lines between empty lines.
fn blocks(text: &[u8]) -> impl Iterator<Item = CpuBlock<'_>> {
    let mut lines = parse::lines(text).peekable();
    std::iter::from_fn(move || {
        lines.peek()?;
        let mut block = CpuBlock::default();
        for line in lines
            .by_ref()
            .take_while(|line| !line.trim_ascii().is_empty())
        {
            if let Some((key, value)) = parse::pair(line) {
                block.set_field(key, value);
            }
        }
        Some(block)
    })
}

impl<'a> CpuBlock<'a> {
    fn set_field(&mut self, key: &[u8], value: &'a [u8]) {
        match key {
            b"processor" => {
                self.processor = parse::number(value).and_then(|number| number.try_into().ok())
            }
            b"physical id" => self.physical_id = parse::number(value),
            b"core id" => self.core_id = parse::number(value),
            b"CPU implementer" => self.cpu_implementer = Some(value),
            b"CPU part" => self.cpu_part = Some(value),
            _ => {
                let Some(rank) = KEYS.iter().position(|&known| known == key) else {
                    return;
                };
                // A virtual machine may hide the name; x86 then writes `unknown`.
                let is_known = !value.is_empty() && value != b"unknown";
                if is_known && self.name.is_none_or(|(best, _)| rank < best) {
                    self.name = Some((rank, value));
                }
            }
        }
    }

    fn name(&self) -> Option<Arc<str>> {
        if let Some((_, name)) = self.name {
            return Some(parse::text(name));
        }
        let (implementer, part) = (self.cpu_implementer?, self.cpu_part?);
        let part = parse::text(part);
        Some(match maker(implementer) {
            Some(maker) => format!("{maker} {part}").into(),
            None => format!("{} {part}", parse::text(implementer)).into(),
        })
    }
}

/// The maker of a 64-bit ARM CPU. The kernel shows its number only (arch/arm64/include/asm/cputype.h).
fn maker(implementer: &[u8]) -> Option<&'static str> {
    Some(match implementer {
        b"0x41" => "ARM",
        b"0x42" => "Broadcom",
        b"0x43" => "Cavium",
        b"0x46" => "Fujitsu",
        b"0x48" => "HiSilicon",
        b"0x4e" => "NVIDIA",
        b"0x50" => "APM",
        b"0x51" => "Qualcomm",
        b"0x61" => "Apple",
        b"0x6d" => "Microsoft",
        b"0xc0" => "Ampere",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::fixture;

    #[track_caller]
    fn check(text: &str, all: Option<&str>, count: usize, cores: Option<usize>) {
        let info = parse_cpuinfo(text.as_bytes());
        assert_eq!(
            (info.all.as_deref(), info.count, info.cores),
            (all, count, cores)
        );
    }

    #[test]
    fn architectures() {
        let x86 = "Intel(R) Core(TM) i5-7200U CPU @ 2.50GHz";
        check(fixture!("laptop/proc/cpuinfo"), Some(x86), 4, Some(2));
        check(
            fixture!("server/proc/cpuinfo"),
            Some("AMD EPYC 7543 32-Core Processor"),
            128,
            Some(64),
        );
        check(
            fixture!("cpuinfo/arm64"),
            Some("ARM 0xd03, ARM 0xd09"),
            4,
            None,
        );
        check(
            fixture!("cpuinfo/raspberry-no-newline"),
            Some("ARMv7 Processor rev 4 (v7l)"),
            2,
            None,
        );
        check(
            fixture!("cpuinfo/power"),
            Some("POWER9, altivec supported"),
            2,
            None,
        );
        check(fixture!("cpuinfo/riscv"), Some("sifive,u74-mc"), 2, None);
        check(fixture!("cpuinfo/s390"), None, 0, None);
    }

    #[test]
    fn missing_fields_and_newline() {
        check("", None, 0, None);
        check("\n\n\n", None, 0, None);
        check("processor : 0", None, 1, None);
        check("processor : 0\nmodel name : A", Some("A"), 1, None);
        check("processor : 0\nmodel name : unknown\n", None, 1, None);
        check(
            "processor : 0\nmodel name :\n\nHardware : BCM2711\n",
            Some("BCM2711"),
            1,
            None,
        );
        check("processor : zero\nmodel name : A\n", Some("A"), 0, None);
        check("processor : -1\n\nprocessor : 4294967296\n", None, 0, None);
        check(
            "processor : 0\nCPU implementer : 0x99\nCPU part : 0x001\n",
            Some("0x99 0x001"),
            1,
            None,
        );
        let core =
            |number, core| format!("processor : {number}\nphysical id : 0\ncore id : {core}\n\n");
        check(&(core(0, 0) + &core(1, 0)), None, 2, Some(1));
        check(&(core(0, 0) + &core(1, 7)), None, 2, Some(2));
        check(
            &(core(0, 0) + "processor : 1\n\n" + &core(2, 1)),
            None,
            3,
            None,
        );
    }

    #[test]
    fn each_has_its_own_name() {
        let info = parse_cpuinfo(fixture!("cpuinfo/arm64").as_bytes());
        let each: Vec<_> = info
            .each
            .iter()
            .map(|(number, name)| (*number, &**name))
            .collect();
        assert_eq!(each[1..3], [(1, "ARM 0xd03"), (2, "ARM 0xd09")]);
    }
}
