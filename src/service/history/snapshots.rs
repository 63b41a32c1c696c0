//! The last snapshots of counters in the file of the history: the baselines of a successor's first rates.

use std::{sync::Arc, time::Duration};

use crate::{
    reading::{Fault, Raw, Snapshot, Stamp},
    store::LastCounters,
};

use super::bytes::{Reader, Writer};

/// The most bytes of all snapshots. The others are left out: their rates begin with the fault `first`.
pub(super) const MAX_BYTES: usize = 256 << 10;

/// The bytes of a snapshot without columns, and of a column.
const HEAD_BYTES: usize = 36;
const COLUMN_BYTES: usize = 12;

/// The kinds of columns. A text has no use as a baseline, and a fault is one of any kind.
const NUMBER: u32 = 0;
const COUNTER: u32 = 1;
const NONE: u32 = 2;

pub(super) fn encode(out: &mut Writer, all: &[LastCounters]) {
    let mut bytes = 0_usize;
    let fits = |counters: &&LastCounters| {
        let columns = counters.snapshot.columns.len().saturating_mul(COLUMN_BYTES);
        bytes = bytes.saturating_add(columns).saturating_add(HEAD_BYTES);
        bytes <= MAX_BYTES
    };
    let kept: Vec<_> = all.iter().take_while(fits).collect();
    out.count(kept.len());
    for counters in kept {
        let Stamp {
            realtime,
            monotonic,
            boottime,
        } = counters.snapshot.stamp;
        out.u64(counters.source);
        out.u64(realtime);
        for clock in [monotonic, boottime] {
            out.u64(u64::try_from(clock.as_nanos()).unwrap_or(u64::MAX));
        }
        out.count(counters.snapshot.columns.len());
        for column in &counters.snapshot.columns {
            let (kind, value) = match column {
                Raw::Number(number) => (NUMBER, number.to_bits()),
                Raw::Counter(count) => (COUNTER, *count),
                Raw::Text(_) | Raw::Fault(_) => (NONE, 0),
            };
            out.u32(kind);
            out.u64(value);
        }
    }
}

pub(super) fn decode(input: &mut Reader<'_>) -> Option<Vec<LastCounters>> {
    let mut all = Vec::new();
    for _ in 0..input.count(HEAD_BYTES)? {
        let source = input.u64()?;
        let stamp = Stamp {
            realtime: input.u64()?,
            monotonic: Duration::from_nanos(input.u64()?),
            boottime: Duration::from_nanos(input.u64()?),
        };
        let mut columns = Vec::new();
        for _ in 0..input.count(COLUMN_BYTES)? {
            let (kind, value) = (input.u32()?, input.u64()?);
            columns.push(match kind {
                NUMBER => Raw::Number(f64::from_bits(value)),
                COUNTER => Raw::Counter(value),
                NONE => Raw::Fault(Fault::First),
                _ => return None,
            });
        }
        let snapshot = Arc::new(Snapshot { stamp, columns });
        all.push(LastCounters { source, snapshot });
    }
    input.0.is_empty().then_some(all)
}
