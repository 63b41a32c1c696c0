//! The traffic of network interfaces: `/proc/net/dev`.

mod columns;
mod record;

use std::{collections::HashSet, time::Duration};

use crate::{
    kernel::interfaces::{self, InterfaceKey, Interfaces},
    metric::{Group, Metric, Object},
    reading::{Fault, Raw},
    source::{
        About, Error, Source,
        rows::table::{self, Format, Found, Table},
    },
};

use columns::*;
use record::InterfaceRecord;

/// The lines of `/proc/net/dev`: the totals, and then a row of columns for each interface.
pub(super) struct InterfaceCounters {
    interfaces: Interfaces,
    table: Table<NetDev, InterfaceKey>,
}

impl InterfaceCounters {
    pub(super) fn new(interfaces: &Interfaces) -> Self {
        Self {
            interfaces: interfaces.share(),
            table: Table::new(interfaces::table_path(interfaces.roots(), "dev")),
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

    fn prepare_discovery(&mut self, since: Duration) -> bool {
        self.interfaces.prepare(since)
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let text = self.table.text()?;
        let mut names = table::names::<NetDev>(text);
        let interfaces = self.interfaces.find()?;
        // The reading notices the lines that have come since.
        let known: HashSet<&[u8]> = interfaces.iter().map(|each| &*each.name).collect();
        names.retain(|name| known.contains(&**name));
        let found = interfaces.iter().map(|interface| Found {
            id: interface.key(),
            name: &interface.name,
            is_counted: interface.is_uplink,
        });
        let rows = self.table.arrange(names, found);
        let mut metrics = Vec::new();
        for (interface, row) in interfaces.iter().zip(rows) {
            let object = ("network", &*interface.name, &interface.object());
            metrics.extend(self.table.metrics(row, object, &PROPERTIES));
        }
        if interfaces.iter().any(|interface| interface.is_uplink) {
            let object = Object::new("All network interfaces", Group::Network);
            metrics.extend(
                ALL.map(|(property, formula)| property.of("network", b"all", &object, formula)),
            );
        }
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        // Another interface may have the name of one that has gone.
        let roots = self.interfaces.roots();
        let is_same = |name: &[u8], key: &InterfaceKey| *key == InterfaceKey::of(roots, name);
        self.table.read(columns, is_same)?;
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

/// The sum of the counters in some columns: gone if there is none, malformed if one of them is or if it overflows. The
/// column of an interface that has gone, or that is not summed, is left out.
fn sum_of<'a>(columns: impl Iterator<Item = &'a Raw>) -> Raw {
    let mut sum = None::<u64>;
    for column in columns {
        match column {
            Raw::Counter(count) => match sum.unwrap_or(0).checked_add(*count) {
                Some(more) => sum = Some(more),
                None => return Raw::Fault(Fault::Malformed),
            },
            Raw::Fault(Fault::Gone) => {}
            Raw::Fault(fault) => return Raw::Fault(*fault),
            Raw::Number(_) | Raw::Text(_) => return Raw::Fault(Fault::Malformed),
        }
    }
    sum.map_or(Raw::Fault(Fault::Gone), Raw::Counter)
}

/// The format of `/proc/net/dev`.
pub(super) struct NetDev;

impl Format for NetDev {
    type Record = InterfaceRecord;
    const BEFORE: usize = TOTALS;
    const FIELDS: usize = FIELDS;
    const WIDTH: usize = WIDTH;
    const COUNTED: &[usize] = &[DOWN, UP];

    fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
        interfaces::split_line(line)
    }

    fn parse(rest: &[u8]) -> Option<InterfaceRecord> {
        InterfaceRecord::parse(rest)
    }

    fn write(record: &InterfaceRecord, columns: &mut [Raw]) {
        for (column, field) in columns.iter_mut().zip(record.fields()) {
            *column = field.map_or(Raw::Fault(Fault::Malformed), Raw::Counter);
        }
    }

    fn is_reset(before: &InterfaceRecord, now: &InterfaceRecord) -> bool {
        let mut both = before.fields().into_iter().zip(now.fields());
        both.any(|both| matches!(both, (Some(before), Some(now)) if now < before))
    }
}

#[cfg(test)]
mod tests;
