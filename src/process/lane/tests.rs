use std::{collections::HashMap, sync::mpsc, thread, time::Instant};

use super::*;

const PATIENCE: Duration = Duration::from_millis(50);

const LATE: Result<u32, Fault> = Err(Fault::Timeout);

impl Task for u32 {
    type Key = u32;

    fn key(&self) -> u32 {
        *self
    }
}

/// A lane whose work on some tasks waits until it is let go.
fn blocking(tasks: &[u32]) -> (Lane<u32, u32>, HashMap<u32, mpsc::Sender<()>>) {
    let mut gates = HashMap::new();
    let mut waits = HashMap::new();
    for &task in tasks {
        let (gate, wait) = mpsc::channel();
        gates.insert(task, gate);
        waits.insert(task, Mutex::new(wait));
    }
    let lane = Lane::new(&Pool::new(), PATIENCE, move |task: &u32| {
        if let Some(wait) = waits.get(task) {
            wait.lock().unwrap().recv().ok();
        }
        10 * task
    });
    (lane, gates)
}

fn workers(lane: &Lane<u32, u32>) -> usize {
    Arc::strong_count(&lane.shared) - 1
}

/// A worker that is preempted for long enough counts as stuck, so that a busy machine may take more
/// than one attempt.
fn ask_until(lane: &mut Lane<u32, u32>, tasks: &[u32], expected: &[Result<u32, Fault>]) {
    let start = Instant::now();
    while lane.ask(tasks) != expected {
        assert!(start.elapsed() < Duration::from_secs(60));
    }
}

#[test]
fn everything_is_answered_in_order() {
    let (mut lane, _) = blocking(&[]);
    assert_eq!(lane.ask(&[]), []);
    assert_eq!(workers(&lane), 0);
    let tasks: Vec<_> = (0..1000).collect();
    let expected: Vec<_> = tasks.iter().map(|task| Ok(10 * task)).collect();
    ask_until(&mut lane, &tasks, &expected);
    ask_until(&mut lane, &tasks[..1], &expected[..1]);
}

#[test]
fn what_is_stuck_holds_up_nothing_else() {
    let (mut lane, mut gates) = blocking(&[2, 5]);
    let tasks = [1, 2, 3, 4, 5];
    let expected = [Ok(10), LATE, Ok(30), Ok(40), LATE];
    ask_until(&mut lane, &tasks, &expected);
    assert!(workers(&lane) >= 2);
    // It is not asked again, nor waited for.
    let start = Instant::now();
    ask_until(&mut lane, &tasks, &expected);
    assert!(start.elapsed() < Duration::from_secs(30));
    // What returns is asked again.
    drop(gates.remove(&2));
    let expected = [Ok(10), Ok(20), Ok(30), Ok(40), LATE];
    ask_until(&mut lane, &tasks, &expected);
    // The workers end with the lane, as soon as they can.
    let shared = Arc::downgrade(&lane.shared);
    drop(lane);
    drop(gates);
    while shared.strong_count() > 0 {
        thread::yield_now();
    }
}

#[test]
fn as_many_are_stuck_as_may_be() {
    let many: Vec<_> = (0..30).collect();
    let (mut lane, gates) = blocking(&many);
    assert!(lane.ask(&many).iter().all(|answer| *answer == LATE));
    assert_eq!(workers(&lane), MOST_STUCK);
    assert_eq!(lane.ask(&[100]), [LATE]);
    drop(gates);
    ask_until(&mut lane, &[100], &[Ok(1000)]);
    let expected: Vec<_> = many.iter().map(|task| Ok(10 * task)).collect();
    ask_until(&mut lane, &many, &expected);
}

#[test]
fn a_panic_is_a_fault() {
    let mut lane = Lane::new(&Pool::new(), PATIENCE, |task: &u32| {
        assert_ne!(*task, 2, "this one fails");
        10 * task
    });
    ask_until(
        &mut lane,
        &[1, 2, 3],
        &[Ok(10), Err(Fault::Malformed), Ok(30)],
    );
    ask_until(&mut lane, &[2], &[Err(Fault::Malformed)]);
}
