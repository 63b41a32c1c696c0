//! Reads the value of a field of a process.

use std::{
    cell::{OnceCell, RefCell},
    sync::Arc,
};

use crate::{
    process::{
        Field, Pass,
        cache::Cache,
        clock_ticks::{UNKNOWN_START, ticks_per_second},
        details::Io,
        pass::Span,
    },
    reading::{Fault, Reading, Value},
};

/// Reads fields from a pass, the cached details of its processes, and an earlier pass.
pub(super) struct FieldReader<'a> {
    cache: &'a Cache,
    pass: &'a Pass,
    span: &'a Result<Span<'a>, Fault>,
    /// The number of online CPUs, once a field needs it.
    cpus: OnceCell<Result<f64, Fault>>,
    /// The texts of the states so far, which most processes share.
    states: RefCell<Vec<(u8, Arc<str>)>>,
    /// The empty text, which all kernel threads share.
    empty: Arc<str>,
}

impl<'a> FieldReader<'a> {
    pub(super) fn new(cache: &'a Cache, pass: &'a Pass, span: &'a Result<Span<'a>, Fault>) -> Self {
        Self {
            cache,
            pass,
            span,
            cpus: OnceCell::new(),
            states: RefCell::default(),
            empty: Arc::default(),
        }
    }

    /// The value of a field of the process at this index. The details that it needs must have been fetched.
    pub(super) fn read(&self, field: Field, index: usize) -> Reading {
        let counts = &self.pass.processes[index];
        let attributes = &self.cache.scan.processes[index].attributes;
        let malformed = Fault::Malformed;
        let number = match field {
            Field::Pid => counts.pid.into(),
            Field::Parent => counts.parent.ok_or(malformed)?.into(),
            Field::StartTime if counts.start_time == UNKNOWN_START => return Err(malformed),
            Field::StartTime => counts.start_time as f64,
            Field::Uid => attributes.uid()?.into(),
            Field::User => return Ok(Value::Text(self.cache.user(attributes.uid()?)?)),
            Field::Name => return Ok(Value::Text(self.cache.scan.processes[index].name.clone())),
            Field::CommandLine | Field::Executable | Field::ExecutableDeleted
                if counts.has_ended() =>
            {
                return Err(Fault::Gone);
            }
            Field::CommandLine | Field::Executable if counts.is_kernel_thread => {
                return Ok(Value::Text(self.empty.clone()));
            }
            Field::CommandLine => return attributes.command_line(),
            Field::Executable => return Ok(Value::Text(attributes.executable()?.path.clone())),
            Field::ExecutableDeleted if counts.is_kernel_thread => 0.0,
            Field::ExecutableDeleted => attributes.executable()?.is_deleted.into(),
            Field::State => {
                return Ok(Value::Text(self.state(counts.state.ok_or(malformed)?)));
            }
            Field::Cgroup => return Ok(Value::Text(attributes.cgroup()?.path.clone())),
            Field::Unit => return Ok(Value::Text(attributes.cgroup()?.unit.clone())),
            Field::Application => return Ok(Value::Text(attributes.cgroup()?.application.clone())),
            Field::Threads => counts.threads.ok_or(malformed)?.into(),
            Field::Cpu => self.cpu(index)?,
            Field::CpuOfAll => self.cpu(index)? / self.cpus()?,
            Field::CpuTime => counts.used.ok_or(malformed)? as f64 / ticks_per_second() as f64,
            Field::Rss => counts.rss.ok_or(malformed)? as f64,
            Field::Pss | Field::Swap if counts.has_ended() || counts.is_kernel_thread => 0.0,
            Field::Pss => self.cache.pss(counts.pid)? as f64,
            Field::Swap => self.cache.swap(counts.pid)? as f64,
            Field::Read => self.io(index, |io| io.read)?,
            Field::Write => self.io(index, |io| io.write)?,
            Field::Nice => counts.nice.ok_or(malformed)?.into(),
        };
        Ok(Value::Number(self.at_most_whole(field, number)))
    }

    /// A share of the CPUs, of one process or of several together, which is at most that of all CPUs. The clock ticks of
    /// CPU time may exceed the time between two passes by one.
    pub(super) fn at_most_whole(&self, field: Field, number: f64) -> f64 {
        match field {
            Field::CpuOfAll => number.min(100.0),
            // The number of CPUs is read only if the number that is known does not suffice.
            Field::Cpu if number > 100.0 * self.cache.known_cpus() => {
                number.min(self.cpus().map_or(number, |cpus| 100.0 * cpus))
            }
            _ => number,
        }
    }

    fn state(&self, letter: u8) -> Arc<str> {
        let mut states = self.states.borrow_mut();
        if let Some((_, text)) = states.iter().find(|(known, _)| *known == letter) {
            return text.clone();
        }
        let text: Arc<str> = char::from(letter).to_string().into();
        states.push((letter, text.clone()));
        text
    }

    fn cpus(&self) -> Result<f64, Fault> {
        *self.cpus.get_or_init(|| self.cache.cpus())
    }

    fn cpu(&self, index: usize) -> Result<f64, Fault> {
        let span = self.span.as_ref().map_err(|fault| *fault)?;
        span.cpu(index)
    }

    fn io(&self, index: usize, count: impl Fn(&Io) -> Result<u64, Fault>) -> Result<f64, Fault> {
        let span = self.span.as_ref().map_err(|fault| *fault)?;
        span.io(index, count)
    }
}
