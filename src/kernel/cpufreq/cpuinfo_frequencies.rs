//! The frequencies in `/proc/cpuinfo`, for machines without cpufreq, such as virtual ones.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    kernel::per_cpu::{CpuQuantity, summary},
    metric::Metric,
    reading::{Fault, Raw},
    source::{About, Error, Roots, Source, file::File, offload::Offloadable, parse},
};

/// The frequencies of all CPUs.
pub(super) struct CpuInfoFrequencies {
    quantity: &'static CpuQuantity,
    cpuinfo: File,
    /// The numbers of the CPUs that have columns, after those of all CPUs. The list only grows.
    columns: Vec<u32>,
}

/// The frequencies of a text, in megahertz, by the numbers of the CPUs; none where the kernel does not know it.
///
/// ```text
/// processor       : 0
/// cpu MHz         : 2669.291
/// ```
///
/// LoongArch has `CPU MHz`, POWER `clock : 3800.000000MHz`, and s390 blocks with `cpu number` and `cpu MHz dynamic`.
/// BogoMIPS is no frequency.
fn parse_frequencies(text: &[u8]) -> BTreeMap<u32, Option<f64>> {
    let mut frequencies = BTreeMap::new();
    let mut cpu = None;
    for (key, value) in parse::lines(text).filter_map(parse::pair) {
        match key {
            b"processor" | b"cpu number" => {
                cpu = parse::number(value).and_then(|number| number.try_into().ok());
            }
            b"cpu MHz" | b"CPU MHz" | b"cpu MHz dynamic" | b"clock" => {
                let Some(cpu) = cpu else { continue };
                let number = match key {
                    b"clock" => value.strip_suffix(b"MHz"),
                    _ => Some(value),
                };
                let megahertz = number.and_then(|number| parse::decimal(number.trim_ascii()));
                frequencies.insert(cpu, megahertz.filter(|&megahertz| megahertz > 0.0));
            }
            _ => {}
        }
    }
    frequencies
}

impl CpuInfoFrequencies {
    /// The source, if the text has a frequency.
    pub(super) fn find(quantity: &'static CpuQuantity, roots: &Roots) -> Option<Self> {
        let path = roots.proc.join("cpuinfo");
        let frequencies = parse_frequencies(File::of_records(&path).read().ok()?);
        (!frequencies.is_empty()).then(|| Self {
            quantity,
            cpuinfo: File::of_records(path),
            columns: frequencies.into_keys().collect(),
        })
    }
}

impl Source for CpuInfoFrequencies {
    fn about(&self) -> About<'_> {
        self.quantity.about()
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let frequencies = parse_frequencies(self.cpuinfo.read()?);
        let new = frequencies.into_keys();
        let new: Vec<_> = new.filter(|cpu| !self.columns.contains(cpu)).collect();
        self.columns.extend(new);
        Ok(self.metrics())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let frequencies = parse_frequencies(self.cpuinfo.read()?);
        let known: Vec<_> = frequencies.values().filter_map(|known| *known).collect();
        columns.extend(summary(&known, Fault::Stale));
        columns.extend(self.columns.iter().map(|cpu| match frequencies.get(cpu) {
            Some(Some(megahertz)) => Raw::Number(*megahertz),
            Some(None) => Raw::Fault(Fault::Stale),
            None => Raw::Fault(Fault::Gone),
        }));
        Ok(())
    }
}

impl Offloadable for CpuInfoFrequencies {
    fn metrics(&self) -> Vec<Metric> {
        let mut metrics = self.quantity.metrics_of_all();
        let first = metrics.len();
        let columns = self.columns.iter().enumerate();
        metrics.extend(columns.map(|(index, &cpu)| {
            self.quantity
                .metric_of_one(cpu, first.saturating_add(index))
        }));
        metrics
    }

    fn path(&self) -> PathBuf {
        self.cpuinfo.path().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(u32, Option<f64>)]) {
        let found = parse_frequencies(text.as_bytes());
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn each_architecture_has_its_own_line() {
        check(
            "processor\t: 0\ncpu MHz\t\t: 2669.291\n\nprocessor\t: 1\ncpu MHz\t\t: Unknown\n",
            &[(0, Some(2669.291)), (1, None)],
        );
        check(
            "processor\t\t: 3\nCPU MHz\t\t\t: 2500.00\nBogoMIPS\t\t: 5000.00\n",
            &[(3, Some(2500.0))],
        );
        check(
            "processor\t: 8\ncpu\t\t: POWER9 (raw), altivec supported\nclock\t\t: 3800.000000MHz\n\ntimebase\t: 512000000\n",
            &[(8, Some(3800.0))],
        );
        check(
            "processor 0: version = FF,  identification = 0133E8,  machine = 3906\n\ncpu number      : 0\ncpu MHz dynamic : 5208\ncpu MHz static  : 5208\n",
            &[(0, Some(5208.0))],
        );
        check("processor\t: 0\nBogoMIPS\t: 108.00\n", &[]);
        check("cpu MHz : 1000\n", &[]);
        check("processor : 0\ncpu MHz : 0.000\n", &[(0, None)]);
    }
}
