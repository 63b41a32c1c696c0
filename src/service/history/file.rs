//! The file that a service leaves for its successor: the records, and the last snapshots of counters.
//!
//! ```text
//! magic, version, checksum of all that follows
//! boot id, uid, the roots of /proc, /sys and the file system
//! the series: id, fingerprint of the definition
//! the layouts: interval, series of each column
//! the records, as words
//! the snapshots: fingerprint of the source, moment, columns
//! ```

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::Path, sync::Arc, time::Duration};

use nix::unistd::geteuid;

use crate::{source::Roots, store::LastCounters};

use super::{
    bytes::{Reader, Writer},
    fingerprint::Fingerprint,
    record::Record,
    ring::Ring,
    snapshots,
    table::{NO_SERIES, Table},
};

const MAGIC: &[u8; 16] = b"sampled history\n";
const VERSION: u32 = 1;

/// The content of the file.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) table: Table,
    pub(super) ring: Ring,
    pub(super) counters: Vec<LastCounters>,
    /// The moment of the newest record.
    pub(super) newest: u64,
}

/// The service that a history belongs to: of one boot, one user and one tree of files.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Origin(Vec<Vec<u8>>);

/// The names of the parts of an [`Origin`], in their order.
const PARTS: [&str; 5] = ["boot", "user", "--procfs", "--sysfs", "--rootfs"];

impl Origin {
    /// The origin of this process; `None` if the kernel does not tell the boot.
    pub(super) fn of_process(roots: &Roots) -> Option<Self> {
        let boot = fs::read("/proc/sys/kernel/random/boot_id").ok()?;
        let uid = geteuid().to_string();
        let path = |path: &Path| OsStr::as_bytes(path.as_os_str()).to_vec();
        let roots = [&roots.proc, &roots.sys, &roots.root].map(|root| path(root));
        Some(Self([boot, uid.into()].into_iter().chain(roots).collect()))
    }
}

/// Writes the file.
pub(super) fn encode(
    origin: &Origin,
    table: &Table,
    ring: &Ring,
    counters: &[LastCounters],
) -> Vec<u8> {
    let mut out = Writer::default();
    for part in &origin.0 {
        out.text(part);
    }
    // Numbers of the file are without gaps.
    let numbers: Vec<u32> = table.series.iter().map(|(number, _)| number).collect();
    out.count(numbers.len());
    for (_, series) in table.series.iter() {
        out.text(series.id.as_bytes());
        out.u64(series.definition);
    }
    let number = |series: &u32| numbers.binary_search(series).ok();
    let layouts: Vec<u32> = table.layouts.iter().map(|(number, _)| number).collect();
    out.count(layouts.len());
    for (_, layout) in table.layouts.iter() {
        out.u64(u64::try_from(layout.interval.as_micros()).unwrap_or(u64::MAX));
        out.count(layout.series.len());
        for series in &layout.series {
            let number = number(series).and_then(|number| u32::try_from(number).ok());
            out.u32(number.unwrap_or(NO_SERIES));
        }
    }
    let layout = |number| {
        let layout = layouts.binary_search(&number).ok();
        layout.and_then(|layout| u32::try_from(layout).ok())
    };
    out.count(ring.slices().map(<[u64]>::len).sum());
    for mut words in ring.slices() {
        while let Some((record, rest)) = Record::split(words, |layout| table.width(layout)) {
            let mut record_words = words.iter().take(record.len());
            if let (Some(number), Some(&first)) = (record.layout, record_words.next()) {
                out.u64(
                    first & !u64::from(u32::MAX) | u64::from(layout(number).unwrap_or(NO_SERIES)),
                );
            } else {
                out.u64(words[0]);
            }
            record_words.for_each(|&word| out.u64(word));
            words = rest;
        }
    }
    snapshots::encode(&mut out, counters);
    let mut file = Writer(MAGIC.to_vec());
    file.u32(VERSION);
    file.u64(Fingerprint::new().bytes(&out.0).finish());
    file.0.extend(out.0);
    file.0
}

/// Reads the file.
///
/// # Errors
/// Why the file is of no use.
pub(super) fn decode(
    file: &[u8],
    origin: &Origin,
    now: u64,
    budget: usize,
) -> Result<Content, String> {
    let mut input = Reader(file);
    if input.take(MAGIC.len()) != Some(MAGIC) {
        return Err("it is no history".to_owned());
    }
    match input.u32() {
        Some(VERSION) => {}
        Some(version) => return Err(format!("it has version {version} and not {VERSION}")),
        None => return Err("it is truncated".to_owned()),
    }
    let checksum = input.u64();
    if checksum != Some(Fingerprint::new().bytes(input.0).finish()) {
        return Err("its checksum is wrong".to_owned());
    }
    for (part, expected) in PARTS.iter().zip(&origin.0) {
        if input.text() != Some(expected) {
            return Err(format!("it is of another {part}"));
        }
    }
    content(&mut input, now, budget).ok_or_else(|| "it is malformed".to_owned())
}

fn content(input: &mut Reader<'_>, now: u64, budget: usize) -> Option<Content> {
    let mut content = Content::default();
    let mut series: Vec<(Arc<str>, u64)> = Vec::new();
    for _ in 0..input.count(12)? {
        let id = str::from_utf8(input.text()?).ok()?;
        series.push((id.into(), input.u64()?));
    }
    let table = &mut content.table;
    let mut layouts = Vec::new();
    for _ in 0..input.count(12)? {
        let interval = Duration::from_micros(input.u64()?);
        let mut columns = Vec::new();
        for _ in 0..input.count(4)? {
            columns.push(match input.u32()? {
                NO_SERIES => None,
                number => {
                    let (id, definition) = series.get(usize::try_from(number).ok()?)?;
                    Some((id, *definition))
                }
            });
        }
        layouts.push(table.add_layout(columns.into_iter(), interval));
    }
    let count = input.count(8)?;
    let words = input.take(count.checked_mul(8)?)?.as_chunks().0;
    let mut words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let (mut rest, mut earliest) = (&mut words[..], 0);
    while !rest.is_empty() {
        let width = |layout: u32| table.width(*layouts.get(layout as usize)?);
        let (record, _) = Record::split(rest, width)?;
        let (layout, length) = (record.layout, record.len());
        if !(earliest..=now).contains(&record.moment) {
            return None;
        }
        earliest = record.moment;
        let (record, others) = rest.split_at_mut(length);
        if let Some(layout) = layout {
            let number = layouts[layout as usize];
            record[0] = record[0] & !u64::from(u32::MAX) | u64::from(number);
            let layout = table.layouts.get_mut(number)?;
            layout.records = layout.records.saturating_add(1);
        }
        content.ring.push(record, budget);
        rest = others;
    }
    content.counters = snapshots::decode(input)?;
    content.newest = earliest;
    Some(content)
}

#[cfg(test)]
mod tests;
