//! The method `End`: it signals the process that the caller means, and no other.

use sampled::client::{Error, Processes, SampleOptions, TableOptions};

use super::{Foreign, Sleeper, number, processes};
use crate::support::{bus::Bus, process::Process};

const TERM: i32 = 15;
const CONT: i32 = 18;

async fn start_time(processes: &Processes, sleeper: &Sleeper) -> u64 {
    let one = TableOptions::default().filtered_by("pid", &sleeper.pattern());
    let table = processes.snapshot(&["start_time"], &one, SampleOptions::default());
    number(&table.await.expect("table").rows[0][0]) as u64
}

#[test]
fn end_terminates_a_process() {
    let bus = Bus::activating("");
    let sleeper = Sleeper::new(&bus);
    let process = Process::open(sleeper.pid()).unwrap();
    bus.block_on(async {
        let processes = processes(&bus).await;
        let start = start_time(&processes, &sleeper).await;
        processes.end(sleeper.pid(), start, TERM).await.unwrap();
    });
    process.wait();
}

#[test]
fn end_refuses_the_service_and_the_bus() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let processes = processes(&bus).await;
        processes.fields().await.unwrap();
        let service = bus.owned().await.pid;
        for (pid, description) in [
            (service, "this service itself"),
            (bus.pid(), "the session bus"),
        ] {
            let one = TableOptions::default().filtered_by("pid", &pid.to_string());
            let table = processes.snapshot(&["start_time"], &one, SampleOptions::default());
            let start = number(&table.await.expect("table").rows[0][0]) as u64;
            // SIGCONT would harm neither.
            let error = processes.end(pid, start, CONT).await.unwrap_err();
            assert!(matches!(error, Error::AccessDenied(_)), "{error:?}");
            let expected = format!("process {pid}: it is {description}");
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
        assert_eq!(bus.owned().await.pid, service);
    });
}

#[test]
fn end_refuses_a_pid_with_another_start_time() {
    let bus = Bus::activating("");
    let sleeper = Sleeper::new(&bus);
    let pid = sleeper.pid();
    bus.block_on(async {
        let processes = processes(&bus).await;
        let start = start_time(&processes, &sleeper).await;
        for other in [0, start - 10_000, start + 10_000, u64::MAX] {
            let error = processes.end(pid, other, TERM).await.unwrap_err();
            assert!(matches!(error, Error::NoSuchProcess(_)), "{error:?}");
            assert!(error.to_string().contains(&pid.to_string()), "{error}");
        }
        assert!(Process::open(pid).unwrap().is_running());
        drop(sleeper);
        let error = processes.end(pid, start, TERM).await.unwrap_err();
        assert!(matches!(error, Error::NoSuchProcess(_)), "{error:?}");
        for none in [0, u32::MAX, i32::MAX as u32] {
            let error = processes.end(none, start, TERM).await.unwrap_err();
            assert!(matches!(error, Error::NoSuchProcess(_)), "{error:?}");
        }
    });
}

#[test]
fn end_refuses_a_number_that_is_no_signal() {
    let bus = Bus::activating("");
    let sleeper = Sleeper::new(&bus);
    bus.block_on(async {
        let processes = processes(&bus).await;
        let start = start_time(&processes, &sleeper).await;
        for signal in [-1, 0, 65, i32::MAX] {
            let error = processes.end(sleeper.pid(), start, signal).await;
            let error = error.unwrap_err().to_string();
            assert!(error.contains(&format!("signal {signal}")), "{error}");
        }
        assert!(Process::open(sleeper.pid()).unwrap().is_running());
    });
}

#[test]
fn end_refuses_a_process_of_another_user() {
    let (bus, foreign) = Foreign::without("kill");
    bus.block_on(async {
        let processes = processes(&bus).await;
        let one = foreign.ready(&processes).await;
        let table = processes.snapshot(&["start_time"], &one, SampleOptions::default());
        let start = number(&table.await.unwrap().rows[0][0]) as u64;
        let error = processes.end(foreign.pid(), start, TERM).await.unwrap_err();
        assert!(matches!(error, Error::AccessDenied(_)), "{error:?}");
        assert!(Process::open(foreign.pid()).unwrap().is_running());
    });
}
