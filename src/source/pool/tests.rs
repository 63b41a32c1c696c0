use std::sync::mpsc::{self, Receiver, Sender};

use crate::reading::{Fault, monotonic};

use super::{
    state::{JOBS, STUCK},
    *,
};

/// A job at a place of its own that answers with what it is sent, once it is sent something.
fn held(pool: &Pool, place: &str) -> (Job<u32>, Sender<u32>) {
    let (sender, receiver): (Sender<u32>, Receiver<u32>) = mpsc::channel();
    let receiver = Mutex::new(receiver);
    let work = move || receiver.lock().unwrap().recv().unwrap_or(0);
    (Job::new(pool, &place.into(), work), sender)
}

fn threads(pool: &Pool) -> usize {
    pool.lock().threads
}

/// Asks, and waits for as long as it is worth it.
fn ask<T: Clone + Send + 'static>(job: &Job<T>) -> Result<T, Fault> {
    job.ask(monotonic());
    while job.awaited_until().is_some() {
        thread::yield_now();
    }
    job.answer()
}

/// Waits until there are no tasks that run or wait.
fn settle(pool: &Pool) {
    loop {
        let state = pool.lock();
        if state.running.is_empty() && state.places.is_empty() {
            return;
        }
        drop(state);
        thread::yield_now();
    }
}

#[test]
fn what_answers_is_fresh_each_time_and_takes_one_thread() {
    let pool = Pool::new();
    let count = Mutex::new(0);
    let job = Job::new(&pool, &"place".into(), move || {
        let mut count = count.lock().unwrap();
        *count += 1;
        *count
    });
    assert_eq!((threads(&pool), job.answer()), (0, Err(Fault::Timeout)));
    for expected in 1..100 {
        let answer = ask(&job);
        settle(&pool);
        // On a machine that is very busy, nobody waits that long.
        assert!(answer == Ok(expected) || answer == job.answer() || expected > 1);
        assert_eq!(job.answer(), Ok(expected));
    }
    // What was begun since is not begun again.
    job.ask(Duration::ZERO);
    settle(&pool);
    assert_eq!((job.answer(), threads(&pool)), (Ok(99), 1));
}

#[test]
fn one_that_hangs_is_waited_for_once() {
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
fn at_one_place_one_runs_after_the_other() {
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
    // All together are worth as much waiting as the first, which holds them up.
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
fn threads_are_bounded_and_what_is_beyond_is_a_fault() {
    let pool = Pool::new();
    let hung: Vec<_> = (0..JOBS + 5)
        .map(|at| held(&pool, &format!("mount {at}")))
        .collect();
    // Each round finds those of the round before stuck.
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
    // The process table and commands go on, as far as there are threads at all.
    for at in 0..100 {
        let (sender, receiver) = mpsc::channel();
        let place = format!("table {at}").into();
        let task = move || sender.send(()).unwrap();
        let submitted = pool.submit_at_once(&place, SLOW, task);
        receiver.recv_timeout(Duration::from_secs(60)).unwrap();
        drop(submitted);
    }
    assert_eq!(
        (well.awaited_until(), well.answer()),
        (None, Err(Fault::Timeout))
    );
    assert!(threads(&pool) <= THREADS + STUCK, "{}", threads(&pool));
    // Those that return take what has waited.
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
fn one_that_is_idle_is_not_promised_twice() {
    let pool = Pool::new();
    for round in 0..200 {
        // One thread has nothing to do.
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
        // Nobody asks the pool for anything meanwhile.
        let answered = receiver.recv_timeout(Duration::from_secs(10));
        assert!(answered.is_ok(), "round {round}");
        drop((submitted, release));
        settle(&pool);
    }
}

#[test]
fn what_nobody_owns_any_more_is_not_begun() {
    let pool = Pool::new();
    let (hung, release) = held(&pool, "mount");
    hung.ask(monotonic());
    while pool.lock().running.is_empty() {
        thread::yield_now();
    }
    // A mount that is found again and again while it hangs.
    for _ in 0..1000 {
        let job = Job::new(&pool, &"mount".into(), || panic!("nobody owns it"));
        job.ask(monotonic());
    }
    assert!(pool.lock().places["mount"].waiting.is_empty());
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
fn a_task_comes_later_without_another_one() {
    let pool = Pool::new();
    let (sender, receiver) = mpsc::channel();
    let place = "place".into();
    let submitted = pool.submit_later(Duration::from_millis(20), &place, SLOW, move || {
        sender.send(()).unwrap();
    });
    receiver.recv_timeout(Duration::from_secs(60)).unwrap();
    submitted.detach();
}

#[test]
fn one_that_panics_has_failed_and_is_asked_again() {
    let pool = Pool::new();
    let count = Mutex::new(0);
    let job = Job::new(&pool, &"place".into(), move || {
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
