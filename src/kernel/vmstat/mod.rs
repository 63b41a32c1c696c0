//! Paging and out-of-memory kills: `/proc/vmstat`.

use nix::unistd::{SysconfVar, sysconf};

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Roots, Source,
        file::File,
        parse::{self, layout::Layout},
        property::Property,
    },
};

/// The lines of `/proc/vmstat` about paging and out-of-memory kills.
pub(super) struct VmStat {
    file: File,
    /// Whether this kernel has each line of [`LINES`].
    has_line: [bool; LINES.len()],
    layout: Layout<{ LINES.len() }>,
}

/// The lines that are read, up to the number, in the order of the file. They are few of more than a hundred, so
/// there is no struct of the file.
///
/// ```text
/// pgpgin 9510317
/// pgfault 75786585
/// ```
///
/// `oom_kill` exists since Linux 4.13.
const LINES: [&[u8]; 7] = [
    b"pgpgin ",
    b"pgpgout ",
    b"pswpin ",
    b"pswpout ",
    b"pgfault ",
    b"pgmajfault ",
    b"oom_kill ",
];

/// The properties in the order of the lines, and the unit of the counter; none for a total.
const PROPERTIES: [(Property, Option<CountUnit>); LINES.len()] = [
    (
        Property::new(
            "in",
            "Paged in",
            "Data read from disks per second.",
            "growth of pgpgin (KiB) in /proc/vmstat per second",
            unit::BYTES_PER_SECOND,
            Kind::Rate,
        ),
        Some(CountUnit::Kibibyte),
    ),
    (
        Property::new(
            "out",
            "Paged out",
            "Data written to disks per second.",
            "growth of pgpgout (KiB) in /proc/vmstat per second",
            unit::BYTES_PER_SECOND,
            Kind::Rate,
        ),
        Some(CountUnit::Kibibyte),
    ),
    (
        Property::new(
            "swapIn",
            "Swapped in",
            "Data read back from the swap space per second.",
            "growth of pswpin in /proc/vmstat per second × page size",
            unit::BYTES_PER_SECOND,
            Kind::Rate,
        ),
        Some(CountUnit::Page),
    ),
    (
        Property::new(
            "swapOut",
            "Swapped out",
            "Data written to the swap space per second.",
            "growth of pswpout in /proc/vmstat per second × page size",
            unit::BYTES_PER_SECOND,
            Kind::Rate,
        ),
        Some(CountUnit::Page),
    ),
    (
        Property::new(
            "faults",
            "Page faults",
            "Accesses to memory per second for which the kernel had to provide a page.",
            "growth of pgfault in /proc/vmstat per second",
            unit::PER_SECOND,
            Kind::Rate,
        ),
        Some(CountUnit::One),
    ),
    (
        Property::new(
            "majorFaults",
            "Major page faults",
            "Accesses to memory per second that had to wait for a disk.",
            "growth of pgmajfault in /proc/vmstat per second",
            unit::PER_SECOND,
            Kind::Rate,
        )
        .short("Major faults"),
        Some(CountUnit::One),
    ),
    (
        Property::new(
            "oomKills",
            "OOM kills",
            "Processes that the kernel has killed since boot because memory ran out.",
            "oom_kill of /proc/vmstat (since Linux 4.13)",
            unit::ONE,
            Kind::Total,
        ),
        None,
    ),
];

#[derive(Clone, Copy)]
enum CountUnit {
    One,
    Kibibyte,
    Page,
}

impl VmStat {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            // All these lines are in the first page of the text. The rest would cost as much again, because the
            // kernel sums its counters again for each page.
            file: File::new(roots.proc.join("vmstat")),
            has_line: [false; LINES.len()],
            layout: Layout::default(),
        }
    }

    /// Reads the whole file from now on.
    fn read_whole_file(&mut self) {
        self.file = File::of_records(self.file.path());
    }
}

impl Source for VmStat {
    fn about(&self) -> About<'_> {
        About::new("memory", &["memory/paging/*"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let is_there = |found: [Option<&[u8]>; LINES.len()]| found.map(|line| line.is_some());
        let mut has_line = is_there(self.layout.find(self.file.read()?, &LINES));
        if has_line.contains(&false) {
            self.read_whole_file();
            has_line = is_there(self.layout.find(self.file.read()?, &LINES));
        }
        if !has_line.contains(&true) {
            return Err(Error::malformed(self.file.path(), NO_LINE));
        }
        self.has_line = has_line;
        let object = Object::new("Paging", Group::Memory);
        let properties = PROPERTIES.iter().enumerate();
        Ok(properties
            .filter(|(column, _)| self.has_line[*column])
            .map(|(column, (property, unit_of_count))| {
                let formula = match unit_of_count {
                    None => Formula::Level(column),
                    Some(unit_of_count) => Formula::Rate {
                        counter: column,
                        scale: scale(*unit_of_count),
                    },
                };
                property.of("memory", b"paging", &object, formula)
            })
            .collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let text = self.file.read()?;
        read_columns(text, &mut self.layout, columns)
            .map_err(|what| Error::malformed(self.file.path(), what))?;
        let is_gone =
            |(has_line, column): (&bool, &Raw)| *has_line && *column == Raw::Fault(Fault::Gone);
        if self.has_line.iter().zip(columns.iter()).any(is_gone) {
            // The numbers have grown, and a line has moved beyond the first page.
            columns.clear();
            self.read_whole_file();
            let text = self.file.read()?;
            read_columns(text, &mut self.layout, columns)
                .map_err(|what| Error::malformed(self.file.path(), what))?;
        }
        Ok(())
    }
}

const NO_LINE: &str = "no line tells of paging";

fn scale(unit_of_count: CountUnit) -> f64 {
    match unit_of_count {
        CountUnit::One => 1.0,
        CountUnit::Kibibyte => 1024.0,
        CountUnit::Page => {
            let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
            size.expect("POSIX has the size of a page") as f64
        }
    }
}

/// The columns in a text of `/proc/vmstat`.
pub(super) fn read_columns(
    text: &[u8],
    layout: &mut Layout<{ LINES.len() }>,
    columns: &mut Vec<Raw>,
) -> Result<(), &'static str> {
    let found = layout.find(text, &LINES);
    if found.iter().all(Option::is_none) {
        return Err(NO_LINE);
    }
    columns.extend(found.map(|value| match value.map(parse::ended_number) {
        Some(Some(count)) => Raw::Counter(count),
        Some(None) => Raw::Fault(Fault::Malformed),
        None => Raw::Fault(Fault::Gone),
    }));
    Ok(())
}

#[cfg(test)]
mod tests;
