use std::{collections::HashMap, sync::mpsc, thread, time::Instant};

use super::*;

const TIMEOUT: Duration = Duration::from_millis(50);

const LATE: Result<u32, Fault> = Err(Fault::Timeout);

impl Task for u32 {
    type Key = u32;

    fn key(&self) -> u32 {
        *self
    }
}

/// A runner that blocks in these tasks until their gates are dropped.
fn blocking(tasks: &[u32]) -> (TaskRunner<u32, u32>, HashMap<u32, mpsc::Sender<()>>) {
    let mut gates = HashMap::new();
    let mut waits = HashMap::new();
    for &task in tasks {
        let (gate, wait) = mpsc::channel();
        gates.insert(task, gate);
        waits.insert(task, Mutex::new(wait));
    }
    let runner = TaskRunner::new(&Pool::new(), TIMEOUT, move |task: &u32| {
        if let Some(wait) = waits.get(task) {
            wait.lock().unwrap().recv().ok();
        }
        10 * task
    });
    (runner, gates)
}

fn workers(runner: &TaskRunner<u32, u32>) -> usize {
    Arc::strong_count(&runner.shared) - 1
}

/// Runs the tasks until the answers are as expected: on a busy machine, a preempted worker may count as stuck.
fn run_until(runner: &mut TaskRunner<u32, u32>, tasks: &[u32], expected: &[Result<u32, Fault>]) {
    let start = Instant::now();
    while runner.run(tasks) != expected {
        assert!(start.elapsed() < Duration::from_secs(60));
    }
}

#[test]
fn answers_come_in_the_order_of_the_tasks() {
    let (mut runner, _) = blocking(&[]);
    assert_eq!(runner.run(&[]), []);
    assert_eq!(workers(&runner), 0);
    let tasks: Vec<_> = (0..1000).collect();
    let expected: Vec<_> = tasks.iter().map(|task| Ok(10 * task)).collect();
    run_until(&mut runner, &tasks, &expected);
    run_until(&mut runner, &tasks[..1], &expected[..1]);
}

#[test]
fn a_stuck_task_delays_no_other() {
    let (mut runner, mut gates) = blocking(&[2, 5]);
    let tasks = [1, 2, 3, 4, 5];
    let expected = [Ok(10), LATE, Ok(30), Ok(40), LATE];
    run_until(&mut runner, &tasks, &expected);
    assert!(workers(&runner) >= 2);
    // The stuck task is neither run again nor waited for.
    let start = Instant::now();
    run_until(&mut runner, &tasks, &expected);
    assert!(start.elapsed() < Duration::from_secs(30));
    // A task whose worker has returned runs again.
    drop(gates.remove(&2));
    let expected = [Ok(10), Ok(20), Ok(30), Ok(40), LATE];
    run_until(&mut runner, &tasks, &expected);
    // The workers end with the runner.
    let shared = Arc::downgrade(&runner.shared);
    drop(runner);
    drop(gates);
    while shared.strong_count() > 0 {
        thread::yield_now();
    }
}

#[test]
fn stuck_workers_are_limited() {
    let many: Vec<_> = (0..30).collect();
    let (mut runner, gates) = blocking(&many);
    assert!(runner.run(&many).iter().all(|answer| *answer == LATE));
    assert_eq!(workers(&runner), STUCK_LIMIT);
    assert_eq!(runner.run(&[100]), [LATE]);
    drop(gates);
    run_until(&mut runner, &[100], &[Ok(1000)]);
    let expected: Vec<_> = many.iter().map(|task| Ok(10 * task)).collect();
    run_until(&mut runner, &many, &expected);
}

#[test]
fn a_panic_is_a_fault() {
    let mut runner = TaskRunner::new(&Pool::new(), TIMEOUT, |task: &u32| {
        assert_ne!(*task, 2, "this one fails");
        10 * task
    });
    run_until(
        &mut runner,
        &[1, 2, 3],
        &[Ok(10), Err(Fault::Malformed), Ok(30)],
    );
    run_until(&mut runner, &[2], &[Err(Fault::Malformed)]);
}
