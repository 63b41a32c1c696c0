mod threads;

use std::{
    sync::{
        Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use crate::reading::{Fault, monotonic};

use super::{
    schedule::{JOBS, STUCK, THREADS},
    *,
};

/// A job in a queue of its own. It blocks until a number is sent to it, and answers with that.
fn held(pool: &Pool, queue: &str) -> (Job<u32>, Sender<u32>) {
    let (sender, receiver): (Sender<u32>, Receiver<u32>) = mpsc::channel();
    let receiver = Mutex::new(receiver);
    let work = move || receiver.lock().unwrap().recv().unwrap_or(0);
    (Job::new(pool, &queue.into(), work), sender)
}

fn threads(pool: &Pool) -> usize {
    pool.lock().threads
}

/// Asks the job, and waits as long as the job recommends.
fn ask<T: Clone + Send + 'static>(job: &Job<T>) -> Result<T, Fault> {
    job.ask(monotonic());
    while job.awaited_until().is_some() {
        thread::yield_now();
    }
    job.answer()
}

/// Waits until no task runs or waits.
fn settle(pool: &Pool) {
    loop {
        let schedule = pool.lock();
        if schedule.running.is_empty() && schedule.queues.is_empty() {
            return;
        }
        drop(schedule);
        thread::yield_now();
    }
}

#[test]
fn each_answer_is_fresh_and_takes_one_thread() {
    let pool = Pool::new();
    let count = Mutex::new(0);
    let job = Job::new(&pool, &"queue".into(), move || {
        let mut count = count.lock().unwrap();
        *count += 1;
        *count
    });
    assert_eq!((threads(&pool), job.answer()), (0, Err(Fault::Timeout)));
    for expected in 1..100 {
        let answer = ask(&job);
        settle(&pool);
        // On a very busy machine the wait may end before the answer.
        assert!(answer == Ok(expected) || answer == job.answer() || expected > 1);
        assert_eq!(job.answer(), Ok(expected));
    }
    // A run that began since then is not repeated.
    job.ask(Duration::ZERO);
    settle(&pool);
    assert_eq!((job.answer(), threads(&pool)), (Ok(99), 1));
}

#[test]
fn a_job_that_hangs_is_waited_for_once() {
    let pool = Pool::new();
    let (hung, release) = held(&pool, "hung");
    assert_eq!(ask(&hung), Err(Fault::Timeout));
    for _ in 0..100 {
        hung.ask(monotonic());
        assert_eq!(hung.awaited_until(), None);
    }
    let well = Job::new(&pool, &"well".into(), || 5);
    while ask(&well) != Ok(5) {}
    release.send(7).unwrap();
    settle(&pool);
    assert_eq!(hung.answer(), Ok(7));
}

#[test]
fn the_tasks_of_a_queue_run_one_after_the_other() {
    let pool = Pool::new();
    let (first, release) = held(&pool, "chip");
    let others: Vec<_> = (0..24)
        .map(|at| Job::new(&pool, &"chip".into(), move || at))
        .collect();
    first.ask(monotonic());
    let start = Instant::now();
    for job in &others {
        job.ask(monotonic());
    }
    // The wait for all of them is bounded, although the first blocks the others.
    while others.iter().any(|job| job.awaited_until().is_some()) {
        thread::yield_now();
    }
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!((threads(&pool), pool.lock().running.len()), (1, 1));
    release.send(1).unwrap();
    settle(&pool);
    let answers = others.iter().map(|job| job.answer().unwrap());
    assert!(answers.eq(0..24));
}

#[test]
fn a_dropped_job_is_not_run() {
    let pool = Pool::new();
    let (hung, release) = held(&pool, "mount");
    hung.ask(monotonic());
    while pool.lock().running.is_empty() {
        thread::yield_now();
    }
    // As for a mount that is discovered again and again while it hangs.
    for _ in 0..1000 {
        let job = Job::new(&pool, &"mount".into(), || panic!("nobody owns it"));
        job.ask(monotonic());
    }
    assert!(pool.lock().queues["mount"].waiting.is_empty());
    let later = pool.submit_later(Duration::from_secs(3600), &"mount".into(), SLOW, || ());
    drop(later);
    assert!(pool.lock().timers.is_empty());
    drop(release);
    settle(&pool);
}

#[test]
fn a_timer_fires_while_nothing_else_runs() {
    let pool = Pool::new();
    let (sender, receiver) = mpsc::channel();
    let queue = "queue".into();
    let submitted = pool.submit_later(Duration::from_millis(20), &queue, SLOW, move || {
        sender.send(()).unwrap();
    });
    receiver.recv_timeout(Duration::from_secs(60)).unwrap();
    submitted.detach();
}

#[test]
fn a_job_that_panics_is_a_fault_and_runs_again() {
    let pool = Pool::new();
    let count = Mutex::new(0);
    let job = Job::new(&pool, &"queue".into(), move || {
        let call = {
            let mut count = count.lock().unwrap();
            *count += 1;
            *count
        };
        assert!(call > 2, "call {call} of a job that panics");
        7
    });
    for expected in [Err(Fault::Malformed), Err(Fault::Malformed), Ok(7)] {
        ask(&job).ok();
        settle(&pool);
        assert_eq!(job.answer(), expected);
    }
}
