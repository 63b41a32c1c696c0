//! Threads and processes exist only while commands are requested.

use std::time::{Duration, Instant};

use sampled::custom::command::Command;

use super::fixture::{FOREVER, Fixture, Resources, in_own_process, next_answer, nothing_is_left};

#[test]
fn a_command_without_requests_ends() {
    in_own_process(|| {
        let before = Resources::now();
        let fixture = Fixture::new();
        let handles = [true, false].map(|lines| {
            fixture.runner.add(Command {
                lines,
                interval: Duration::from_millis(100),
                ..fixture.shell("echo 1; sleep 1000 & exec sleep 1000")
            })
        });
        for handle in &handles {
            handle.ask();
        }
        next_answer(&handles[0], 0);
        let start = Instant::now();
        assert!(fixture.processes().len() >= 4);
        nothing_is_left(&fixture.home);
        assert!(start.elapsed() > Duration::from_secs(5));
        // The handle is not dropped.
        before.wait_until_restored();
        let state = next_answer(&handles[0], 1);
        assert_eq!(&*state.output.unwrap().bytes, b"1");
    });
}

#[test]
fn there_is_no_thread_before_the_first_request() {
    in_own_process(|| {
        let before = Resources::now();
        let fixture = Fixture::new();
        let handle = fixture.runner.add(fixture.shell("echo 1"));
        assert_eq!(Resources::now(), before);
        next_answer(&handle, 0);
        assert_ne!(Resources::now(), before);
        drop(handle);
        before.wait_until_restored();
    });
}

#[test]
fn twenty_commands_run_at_a_time() {
    in_own_process(|| {
        let before = Resources::now();
        let fixture = Fixture::new();
        let handles: Vec<_> = (0..20)
            .map(|number| fixture.runner.add(fixture.shell(&format!("echo {number}"))))
            .collect();
        for handle in &handles {
            handle.ask();
        }
        for (number, handle) in handles.iter().enumerate() {
            let state = next_answer(handle, 0);
            let expected = format!("{number}\n");
            assert_eq!(&*state.output.unwrap().bytes, expected.as_bytes());
        }
        assert_eq!(
            fixture.runner.add(fixture.shell(":")).wait(FOREVER).answers,
            1
        );
        drop((handles, fixture.runner));
        nothing_is_left(&fixture.home);
        before.wait_until_restored();
    });
}
