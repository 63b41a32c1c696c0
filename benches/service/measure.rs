//! Medians of times, and figures with their bounds.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use crate::{bus::Client, process::Process};

/// One of several sides that are measured in turn.
pub(crate) struct Side<'a> {
    /// The processes whose CPU time counts.
    processes: Vec<&'a Process>,
    /// Does the work so many times, and returns the time of each in µs.
    run: Box<dyn FnMut(usize) -> Vec<f64> + 'a>,
}

/// The median time and the median CPU time of one run, in µs.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) time: f64,
    pub(crate) cpu: f64,
}

impl<'a> Side<'a> {
    pub(crate) fn new(
        processes: Vec<&'a Process>,
        run: impl FnMut(usize) -> Vec<f64> + 'a,
    ) -> Self {
        let run = Box::new(run);
        Self { processes, run }
    }

    /// A call of a service.
    pub(crate) fn call(
        service: &'a Process,
        client: &'a RefCell<&mut Client>,
        call: &'a [u8],
    ) -> Self {
        let run = || timed(|| _ = client.borrow_mut().call(call));
        Self::new(vec![service], move |times| {
            (0..times).map(|_| run()).collect()
        })
    }

    fn cpu(&self) -> f64 {
        let used = self.processes.iter().map(|process| process.usage().cpu);
        used.sum()
    }
}

/// Measures the sides in turn, in `batches` of `times` runs.
pub(crate) fn interleave<const SIDES: usize>(
    batches: usize,
    times: usize,
    mut sides: [Side<'_>; SIDES],
) -> [Cost; SIDES] {
    let mut costs = [const { (Vec::new(), Vec::new()) }; SIDES];
    for batch in 0..batches {
        for turn in 0..SIDES {
            let side = (batch + turn) % SIDES;
            let (time, cpu) = &mut costs[side];
            let before = sides[side].cpu();
            time.extend((sides[side].run)(times));
            cpu.push((sides[side].cpu() - before) / times as f64);
        }
    }
    costs.map(|(time, cpu)| Cost {
        time: median(time),
        cpu: median(cpu),
    })
}

/// Measures calls of services in turn.
pub(crate) fn interleave_calls<const SIDES: usize>(
    client: &mut Client,
    sides: [(&Process, &Vec<u8>); SIDES],
) -> [Cost; SIDES] {
    let client = RefCell::new(client);
    let sides = sides.map(|(service, call)| Side::call(service, &client, call));
    interleave(300, 10, sides)
}

/// Prints a cost.
pub(crate) fn print(title: &str, Cost { time, cpu }: Cost) {
    println!("  {title:<52} {time:>9.1} µs, CPU time {cpu:.1} µs");
}

pub(crate) fn timed(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    micros(start.elapsed())
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints a ratio, and whether it is at most `at_most`.
pub(crate) fn compare(title: &str, ratio: f64, at_most: f64) {
    check(&format!("{title}, ratio"), ratio, at_most);
}

/// Prints a figure, and whether it is at most `at_most`.
pub(crate) fn check(title: &str, figure: f64, at_most: f64) {
    let verdict = if figure <= at_most { "ok" } else { "TOO MUCH" };
    println!("  {title:<52} {figure:>9.3} (at most {at_most}) {verdict}");
}
