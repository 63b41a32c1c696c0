//! The traffic of network interfaces: `/proc/net/dev`.

mod columns;

use crate::{
    kernel::interfaces,
    metric::{Group, Metric, Object},
    reading::{Fault, Raw},
    source::{
        About, Error, Roots, Source, parse,
        rows::table::{self, Format, Found, Table},
    },
};

use columns::*;

/// The lines of `/proc/net/dev`: the totals, and then a row of columns for each interface.
pub(super) struct InterfaceCounters {
    roots: Roots,
    table: Table<NetDev, Vec<u8>>,
}

impl InterfaceCounters {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            table: Table::new(roots.proc.join("net/dev")),
        }
    }
}

impl Source for InterfaceCounters {
    fn about(&self) -> About<'_> {
        About::new(
            "network",
            &[
                "network/*/download",
                "network/*/upload",
                "network/*/downloadBits",
                "network/*/uploadBits",
                "network/*/totalDownload",
                "network/*/totalUpload",
                "network/*/downloadPackets",
                "network/*/uploadPackets",
                "network/*/downloadErrors",
                "network/*/uploadErrors",
                "network/*/downloadDrops",
                "network/*/uploadDrops",
            ],
        )
        .of_devices(&["net"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let text = self.table.text()?;
        let names = table::names::<NetDev>(text);
        let interfaces = interfaces::parse_interfaces(text);
        let are_uplinks = interfaces::are_uplinks(&self.roots, &interfaces);
        let found = interfaces.iter().zip(&are_uplinks);
        let found = found.map(|(interface, is_uplink)| Found {
            id: interface.name.clone(),
            name: &interface.name,
            is_counted: *is_uplink,
        });
        let rows = self.table.arrange(names, found);
        let mut metrics = Vec::new();
        for (interface, row) in interfaces.iter().zip(rows) {
            let object = interface.object();
            let object = ("network", &*interface.name, &object);
            metrics.extend(self.table.metrics(row, object, &PROPERTIES));
        }
        if are_uplinks.contains(&true) {
            let object = Object::new("All network interfaces", Group::Network);
            metrics.extend(
                ALL.map(|(property, formula)| property.of("network", b"all", &object, formula)),
            );
        }
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        // The name identifies the interface.
        self.table.read(columns, |_, _| true)?;
        let (totals, rows) = columns.split_at_mut(TOTALS);
        for (total, column) in totals.iter_mut().zip([ALL_DOWN, ALL_UP]) {
            *total = sum_of(rows.chunks_exact(WIDTH).map(|row| &row[column]));
        }
        Ok(())
    }

    fn changed(&self) -> bool {
        self.table.changed()
    }
}

/// The sum of the counters in some columns: gone if there is none, malformed if it overflows.
fn sum_of<'a>(columns: impl Iterator<Item = &'a Raw>) -> Raw {
    let counters = columns.filter_map(|column| match column {
        Raw::Counter(count) => Some(*count),
        _ => None,
    });
    let sum = counters
        .map(Some)
        .reduce(|sum, count| sum?.checked_add(count?));
    match sum {
        Some(Some(sum)) => Raw::Counter(sum),
        Some(None) => Raw::Fault(Fault::Malformed),
        None => Raw::Fault(Fault::Gone),
    }
}

/// The format of `/proc/net/dev`.
pub(super) struct NetDev;

impl Format for NetDev {
    type Record = Fields;
    const BEFORE: usize = TOTALS;
    const FIELDS: usize = FIELDS;
    const WIDTH: usize = WIDTH;
    const COUNTED: &[usize] = &[DOWN, UP];

    fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
        interfaces::split_line(line)
    }

    fn parse(rest: &[u8]) -> Option<Fields> {
        fields(rest)
    }

    fn write(fields: &Fields, columns: &mut [Raw]) {
        for (column, count) in columns.iter_mut().zip(fields) {
            *column = Raw::Counter(*count);
        }
    }

    fn is_reset(before: &Fields, now: &Fields) -> bool {
        before.iter().zip(now).any(|(before, now)| now < before)
    }
}

/// The numbers of a line.
type Fields = [u64; FIELDS];

/// Parses bytes, packets, errors and drops, received and sent.
fn fields(rest: &[u8]) -> Option<Fields> {
    let mut numbers = parse::numbers(rest);
    let mut columns = [0; FIELDS];
    let (down, up) = columns.split_at_mut(FIELDS / 2);
    for column in down {
        *column = numbers.next()?;
    }
    // fifo, frame, compressed and multicast are skipped.
    let mut numbers = numbers.skip(4);
    for column in up {
        *column = numbers.next()?;
    }
    Some(columns)
}

#[cfg(test)]
mod tests;
