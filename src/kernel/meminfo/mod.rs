//! Memory and swap: `/proc/meminfo`.

mod table;

use crate::{
    metric::{Group, Metric, Object},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Roots, Source,
        file::File,
        parse::{self, layout::Layout},
    },
};

use table::{HUGE_TOTAL, METRICS, MemoryMetric, OBJECTS, SWAP_FREE, SWAP_TOTAL, SWAP_USED, TOTAL};

/// The quantities of KSysGuard, from `/proc/meminfo`.
pub(super) struct Memory {
    file: File,
    layout: Layout<{ LINES.len() }>,
    /// Whether there was swap space at the last reading. Swap areas come and go.
    has_swap: bool,
    /// Whether the last discovery has listed the shares of the swap space. Without swap space there are none.
    listed_shares: bool,
}

impl Memory {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            file: File::new(roots.proc.join("meminfo")),
            layout: Layout::default(),
            has_swap: false,
            listed_shares: false,
        }
    }
}

impl Source for Memory {
    fn about(&self) -> About<'_> {
        About::new(
            "memory",
            &["memory/physical/*", "memory/swap/*", "memory/hugepages/*"],
        )
        .of_devices(&["swap"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let text = self.file.read()?;
        // A kernel built without huge pages has no such lines.
        let has_huge_pages = self.layout.find(text, &LINES)[*PAGES.start()].is_some();
        let quantities = quantities(text, &mut self.layout)
            .map_err(|what| Error::malformed(self.file.path(), what))?;
        let has_swap = has_swap(&quantities);
        self.listed_shares = has_swap;
        self.has_swap = has_swap;
        let objects = OBJECTS.map(|(id, title)| (id, Object::new(title, Group::Memory)));
        Ok(METRICS
            .iter()
            .enumerate()
            .filter(|(_, row)| has_huge_pages || row.2 < HUGE_TOTAL)
            .filter(|(_, row)| has_swap || row.3 != Some(SWAP_TOTAL))
            .map(|(column, row)| metric(column, row, &objects, &quantities))
            .collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let text = self.file.read()?;
        let quantities = quantities(text, &mut self.layout)
            .map_err(|what| Error::malformed(self.file.path(), what))?;
        self.has_swap = has_swap(&quantities);
        add_columns(&quantities, columns);
        Ok(())
    }

    fn changed(&self) -> bool {
        self.has_swap != self.listed_shares
    }
}

/// Bytes, or the fault of the lines that they are made of.
type Amount = Result<u64, Fault>;

/// In the order of the constants in `table`.
type Quantities = [Amount; 15];

fn metric(
    column: usize,
    row: &MemoryMetric,
    objects: &[(&str, Object)],
    quantities: &Quantities,
) -> Metric {
    let (which, property, quantity, _) = row;
    let (id, object) = &objects[*which];
    let most = match *quantity {
        // Memory can be plugged in and swap be added, so a total has no maximum.
        TOTAL | SWAP_TOTAL | HUGE_TOTAL => None,
        SWAP_USED | SWAP_FREE => quantities[SWAP_TOTAL].ok(),
        _ => quantities[TOTAL].ok(),
    };
    let metric = property.of("memory", id.as_bytes(), object, Formula::Level(column));
    Metric {
        // Swap may be enabled later, so a size of 0 is no maximum.
        maximum: metric
            .maximum
            .or(most.filter(|&bytes| bytes > 0).map(|bytes| bytes as f64)),
        ..metric
    }
}

/// Whether there is swap space, or the file does not say.
fn has_swap(quantities: &Quantities) -> bool {
    quantities[SWAP_TOTAL] != Ok(0)
}

/// The columns in a text of `/proc/meminfo`.
#[cfg(test)]
pub(super) fn read_columns(
    text: &[u8],
    layout: &mut Layout<{ LINES.len() }>,
    columns: &mut Vec<Raw>,
) -> Result<(), &'static str> {
    add_columns(&quantities(text, layout)?, columns);
    Ok(())
}

fn add_columns(quantities: &Quantities, columns: &mut Vec<Raw>) {
    columns.extend(METRICS.iter().map(|&(_, _, quantity, whole)| {
        let level = match whole {
            None => quantities[quantity].map(|bytes| bytes as f64),
            Some(whole) => percent(quantities[quantity], quantities[whole]),
        };
        level.map_or_else(Raw::Fault, Raw::Number)
    }));
}

fn percent(part: Amount, whole: Amount) -> Result<f64, Fault> {
    let (part, whole) = (part?, whole?);
    // The swap space has gone since discovery listed its shares: neither 0 nor 100 per cent of it is used.
    if whole == 0 {
        return Err(Fault::Gone);
    }
    Ok(100.0 * part as f64 / whole as f64)
}

/// The lines that are read, up to the number, in the order of the file. They are few of fifty, so there is no
/// struct of the file.
///
/// ```text
/// MemTotal:       16000000 kB
/// HugePages_Total:      16
/// ```
///
/// `MemAvailable` exists since Linux 3.14, `Shmem` since 2.6.32, `SReclaimable` since 2.6.19; the lines of huge
/// pages exist if the kernel has them (`CONFIG_HUGETLB_PAGE`).
const LINES: [&[u8]; 14] = [
    b"MemTotal:",
    b"MemFree:",
    b"MemAvailable:",
    b"Buffers:",
    b"Cached:",
    b"SwapTotal:",
    b"SwapFree:",
    b"Dirty:",
    b"Shmem:",
    b"Slab:",
    b"SReclaimable:",
    b"HugePages_Total:",
    b"HugePages_Free:",
    b"Hugepagesize:",
];

/// The indices in [`LINES`] of lines that count pages, not kilobytes.
const PAGES: std::ops::RangeInclusive<usize> = 11..=12;

/// The quantities in a text of `/proc/meminfo`.
fn quantities(
    text: &[u8],
    layout: &mut Layout<{ LINES.len() }>,
) -> Result<Quantities, &'static str> {
    let found = layout.find(text, &LINES);
    if found[..*PAGES.start()].iter().all(Option::is_none) {
        return Err("no line tells of memory");
    }
    let amounts: [Option<Amount>; LINES.len()] = std::array::from_fn(|which| {
        let value = found[which]?;
        let amount = if PAGES.contains(&which) {
            parse::ended_number(value)
        } else {
            parse::kilobytes(value)
        };
        Some(amount.ok_or(Fault::Malformed))
    });
    let [
        total,
        free,
        _,
        buffers,
        cached,
        swap_total,
        swap_free,
        dirty,
        shmem,
        slab,
        reclaimable,
        huge_total,
        huge_free,
        huge_size,
    ] = amounts.map(|amount| amount.unwrap_or(Err(Fault::Malformed)));
    // Linux before 3.14 has no MemAvailable. Shared memory is part of the cache, but cannot be reclaimed.
    let available = amounts[2]
        .unwrap_or_else(|| minus(plus(plus(plus(free, buffers), cached), reclaimable), shmem));
    let cache = plus(cached, slab);
    Ok([
        total,
        minus(total, available),
        available,
        minus(minus(minus(total, free), cache), buffers),
        cache,
        buffers,
        swap_total,
        minus(swap_total, swap_free),
        swap_free,
        shmem,
        slab,
        dirty,
        times(huge_total, huge_size),
        times(minus(huge_total, huge_free), huge_size),
        times(huge_free, huge_size),
    ])
}

fn plus(one: Amount, other: Amount) -> Amount {
    one?.checked_add(other?).ok_or(Fault::Malformed)
}

fn times(count: Amount, size: Amount) -> Amount {
    count?.checked_mul(size?).ok_or(Fault::Malformed)
}

/// The difference. A part that is larger than the whole is malformed, not 0.
fn minus(whole: Amount, part: Amount) -> Amount {
    whole?.checked_sub(part?).ok_or(Fault::Malformed)
}

#[cfg(test)]
mod tests;
