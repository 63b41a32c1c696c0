//! Memory and swap: `/proc/meminfo`.

use std::borrow::Cow;

use crate::{
    rate::Formula,
    reading::{Fault, Kind, Metric, Raw, unit},
    source::{Error, Roots, Source, file::File, parse},
};

/// `/proc/meminfo`, in the quantities of KSysGuard.
pub(super) struct Memory {
    file: File,
}

impl Memory {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            file: File::new(roots.proc.join("meminfo")),
        }
    }
}

impl Source for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn scope(&self) -> &'static [&'static str] {
        &["memory/physical/*", "memory/swap/*"]
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let text = self.file.read()?;
        let info = parse(text).map_err(|what| Error::malformed(self.file.path(), what))?;
        let quantities = info.quantities();
        Ok(METRICS
            .iter()
            .enumerate()
            .map(|(column, row)| metric(column, row, &quantities))
            .collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let text = self.file.read()?;
        read_columns(text, columns).map_err(|what| Error::malformed(self.file.path(), what))
    }
}

/// The id, the name, the description, the quantity and, for a percentage, that of which it is one.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    usize,
    Option<usize>,
);

const TOTAL: usize = 0;
const USED: usize = 1;
const FREE: usize = 2;
const APPLICATION: usize = 3;
const CACHE: usize = 4;
const BUFFER: usize = 5;
const SWAP_TOTAL: usize = 6;
const SWAP_USED: usize = 7;
const SWAP_FREE: usize = 8;

/// In bytes, each as far as its own lines were in order.
type Quantities = [Result<u64, Fault>; 9];

#[rustfmt::skip]
const METRICS: [Row; 16] = [
    ("memory/physical/total", "Total memory",
     "Memory that the kernel can use: MemTotal of /proc/meminfo", TOTAL, None),
    ("memory/physical/used", "Used memory",
     "Memory that new programs could not have without swapping: MemTotal - MemAvailable of /proc/meminfo", USED, None),
    ("memory/physical/usedPercent", "Used memory, per cent",
     "Share of the memory that is used: (MemTotal - MemAvailable) / MemTotal of /proc/meminfo", USED, Some(TOTAL)),
    ("memory/physical/free", "Available memory",
     "Memory that new programs could have without swapping: MemAvailable of /proc/meminfo, before Linux 3.14 MemFree + Buffers + Cached + SReclaimable - Shmem", FREE, None),
    ("memory/physical/freePercent", "Available memory, per cent",
     "Share of the memory that is available: MemAvailable / MemTotal of /proc/meminfo", FREE, Some(TOTAL)),
    ("memory/physical/application", "Application memory",
     "Memory that is neither free nor cache: MemTotal - MemFree - Cached - Buffers - Slab of /proc/meminfo", APPLICATION, None),
    ("memory/physical/applicationPercent", "Application memory, per cent",
     "Share of the memory that is neither free nor cache: (MemTotal - MemFree - Cached - Buffers - Slab) / MemTotal of /proc/meminfo", APPLICATION, Some(TOTAL)),
    ("memory/physical/cache", "Cache memory",
     "Memory of cached files and of the kernel's own caches: Cached + Slab of /proc/meminfo", CACHE, None),
    ("memory/physical/cachePercent", "Cache memory, per cent",
     "Share of the memory that is cache: (Cached + Slab) / MemTotal of /proc/meminfo", CACHE, Some(TOTAL)),
    ("memory/physical/buffer", "Buffer memory",
     "Memory of cached blocks of disks: Buffers of /proc/meminfo", BUFFER, None),
    ("memory/physical/bufferPercent", "Buffer memory, per cent",
     "Share of the memory that is cached blocks of disks: Buffers / MemTotal of /proc/meminfo", BUFFER, Some(TOTAL)),
    ("memory/swap/total", "Total swap",
     "Swap space, 0 where there is none: SwapTotal of /proc/meminfo", SWAP_TOTAL, None),
    ("memory/swap/used", "Used swap",
     "Swap space that is used: SwapTotal - SwapFree of /proc/meminfo", SWAP_USED, None),
    ("memory/swap/usedPercent", "Used swap, per cent",
     "Share of the swap space that is used: (SwapTotal - SwapFree) / SwapTotal of /proc/meminfo; gone while there is none", SWAP_USED, Some(SWAP_TOTAL)),
    ("memory/swap/free", "Free swap",
     "Swap space that is free: SwapFree of /proc/meminfo", SWAP_FREE, None),
    ("memory/swap/freePercent", "Free swap, per cent",
     "Share of the swap space that is free: SwapFree / SwapTotal of /proc/meminfo; gone while there is none", SWAP_FREE, Some(SWAP_TOTAL)),
];

fn metric(column: usize, row: &Row, quantities: &Quantities) -> Metric {
    let &(id, name, description, quantity, whole) = row;
    let most = match quantity {
        // Memory can be plugged in and swap be added: a total has no largest value.
        TOTAL | SWAP_TOTAL => None,
        SWAP_USED | SWAP_FREE => quantities[SWAP_TOTAL].ok(),
        _ => quantities[TOTAL].ok(),
    };
    Metric {
        id: id.into(),
        name: Cow::Borrowed(name),
        description: Cow::Borrowed(description),
        unit: Cow::Borrowed(if whole.is_some() {
            unit::PERCENT
        } else {
            unit::BYTES
        }),
        kind: Kind::Gauge,
        minimum: Some(0.0),
        maximum: match whole {
            Some(_) => Some(100.0),
            // Swap may be switched on later: what is 0 now is not the most there can be.
            None => most.filter(|&bytes| bytes > 0).map(|bytes| bytes as f64),
        },
        formula: Formula::Level(column),
    }
}

/// The columns in a text of `/proc/meminfo`.
pub(super) fn read_columns(text: &[u8], columns: &mut Vec<Raw>) -> Result<(), &'static str> {
    let quantities = parse(text)?.quantities();
    columns.extend(METRICS.iter().map(|&(_, _, _, quantity, whole)| {
        let level = match whole {
            None => quantities[quantity].map(|bytes| bytes as f64),
            Some(whole) => percent(quantities[quantity], quantities[whole]),
        };
        level.map_or_else(Raw::Fault, Raw::Number)
    }));
    Ok(())
}

fn percent(part: Result<u64, Fault>, whole: Result<u64, Fault>) -> Result<f64, Fault> {
    let (part, whole) = (part?, whole?);
    // Of no swap, nothing is no share: neither 0 nor 100 per cent of it is used.
    if whole == 0 {
        return Err(Fault::Gone);
    }
    Ok(100.0 * part as f64 / whole as f64)
}

/// The lines of `/proc/meminfo` that are asked for, in bytes. `None`: the kernel has no such line.
#[derive(Default)]
struct MemInfo {
    total: Line,
    free: Line,
    available: Line,
    buffers: Line,
    cached: Line,
    shmem: Line,
    slab: Line,
    reclaimable: Line,
    swap_total: Line,
    swap_free: Line,
}

type Line = Option<Result<u64, Fault>>;

/// Reads no further than to the last line that is asked for.
fn parse(text: &[u8]) -> Result<MemInfo, &'static str> {
    const ALL: usize = 10;
    let mut info = MemInfo::default();
    let mut found = 0;
    for (line, ended) in parse::ended_lines(text) {
        let Some((key, value)) = parse::pair(line) else {
            continue;
        };
        let place = match key {
            b"MemTotal" => &mut info.total,
            b"MemFree" => &mut info.free,
            b"MemAvailable" => &mut info.available,
            b"Buffers" => &mut info.buffers,
            b"Cached" => &mut info.cached,
            b"Shmem" => &mut info.shmem,
            b"Slab" => &mut info.slab,
            b"SReclaimable" => &mut info.reclaimable,
            b"SwapTotal" => &mut info.swap_total,
            b"SwapFree" => &mut info.swap_free,
            _ => continue,
        };
        let bytes = ended.then(|| parse::kilobytes(value)).flatten();
        found += usize::from(place.is_none());
        *place = Some(bytes.ok_or(Fault::Malformed));
        if found == ALL {
            break;
        }
    }
    if found == 0 {
        return Err("no line tells of memory");
    }
    Ok(info)
}

impl MemInfo {
    fn quantities(&self) -> Quantities {
        let mut quantities = [Err(Fault::Malformed); 9];
        quantities[TOTAL] = known(self.total);
        quantities[USED] = minus(known(self.total), &[self.available()]);
        quantities[FREE] = self.available();
        quantities[APPLICATION] = minus(
            known(self.total),
            &[self.free, self.cached, self.buffers, self.slab].map(known),
        );
        quantities[CACHE] = plus(&[self.cached, self.slab].map(known));
        quantities[BUFFER] = known(self.buffers);
        quantities[SWAP_TOTAL] = known(self.swap_total);
        quantities[SWAP_USED] = minus(known(self.swap_total), &[known(self.swap_free)]);
        quantities[SWAP_FREE] = known(self.swap_free);
        quantities
    }

    /// What the kernel says, or before Linux 3.14, when it did not, what can be guessed.
    fn available(&self) -> Result<u64, Fault> {
        self.available.unwrap_or_else(|| {
            let unused = [self.free, self.buffers, self.cached, self.reclaimable].map(known);
            // Shared memory is counted as cached, but can only be swapped.
            minus(plus(&unused), &[known(self.shmem)])
        })
    }
}

fn known(line: Line) -> Result<u64, Fault> {
    line.unwrap_or(Err(Fault::Malformed))
}

fn plus(parts: &[Result<u64, Fault>]) -> Result<u64, Fault> {
    parts.iter().try_fold(0_u64, |sum, &part| {
        sum.checked_add(part?).ok_or(Fault::Malformed)
    })
}

/// What is left of the whole. Parts that are more than it contradict it: that is no reading of 0.
fn minus(whole: Result<u64, Fault>, parts: &[Result<u64, Fault>]) -> Result<u64, Fault> {
    whole?.checked_sub(plus(parts)?).ok_or(Fault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{fixture, level, read, roots};

    fn columns(text: &str) -> Vec<Raw> {
        let mut columns = Vec::new();
        read_columns(text.as_bytes(), &mut columns).unwrap();
        columns
    }

    /// What `id` is in the laptop's text, in which `from` has become `to`.
    #[track_caller]
    fn check(from: &str, to: &str, id: &str, expected: Result<f64, Fault>) {
        let text = fixture!("laptop/proc/meminfo");
        assert!(text.contains(from));
        let columns = columns(&text.replace(from, to));
        let column = METRICS
            .iter()
            .position(|row| row.0.strip_prefix("memory/") == Some(id));
        assert_eq!(
            columns[column.unwrap()],
            expected.map_or_else(Raw::Fault, Raw::Number)
        );
    }

    const KB: f64 = 1024.0;

    #[test]
    fn quantities_of_ksysguard() {
        check("", "", "physical/total", Ok(16_000_000.0 * KB));
        check("", "", "physical/used", Ok(6_000_000.0 * KB));
        check("", "", "physical/usedPercent", Ok(37.5));
        check("", "", "physical/free", Ok(10_000_000.0 * KB));
        check("", "", "physical/freePercent", Ok(62.5));
        check("", "", "physical/application", Ok(4_000_000.0 * KB));
        check("", "", "physical/applicationPercent", Ok(25.0));
        check("", "", "physical/cache", Ok(7_500_000.0 * KB));
        check("", "", "physical/buffer", Ok(500_000.0 * KB));
        check("", "", "swap/total", Ok(8_000_000.0 * KB));
        check("", "", "swap/used", Ok(1_000_000.0 * KB));
        check("", "", "swap/usedPercent", Ok(12.5));
        check("", "", "swap/free", Ok(7_000_000.0 * KB));
        check("", "", "swap/freePercent", Ok(87.5));
    }

    #[test]
    fn before_linux_3_14() {
        let line = "MemAvailable:   10000000 kB\n";
        check(line, "", "physical/free", Ok(10_500_000.0 * KB));
        check(line, "", "physical/used", Ok(5_500_000.0 * KB));
    }

    #[test]
    fn no_swap() {
        let (total, free) = ("SwapTotal:       8000000 kB", "SwapFree:        7000000 kB");
        let text = fixture!("laptop/proc/meminfo").replace(free, "SwapFree: 0 kB");
        let columns = columns(&text.replace(total, "SwapTotal: 0 kB"));
        let (zero, gone) = (Raw::Number(0.0), Raw::Fault(Fault::Gone));
        assert_eq!(
            columns[11..],
            [zero.clone(), zero.clone(), gone.clone(), zero, gone]
        );
    }

    #[test]
    fn a_bad_line_spoils_nothing_but_its_own_columns() {
        for bad in ["x", "-1", "18014398509481984", "99999999999999999999", ""] {
            check(
                "2500000 kB",
                &format!("{bad} kB"),
                "physical/cache",
                Err(Fault::Malformed),
            );
            check(
                "2500000 kB",
                &format!("{bad} kB"),
                "physical/application",
                Err(Fault::Malformed),
            );
            check(
                "2500000 kB",
                &format!("{bad} kB"),
                "physical/used",
                Ok(6_000_000.0 * KB),
            );
        }
        check(
            "16000000",
            "9000000",
            "physical/used",
            Err(Fault::Malformed),
        );
        check("16000000", "0", "physical/bufferPercent", Err(Fault::Gone));
        check("Slab:", "Slob:", "physical/cache", Err(Fault::Malformed));
        check(
            "MemTotal:       16000000 kB",
            "MemTotal: 16000000",
            "physical/total",
            Err(Fault::Malformed),
        );
        assert_eq!(
            columns("MemTotal: 16 kB\nMemFree: 1")[0],
            Raw::Number(16.0 * KB)
        );
        assert_eq!(columns("MemTotal: 16 kB")[0], Raw::Fault(Fault::Malformed));
        assert!(read_columns(b"", &mut Vec::new()).is_err());
        assert!(read_columns(b"HugePages_Total: 0\n", &mut Vec::new()).is_err());
    }

    #[test]
    fn the_most_there_can_be() {
        let mut laptop = Memory::new(&roots("laptop"));
        let metrics = laptop.discover().unwrap();
        let maximum = |id: &str| {
            metrics
                .iter()
                .find(|metric| &*metric.id == id)
                .unwrap()
                .maximum
        };
        assert_eq!(maximum("memory/physical/used"), Some(16_000_000.0 * KB));
        assert_eq!(maximum("memory/physical/usedPercent"), Some(100.0));
        assert_eq!(maximum("memory/swap/used"), Some(8_000_000.0 * KB));
        assert_eq!(maximum("memory/swap/total"), None);
        let mut server = Memory::new(&roots("server"));
        let metrics = server.discover().unwrap();
        assert_eq!(metrics[12].maximum, None);
        assert_eq!(
            level(&metrics, &read(&mut server), "memory/physical/total"),
            2_113_640_508.0 * KB
        );
    }
}
