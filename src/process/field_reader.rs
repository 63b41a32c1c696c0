//! Reads the value of a field of a process.

use std::cell::OnceCell;

use nix::unistd::{SysconfVar, sysconf};

use crate::{
    process::{Field, Pass, cache::Cache, clock_ticks::ticks_per_second, details::Io, pass::Span},
    reading::{Fault, Reading, Value},
};

/// Reads fields from a pass, the cached details of its processes, and an earlier pass.
pub(super) struct FieldReader<'a> {
    cache: &'a Cache,
    pass: &'a Pass,
    span: &'a Result<Span<'a>, Fault>,
    /// The number of online CPUs, once a field needs it.
    cpus: OnceCell<f64>,
}

impl<'a> FieldReader<'a> {
    pub(super) fn new(cache: &'a Cache, pass: &'a Pass, span: &'a Result<Span<'a>, Fault>) -> Self {
        Self {
            cache,
            pass,
            span,
            cpus: OnceCell::new(),
        }
    }

    /// The value of a field of the process at this index. The details that it needs must have been fetched.
    pub(super) fn read(&self, field: Field, index: usize) -> Reading {
        let counts = &self.pass.processes[index];
        let attributes = &self.cache.scan.processes[index].attributes;
        let number = match field {
            Field::Pid => counts.pid.into(),
            Field::Parent => counts.parent.into(),
            Field::StartTime => counts.start_time as f64,
            Field::Uid => attributes.uid()?.into(),
            Field::User => return Ok(Value::Text(self.cache.user(attributes.uid()?)?)),
            Field::Name => return Ok(Value::Text(self.cache.scan.processes[index].name.clone())),
            Field::CommandLine | Field::Executable if counts.has_ended() => {
                return Err(Fault::Gone);
            }
            Field::CommandLine | Field::Executable if counts.is_kernel_thread => {
                return Ok(Value::Text("".into()));
            }
            Field::CommandLine => return attributes.command_line(),
            Field::Executable => return attributes.executable(),
            Field::State => return Ok(Value::Text(char::from(counts.state).to_string().into())),
            Field::Cgroup => return Ok(Value::Text(attributes.cgroup()?.path.clone())),
            Field::Unit => return Ok(Value::Text(attributes.cgroup()?.unit.clone())),
            Field::Application => return Ok(Value::Text(attributes.cgroup()?.application.clone())),
            Field::Threads => counts.threads.into(),
            Field::Cpu => self.cpu(index)?,
            // The clock ticks of CPU time may exceed the time between two passes by one.
            Field::CpuOfAll => (self.cpu(index)? / self.cpus()).min(100.0),
            Field::CpuTime => counts.used as f64 / ticks_per_second() as f64,
            Field::Rss => counts.rss as f64,
            Field::Pss | Field::Swap if counts.has_ended() || counts.is_kernel_thread => 0.0,
            Field::Pss => self.cache.pss(counts.pid)? as f64,
            Field::Swap => self.cache.swap(counts.pid)? as f64,
            Field::Read => self.io(index, |io| io.read)?,
            Field::Write => self.io(index, |io| io.write)?,
            Field::Nice => counts.nice.into(),
        };
        Ok(Value::Number(number))
    }

    fn cpus(&self) -> f64 {
        *self.cpus.get_or_init(|| {
            let online = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
            online.map_or(1.0, |online| online as f64)
        })
    }

    fn cpu(&self, index: usize) -> Result<f64, Fault> {
        let span = self.span.as_ref().map_err(|fault| *fault)?;
        span.cpu(index)
    }

    fn io(&self, index: usize, count: impl Fn(&Io) -> u64) -> Result<f64, Fault> {
        let span = self.span.as_ref().map_err(|fault| *fault)?;
        span.io(index, count)
    }
}
