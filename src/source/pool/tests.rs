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
fn each_chosen_thread_is_woken() {
    const HOUR: Duration = Duration::from_secs(3600);
    let pool = Pool::new();
    let held: Vec<_> = (0..4).map(|at| held(&pool, &format!("{at}"))).collect();
    while threads(&pool) < held.len() {
        for (job, _) in &held {
            job.ask(monotonic());
            job.awaited_until();
        }
    }
    // No thread wakes by itself before this one's time.
    let later = || pool.submit_later(HOUR, &"later".into(), HOUR, || {});
    let _last = later();
    for (_, release) in &held {
        release.send(1).unwrap();
    }
    let quick = Job::new(&pool, &"quick".into(), || 5);
    for _ in 0..100 {
        // The thread that the job has chosen may not have begun when the next ones are chosen.
        quick.ask(monotonic());
        drop(later());
        let start = Instant::now();
        loop {
            let schedule = pool.lock();
            if schedule.idle == schedule.threads {
                break;
            }
            drop(schedule);
            assert!(
                start.elapsed() < HOUR / 120,
                "a thread sleeps that was chosen"
            );
            thread::yield_now();
        }
    }
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
fn threads_are_limited_and_further_jobs_time_out() {
    let pool = Pool::new();
    let hung: Vec<_> = (0..JOBS + 5)
        .map(|at| held(&pool, &format!("mount {at}")))
        .collect();
    // In each round, the threads of the round before are stuck.
    let start = Instant::now();
    while threads(&pool) < JOBS || pool.lock().stuck(Instant::now()) < JOBS {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{}",
            threads(&pool)
        );
        for (job, _) in &hung {
            job.ask(monotonic());
            job.awaited_until();
        }
        thread::yield_now();
    }
    let well = Job::new(&pool, &"well".into(), || 5);
    well.ask(monotonic());
    assert_eq!(
        (well.awaited_until(), well.answer()),
        (None, Err(Fault::Timeout))
    );
    // Tasks that are no jobs still get threads: the process table, commands.
    for at in 0..100 {
        let (sender, receiver) = mpsc::channel();
        let queue = format!("table {at}").into();
        let task = move || sender.send(()).unwrap();
        let submitted = pool.submit_at_once(&queue, SLOW, task);
        receiver.recv_timeout(Duration::from_secs(60)).unwrap();
        drop(submitted);
    }
    assert_eq!(
        (well.awaited_until(), well.answer()),
        (None, Err(Fault::Timeout))
    );
    assert!(threads(&pool) <= THREADS + STUCK, "{}", threads(&pool));
    // Threads that return run the waiting tasks.
    drop(hung);
    while well.answer() != Ok(5) {
        thread::yield_now();
    }
    settle(&pool);
    while threads(&pool) > THREADS {
        thread::yield_now();
    }
}

#[test]
fn a_run_that_nobody_waits_for_gets_a_thread_too() {
    let pool = Pool::new();
    let count = std::sync::atomic::AtomicU32::new(0);
    let slow = Job::new(&pool, &"slow".into(), move || {
        thread::sleep(SLOW * 2);
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    });
    while ask(&slow) != Ok(0) {}
    settle(&pool);
    // The only thread is busy and not stuck.
    let (release, receiver) = mpsc::channel::<()>();
    let minute = Duration::from_secs(60);
    let task = move || {
        receiver.recv().ok();
    };
    let busy = pool.submit_at_once(&"busy".into(), minute, task);
    while pool.lock().running.is_empty() {
        thread::yield_now();
    }
    slow.ask(monotonic());
    let start = Instant::now();
    while slow.answer() != Ok(1) {
        // The earlier answer serves for 10 s.
        assert_eq!(slow.awaited_until(), None);
        assert!(start.elapsed() < Duration::from_secs(5), "it never began");
        thread::yield_now();
    }
    drop((busy, release));
}

#[test]
fn an_idle_thread_is_not_counted_on_twice() {
    let pool = Pool::new();
    for round in 0..200 {
        // One thread is idle.
        let warm = Job::new(&pool, &"warm".into(), || 5);
        while ask(&warm) != Ok(5) {}
        while pool.lock().idle == 0 {
            thread::yield_now();
        }
        let (hung, release) = held(&pool, "hung");
        let (sender, receiver) = mpsc::channel();
        hung.ask(monotonic());
        let task = move || sender.send(()).unwrap();
        let submitted = pool.submit_at_once(&"table".into(), SLOW, task);
        // Nothing else calls the pool meanwhile.
        let answered = receiver.recv_timeout(Duration::from_secs(10));
        assert!(answered.is_ok(), "round {round}");
        drop((submitted, release));
        settle(&pool);
    }
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
fn threads_end_with_the_pool() {
    let pool = Pool::new();
    let (hung, release) = held(&pool, "hung");
    let well = Job::new(&pool, &"well".into(), || 5);
    hung.ask(monotonic());
    while ask(&well) != Ok(5) {}
    let shared = Arc::downgrade(&pool.0.0);
    drop((hung, well, pool));
    drop(release);
    while shared.strong_count() > 0 {
        thread::yield_now();
    }
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
