//! What a field reads of a process.

use std::cell::OnceCell;

use nix::unistd::{SysconfVar, sysconf};

use crate::{
    process::{Field, Pass, desk::Desk, details::Io, pass::Span, ticks::ticks_a_second},
    reading::{Fault, Reading, Value},
};

/// A pass as it is asked about: with what is known beyond it, and an earlier one.
pub(super) struct View<'a> {
    desk: &'a Desk,
    pass: &'a Pass,
    span: &'a Result<Span<'a>, Fault>,
    /// How many CPUs are online, once it is asked for.
    cpus: OnceCell<f64>,
}

impl<'a> View<'a> {
    pub(super) fn new(desk: &'a Desk, pass: &'a Pass, span: &'a Result<Span<'a>, Fault>) -> Self {
        Self {
            desk,
            pass,
            span,
            cpus: OnceCell::new(),
        }
    }

    /// What the field reads of the process at this place. What it needs has been gathered.
    pub(super) fn read(&self, field: Field, at: usize) -> Reading {
        let counts = &self.pass.processes[at];
        let facts = &self.desk.scan.processes[at].facts;
        let number = match field {
            Field::Pid => counts.pid.into(),
            Field::Parent => counts.parent.into(),
            Field::StartTime => counts.start_time as f64,
            Field::Uid => facts.uid()?.into(),
            Field::User => return Ok(Value::Text(self.desk.user(facts.uid()?)?)),
            Field::Name => return Ok(Value::Text(self.desk.scan.processes[at].name.clone())),
            Field::CommandLine | Field::Executable if counts.has_ended() => {
                return Err(Fault::Gone);
            }
            Field::CommandLine | Field::Executable if counts.is_kernel_thread => {
                return Ok(Value::Text("".into()));
            }
            Field::CommandLine => return facts.command_line(),
            Field::Executable => return facts.executable(),
            Field::State => return Ok(Value::Text(char::from(counts.state).to_string().into())),
            Field::Cgroup => return Ok(Value::Text(facts.cgroup()?.path.clone())),
            Field::Unit => return Ok(Value::Text(facts.cgroup()?.unit.clone())),
            Field::Application => return Ok(Value::Text(facts.cgroup()?.application.clone())),
            Field::Threads => counts.threads.into(),
            Field::Cpu => self.cpu(at)?,
            // What is counted in ticks may seem to be more than there was.
            Field::CpuOfAll => (self.cpu(at)? / self.cpus()).min(100.0),
            Field::CpuTime => counts.used as f64 / ticks_a_second() as f64,
            Field::Rss => counts.rss as f64,
            Field::Pss | Field::Swap if counts.has_ended() || counts.is_kernel_thread => 0.0,
            Field::Pss => self.desk.pss(counts.pid)? as f64,
            Field::Swap => self.desk.swap(counts.pid)? as f64,
            Field::Read => self.io(at, |io| io.read)?,
            Field::Write => self.io(at, |io| io.write)?,
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

    fn cpu(&self, at: usize) -> Result<f64, Fault> {
        let span = self.span.as_ref().map_err(|fault| *fault)?;
        span.cpu(at)
    }

    fn io(&self, at: usize, count: impl Fn(&Io) -> u64) -> Result<f64, Fault> {
        let span = self.span.as_ref().map_err(|fault| *fault)?;
        span.io(at, count)
    }
}
