//! The number of threads: one more only for a run that finds none, and none without a pool.

use super::*;

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
