//! The numbers of sessions never repeat, also across activations: a client keeps frames by the number.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use rustix::process::Signal;
use sampled::client::{Session, Start};

use crate::support::bus::Bus;

const SELECTORS: &[&str] = &["cpu/all/cpuCount"];

/// The file with the last number.
fn file(bus: &Bus) -> PathBuf {
    bus.runtime().join("sampled/last-session")
}

/// Starts so many sessions in one activation; returns their numbers. The service is gone at the end, by `signal` or by
/// its idle timeout.
fn activation(bus: &Bus, sessions: usize, signal: Option<Signal>) -> Vec<u32> {
    bus.block_on(async {
        let client = bus.client().await;
        let mut running = Vec::new();
        for _ in 0..sessions {
            let session = client.start(SELECTORS, Start::every_millis(1000)).await;
            running.push(session.unwrap());
        }
        let numbers = running.iter().map(Session::id).collect();
        let service = bus.owned().await;
        drop(running);
        if let Some(signal) = signal {
            service.signal(signal);
        }
        bus.vacant().await;
        numbers
    })
}

#[track_caller]
fn rise(numbers: &[u32]) {
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
}

#[test]
fn an_activation_continues_after_the_last_number() {
    let bus = Bus::activating("--idle-timeout 50ms");
    let mut numbers = activation(&bus, 3, None);
    numbers.extend(activation(&bus, 2, Some(Signal::TERM)));
    numbers.extend(activation(&bus, 1, None));
    let first = numbers[0];
    let expected: Vec<_> = (first..first + 6).collect();
    assert_eq!(numbers, expected);
    let recorded = fs::read_to_string(file(&bus)).unwrap();
    assert_eq!(recorded, format!("{}\n", first + 5));
    let mode = file(&bus).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_killed_service_repeats_no_number() {
    let bus = Bus::activating("--idle-timeout never");
    // More than one block of numbers that is recorded at a time.
    let mut numbers = activation(&bus, 70, Some(Signal::KILL));
    numbers.extend(activation(&bus, 1, Some(Signal::KILL)));
    numbers.extend(activation(&bus, 1, Some(Signal::KILL)));
    rise(&numbers);
}

#[test]
fn without_the_file_numbers_follow_the_clock() {
    let bus = Bus::activating("--idle-timeout 50ms");
    let mut numbers = activation(&bus, 1, None);
    let boottime = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        u32::try_from(now.tv_sec).unwrap() * 16
    };
    for damage in ["", "17", "4294967295\n"] {
        fs::write(file(&bus), damage).unwrap();
        let earliest = boottime();
        let number = activation(&bus, 1, None);
        assert!(number[0] >= earliest, "{number:?} {earliest}");
        numbers.extend(number);
    }
    // A directory in place of the file can be neither read nor replaced.
    fs::remove_file(file(&bus)).unwrap();
    fs::create_dir(file(&bus)).unwrap();
    numbers.extend(activation(&bus, 2, None));
    rise(&numbers);
}
