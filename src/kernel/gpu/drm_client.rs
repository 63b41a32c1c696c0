//! The DRM statistics of one client, as the fdinfo of its open file shows them.

use crate::source::parse;

/// The text of `/proc/PID/fdinfo/FD` of an open DRM node. A client is an open file; several descriptors may share it.
///
/// ```text
/// drm-driver:     xe
/// drm-client-id:  3
/// drm-pdev:       0000:03:00.0
/// drm-resident-vram0:     23992 KiB
/// drm-cycles-rcs: 28257900
/// drm-total-cycles-rcs:   7655183225
/// drm-engine-capacity-vcs:        2
/// ```
///
/// Numbers may be followed by a unit. A number that does not fit into 64 bits, or is cut off, counts as absent. The memory
/// of clients is not read: buffers that clients share would count several times.
///
/// <https://docs.kernel.org/gpu/drm-usage-stats.html>
#[derive(Debug, PartialEq)]
pub(super) struct DrmClientRecord<'a> {
    /// `drm-driver`: the name of the DRM driver, not that of the driver on the bus.
    pub(super) drm_driver: Option<&'a [u8]>,
    /// `drm-client-id`: unique at least among the clients of the device.
    pub(super) drm_client_id: Option<u64>,
    /// `drm-engine-*`, `drm-cycles-*`, `drm-total-cycles-*` and `drm-engine-capacity-*`.
    pub(super) engines: Vec<Engine>,
}

/// The work of an engine, or of several engines of one kind, for one client.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Engine {
    /// Its name in the keys: `render`.
    pub(super) name: Vec<u8>,
    /// `drm-engine-*`: the nanoseconds for which it was busy.
    drm_engine: Option<u64>,
    /// `drm-cycles-*`: the cycles for which it was busy.
    drm_cycles: Option<u64>,
    /// `drm-total-cycles-*`: all cycles.
    drm_total_cycles: Option<u64>,
    /// `drm-engine-capacity-*`: the number of engines of this kind.
    drm_engine_capacity: Option<u64>,
}

/// The growth of an engine's counters in some time.
#[derive(Debug, PartialEq)]
pub(super) enum Growth {
    /// The nanoseconds for which the engine was busy; the mean, if there are several engines of the kind.
    Busy(u128),
    /// The clock of the engine began anew, as after a loss of power.
    Reset,
    /// The driver has not told the work in one of the readings.
    Unknown,
}

/// amdgpu leaves out the engines that have done no work for the client (`amdgpu_show_fdinfo`).
const OMITS_IDLE_ENGINES: &[u8] = b"amdgpu";

impl<'a> DrmClientRecord<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Self {
        let mut record = Self {
            drm_driver: None,
            drm_client_id: None,
            engines: Vec::new(),
        };
        for (line, ended) in parse::ended_lines(text) {
            let Some((key, value)) = parse::pair(line).filter(|_| ended) else {
                continue;
            };
            let Some(key) = key.strip_prefix(b"drm-") else {
                continue;
            };
            let number = || parse::fields(value).next().and_then(parse::number);
            let engine_of = |prefix: &[u8]| key.strip_prefix(prefix);
            let engines = &mut record.engines;
            if key == b"driver" {
                record.drm_driver = Some(value);
            } else if key == b"client-id" {
                record.drm_client_id = number();
            } else if let Some(name) = engine_of(b"engine-capacity-") {
                engine(engines, name).drm_engine_capacity = number();
            } else if let Some(name) = engine_of(b"engine-") {
                engine(engines, name).drm_engine = number();
            } else if let Some(name) = engine_of(b"cycles-") {
                engine(engines, name).drm_cycles = number();
            } else if let Some(name) = engine_of(b"total-cycles-") {
                engine(engines, name).drm_total_cycles = number();
            }
        }
        record
    }

    /// Whether the driver tells how long its engines work for the client.
    pub(super) fn tells_work(&self) -> bool {
        self.omits_idle_engines() || self.engines.iter().any(Engine::tells_work)
    }

    /// Whether an engine that is missing has done no work.
    pub(super) fn omits_idle_engines(&self) -> bool {
        self.drm_driver == Some(OMITS_IDLE_ENGINES)
    }
}

impl Engine {
    /// An engine that has not worked yet.
    pub(super) fn idle(name: &[u8]) -> Self {
        Self {
            name: name.to_vec(),
            drm_engine: Some(0),
            ..Self::default()
        }
    }

    /// Cycles alone tell no share of the time: the frequency may change (`drm-maxfreq-*`).
    fn tells_work(&self) -> bool {
        self.drm_engine.is_some() || (self.drm_cycles.is_some() && self.drm_total_cycles.is_some())
    }

    /// The growth since `before` in `elapsed` nanoseconds.
    pub(super) fn growth(&self, before: &Self, elapsed: u128) -> Growth {
        let grown = |now: Option<u64>, before| Some(u128::from(now?.saturating_sub(before?)));
        let from_cycles = || {
            let cycles = grown(self.drm_cycles, before.drm_cycles)?;
            let total = grown(self.drm_total_cycles, before.drm_total_cycles)?;
            // The GPU has not counted since: nothing was done.
            let busy = cycles.checked_mul(elapsed)?.checked_div(total);
            Some(busy.unwrap_or(0))
        };
        let totals = self.drm_total_cycles.zip(before.drm_total_cycles);
        if self.drm_engine.is_none() && totals.is_some_and(|(now, before)| now < before) {
            return Growth::Reset;
        }
        let capacity = u128::from(self.drm_engine_capacity.unwrap_or(1).max(1));
        match grown(self.drm_engine, before.drm_engine).or_else(from_cycles) {
            Some(busy) => Growth::Busy(busy.checked_div(capacity).unwrap_or(busy)),
            None => Growth::Unknown,
        }
    }

    /// A driver may report less than it did before. The larger number stays until the driver has caught up.
    pub(super) fn keep_maximum(&mut self, before: &Self) {
        self.drm_engine = self.drm_engine.max(before.drm_engine);
        self.drm_cycles = self.drm_cycles.max(before.drm_cycles);
    }
}

fn engine<'a>(engines: &'a mut Vec<Engine>, name: &[u8]) -> &'a mut Engine {
    let known = engines.iter().position(|engine| engine.name == name);
    let index = known.unwrap_or_else(|| {
        let index = engines.len();
        engines.push(Engine {
            name: name.to_vec(),
            ..Engine::default()
        });
        index
    });
    &mut engines[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> DrmClientRecord<'_> {
        DrmClientRecord::parse(text.as_bytes())
    }

    #[track_caller]
    fn check(text: &str, client: Option<u64>, tells_work: bool) {
        let record = record(text);
        assert_eq!(record.drm_client_id, client, "{text}");
        assert_eq!(record.tells_work(), tells_work, "{text}");
    }

    #[test]
    fn what_each_driver_tells() {
        check("pos:\t0\nflags:\t02100002\n", None, false);
        check("drm-client-id:\t7", None, false);
        check("drm-client-id:\t-7\n", None, false);
        // Old i915, generations before 8 and virtual functions: no engine.
        check("drm-driver:\ti915\ndrm-client-id:\t7\n", Some(7), false);
        check(
            "drm-client-id: 7\ndrm-engine-render:\t0 ns\n",
            Some(7),
            true,
        );
        check("drm-client-id: 7\ndrm-engine-render:5\n", Some(7), true);
        // The last line is cut, and its number may have lost digits.
        check("drm-client-id: 7\ndrm-engine-render: 92", Some(7), false);
        check(
            "drm-client-id: 7\ndrm-engine-render: 99999999999999999999 ns\n",
            Some(7),
            false,
        );
        // xe tells both, panthor with `profiling` 1 cycles alone, and with 0 none.
        check(
            "drm-client-id: 3\ndrm-cycles-rcs: 2\ndrm-total-cycles-rcs: 7\n",
            Some(3),
            true,
        );
        check(
            "drm-client-id: 3\ndrm-cycles-panthor: 2\ndrm-maxfreq-panthor: 1000000000 Hz\n",
            Some(3),
            false,
        );
        check(
            "drm-client-id: 3\ndrm-curfreq-panthor: 1000 KHz\ndrm-total-memory: 290 MiB\n",
            Some(3),
            false,
        );
        // amdgpu before its first job.
        check(
            "drm-driver:\tamdgpu\ndrm-client-id:\t9\ndrm-memory-vram:\t0 KiB\n",
            Some(9),
            true,
        );
        check("drm-driver:\tnouveau\ndrm-client-id:\t9\n", Some(9), false);
    }

    #[test]
    fn growth_of_each_form() {
        let engine = |text: &str| record(text).engines.remove(0);
        let check = |before: &str, now: &str, expected| {
            assert_eq!(engine(now).growth(&engine(before), 1000), expected, "{now}");
        };
        check(
            "drm-engine-a: 5 ns\n",
            "drm-engine-a: 105 ns\n",
            Growth::Busy(100),
        );
        let two = "drm-engine-a: 105 ns\ndrm-engine-capacity-a: 2\n";
        check("drm-engine-a: 5 ns\n", two, Growth::Busy(50));
        check(
            "drm-engine-a: 5 ns\n",
            "drm-engine-a: 4 ns\n",
            Growth::Busy(0),
        );
        let cycles =
            |cycles, total| format!("drm-cycles-a: {cycles}\ndrm-total-cycles-a: {total}\n");
        check(&cycles(10, 100), &cycles(30, 200), Growth::Busy(200));
        check(&cycles(10, 100), &cycles(10, 100), Growth::Busy(0));
        check(&cycles(10, 100), &cycles(20, 50), Growth::Reset);
        check("drm-cycles-a: 5\n", "drm-cycles-a: 9\n", Growth::Unknown);
        check("drm-engine-a: x\n", "drm-engine-a: 4 ns\n", Growth::Unknown);
    }
}
