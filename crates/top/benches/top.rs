//! The CPU time of the monitor, with that of a service that has no other client, against that of top(1) and btm at the same
//! interval, in terminals of one size, in the same minute. `cargo bench -p sampled-top`, after `cargo build --release`.
//! `SAMPLED_TOP=/path/to/sampled-top` measures another executable, with the `sampled` beside it.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a bench that fails says so"
)]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use nix::{
    time::{clock_getcpuclockid, clock_gettime},
    unistd::Pid,
};

use support::{
    bus::{Bus, top},
    terminal::Terminal,
};

/// The time before a measurement, for starts and the first screens.
const WARM_UP: Duration = Duration::from_secs(5);
/// The time of a measurement.
const SPAN: Duration = Duration::from_secs(30);

fn main() {
    let bus = Bus::new();
    println!("{}", top().display());
    let sizes = [(24, 80), (60, 200)];
    for (height, width) in sizes {
        println!("{width}x{height}, 1 Hz, CPU time a second");
        let own = format!("{} --interval 1s", top().display());
        let mut programs = vec![("sampled-top", run(&bus, &own, height, width))];
        programs.push(("top -d 1", run(&bus, "top -d 1", height, width)));
        match is_there("btm") {
            true => programs.push(("btm", run(&bus, "btm --rate 1s", height, width))),
            false => println!("  btm is not in PATH: it is left out"),
        }
        programs
            .iter_mut()
            .for_each(|(_, terminal)| terminal.drain(WARM_UP));
        let service = bus.service().expect("a service");
        let used = |terminal: &Terminal| used(terminal.pid());
        let before: Vec<Duration> = programs
            .iter()
            .map(|(_, terminal)| used(terminal))
            .collect();
        let service_before = self::used(service);
        let written: Vec<usize> = programs.iter().map(|(_, one)| one.written.len()).collect();
        let begin = Instant::now();
        drain(&mut programs, SPAN);
        let seconds = begin.elapsed().as_secs_f64();
        let share = |before: Duration, after: Duration| (after - before).as_secs_f64() / seconds;
        let service = share(service_before, self::used(service));
        for (place, (name, terminal)) in programs.iter().enumerate() {
            let own = share(before[place], used(terminal));
            let bytes = (terminal.written.len() - written[place]) as f64 / seconds;
            let (total, with) = match place {
                0 => (own + service, format!(" (service {:.2} ms)", service * 1e3)),
                _ => (own, String::new()),
            };
            println!(
                "  {name:12} {:6.2} ms{with}, {bytes:.0} B/s written",
                total * 1e3
            );
        }
    }
}

fn run(bus: &Bus, words: &str, height: u16, width: u16) -> Terminal {
    let mut command = bus.command("setsid");
    command.arg("--ctty").args(words.split(' '));
    Terminal::run(command, height, width)
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// Reads what all write, until a time has passed.
fn drain(programs: &mut [(&str, Terminal)], span: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < span {
        for (_, terminal) in &mut *programs {
            terminal.drain(Duration::ZERO);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// The CPU time of a process, with that of threads that have ended.
fn used(pid: u32) -> Duration {
    let pid = Pid::from_raw(pid.try_into().expect("a pid"));
    let clock = clock_getcpuclockid(pid).expect("a process");
    clock_gettime(clock).expect("a clock").into()
}
