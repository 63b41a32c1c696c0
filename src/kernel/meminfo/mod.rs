//! Memory and swap: `/proc/meminfo`.

mod arcstats;
mod quantities;
mod record;
mod table;

use crate::{
    metric::{Group, Metric, Object},
    rate::Formula,
    reading::{Fault, Raw},
    source::{About, Error, Roots, Source, file::File, parse::layout::Layout},
};

use arcstats::ArcStatsFile;
use quantities::{Quantities, quantities};
use record::{LINES, Line, MemInfo};
use table::{HUGE_TOTAL, METRICS, MemoryMetric, OBJECTS, SWAP_FREE, SWAP_TOTAL, SWAP_USED, TOTAL};

/// The quantities of KSysGuard, from `/proc/meminfo`.
pub(super) struct Memory {
    roots: Roots,
    file: File,
    layout: Layout<{ LINES.len() }>,
    /// None without ZFS.
    arc: Option<ArcStatsFile>,
    /// Whether there was swap space at the last reading. Swap areas come and go.
    has_swap: bool,
    /// Whether the last discovery has listed the shares of the swap space. Without swap space there are none.
    listed_shares: bool,
}

impl Memory {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            file: File::new(roots.proc.join("meminfo")),
            layout: Layout::default(),
            arc: None,
            has_swap: false,
            listed_shares: false,
        }
    }

    fn lines(&mut self) -> Result<MemInfo, Error> {
        MemInfo::parse(self.file.read()?, &mut self.layout)
            .map_err(|what| Error::malformed(self.file.path(), what))
    }

    fn quantities(&mut self, lines: &MemInfo) -> Quantities {
        let arc = self.arc.as_mut();
        let [arc, shrinkable] = arc.map_or([None; 2], |arc| arc.amounts(lines));
        let quantities = quantities(lines, arc, shrinkable);
        self.has_swap = has_swap(&quantities);
        quantities
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
        let lines = self.lines()?;
        self.arc = ArcStatsFile::find(&self.roots, &lines);
        let quantities = self.quantities(&lines);
        let has_swap = self.has_swap;
        self.listed_shares = has_swap;
        let objects = OBJECTS.map(|(id, title)| (id, Object::new(title, Group::Memory)));
        // A kernel without huge pages, for example, has no lines of them.
        let is_told = |quantity: usize| quantities[quantity].is_some();
        Ok(METRICS
            .iter()
            .enumerate()
            .filter(|(_, row)| is_told(row.2) && row.3.is_none_or(is_told))
            .filter(|(_, row)| has_swap || row.3 != Some(SWAP_TOTAL))
            .map(|(column, row)| metric(column, row, &objects, &quantities))
            .collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let lines = self.lines()?;
        add_columns(&self.quantities(&lines), columns);
        Ok(())
    }

    fn changed(&self) -> bool {
        self.has_swap != self.listed_shares
    }
}

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
        SWAP_USED | SWAP_FREE => quantities[SWAP_TOTAL],
        _ => quantities[TOTAL],
    };
    let most = most.and_then(Result::ok);
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
    quantities[SWAP_TOTAL] != Some(Ok(0))
}

/// The columns in a text of `/proc/meminfo`.
#[cfg(test)]
pub(super) fn read_columns(
    text: &[u8],
    layout: &mut Layout<{ LINES.len() }>,
    columns: &mut Vec<Raw>,
) -> Result<(), &'static str> {
    let lines = MemInfo::parse(text, layout)?;
    add_columns(&quantities(&lines, None, None), columns);
    Ok(())
}

fn add_columns(quantities: &Quantities, columns: &mut Vec<Raw>) {
    columns.extend(METRICS.iter().map(|&(_, _, quantity, whole)| {
        let level = match whole {
            None => told(quantities[quantity]).map(|bytes| bytes as f64),
            Some(whole) => percent(quantities[quantity], quantities[whole]),
        };
        level.map_or_else(Raw::Fault, Raw::Number)
    }));
}

/// The amount of a quantity that discovery has listed.
fn told(quantity: Line) -> Result<u64, Fault> {
    quantity.unwrap_or(Err(Fault::Gone))
}

fn percent(part: Line, whole: Line) -> Result<f64, Fault> {
    let (part, whole) = (told(part)?, told(whole)?);
    // The swap space has gone since discovery listed its shares: neither 0 nor 100 per cent of it is used.
    if whole == 0 {
        return Err(Fault::Gone);
    }
    Ok(100.0 * part as f64 / whole as f64)
}

#[cfg(test)]
mod tests;
