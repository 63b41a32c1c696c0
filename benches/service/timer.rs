//! The floors of a stream: a process that waits for a timer and reads, and does nothing else or writes to a pipe.

use std::{
    env,
    hint::black_box,
    io::{Read, Write, stdout},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};
use sampled::{
    reading::Value,
    source::Roots,
    sources,
    store::{Baseline, Store},
};

use crate::{monotonic, process::Process};

/// The destination of the readings.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Output {
    None,
    /// They go to the standard output, as records of a stream.
    Pipe,
}

/// The process. It is killed when this is dropped.
pub(crate) struct Floor {
    child: Child,
    pipe: ChildStdout,
    interval: Duration,
}

impl Floor {
    /// Starts a process that reads these metrics at this interval.
    pub(crate) fn start(ids: &[String], interval: Duration, output: Output) -> Self {
        let output = match output {
            Output::None => "none",
            Output::Pipe => "pipe",
        };
        let mut child = Command::new(env::current_exe().expect("own name"))
            .args(["timer", output, &interval.as_micros().to_string()])
            .args(ids)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program");
        let mut pipe = child.stdout.take().expect("stdout");
        // It says so when it has begun.
        pipe.read_exact(&mut [0]).expect("a byte");
        Self {
            child,
            pipe,
            interval,
        }
    }

    /// Its records.
    pub(crate) fn pipe(&mut self) -> &mut ChildStdout {
        &mut self.pipe
    }

    /// The CPU time of a moment, in µs, while a thread reads the records.
    pub(crate) fn cost(mut self, time: Duration) -> f64 {
        let process = Process::open(self.child.id());
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut buffer = [0; 4096];
                while self.pipe.read(&mut buffer).is_ok_and(|count| count > 0) {}
            });
            thread::sleep(Duration::from_millis(100));
            let (before, begin) = (process.usage().cpu, Instant::now());
            thread::sleep(time);
            let cpu = process.usage().cpu - before;
            let moments = begin.elapsed().as_secs_f64() / self.interval.as_secs_f64();
            process.kill();
            reader.join().expect("reader");
            cpu / moments
        })
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads metrics until the process is killed: a timer on a timerfd, the reads, the readings, and perhaps a pipe.
pub(crate) fn run(output: &str, interval: &str, ids: &[String]) {
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let interval = Duration::from_micros(interval.parse().expect("microseconds"));
    let store = Store::new(sources::all(&Roots::default()));
    let selection = store.resolve(&ids).expect("they are there");
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).expect("a timer");
    let mut baseline = Baseline::new();
    let mut record = Vec::new();
    let mut pipe = stdout().lock();
    pipe.write_all(b"\n")
        .and_then(|()| pipe.flush())
        .expect("stdout");
    loop {
        let steps = monotonic().as_nanos() / interval.as_nanos() + 1;
        let moment = interval * u32::try_from(steps).expect("less than 50 days since boot");
        let setting = Itimerspec {
            it_interval: Duration::ZERO.try_into().expect("a time"),
            it_value: moment.try_into().expect("a time"),
        };
        timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &setting).expect("set");
        rustix::io::read(&timer, &mut [0; 8]).expect("expirations");
        let frame = store.read(&selection, monotonic());
        record.clear();
        record.extend(frame.timestamp.to_le_bytes());
        for (_, reading) in selection.readings(&frame, &baseline) {
            let value = match reading {
                Ok(Value::Number(number)) => number,
                _ => f64::NAN,
            };
            record.extend(value.to_le_bytes());
        }
        if output == "pipe" {
            rustix::io::write(&pipe, &record).expect("the reader reads");
        }
        black_box(&record);
        baseline = frame.into_baseline_after(&baseline);
    }
}
