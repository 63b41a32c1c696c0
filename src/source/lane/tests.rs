use std::sync::{
    atomic::{AtomicUsize, Ordering},
    mpsc::{self, Receiver, Sender},
};

use super::*;

/// A job that answers with what it is sent, once it is sent something, and the calls it had.
fn held(lane: &Lane<u32>) -> (usize, Sender<u32>, Arc<AtomicUsize>) {
    let (sender, receiver): (Sender<u32>, Receiver<u32>) = mpsc::channel();
    let (receiver, calls) = (Mutex::new(receiver), Arc::new(AtomicUsize::new(0)));
    let counted = calls.clone();
    let job = lane.add(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        receiver.lock().unwrap().recv().unwrap_or(0)
    });
    (job, sender, calls)
}

fn workers(lane: &Lane<u32>) -> usize {
    lane.shared.lock().workers
}

/// Waits until the job has an answer.
fn settle(lane: &Lane<u32>, job: usize) {
    let mut state = lane.shared.lock();
    while state.jobs[job].is_out {
        state = lane.shared.answered.wait(state).unwrap();
    }
}

#[test]
fn what_answers_is_fresh_each_time() {
    let lane = Lane::new();
    let count = Arc::new(AtomicUsize::new(0));
    let job = lane.add(move || count.fetch_add(1, Ordering::SeqCst) as u32);
    assert_eq!(workers(&lane), 0);
    for expected in 0..100 {
        let answer = lane.ask(&[job])[0];
        // On a machine that is very busy, the last answer may have to do.
        assert!(answer == Ok(expected) || expected > 0 && answer.is_ok() || answer.is_err());
        settle(&lane, job);
        assert_eq!(lane.shared.lock().jobs[job].answer.unwrap().1, Ok(expected));
    }
    assert!(workers(&lane) >= 1);
}

#[test]
fn one_that_hangs_costs_only_itself() {
    let lane = Lane::new();
    let (hung, release, calls) = held(&lane);
    let well = lane.add(|| 5);
    let hangs = |answers: &[Result<u32, Fault>]| answers[0] == Err(Fault::Timeout);
    assert!(hangs(&lane.ask(&[hung, well])));
    settle(&lane, well);
    // Found out since the last time, it is neither called again nor waited for.
    for _ in 0..50 {
        assert!(hangs(&lane.ask(&[hung, well])));
        settle(&lane, well);
        assert_eq!(lane.shared.lock().jobs[well].answer.unwrap().1, Ok(5));
    }
    let start = Instant::now();
    (0..100).for_each(|_| assert!(hangs(&lane.ask(&[hung]))));
    assert!(start.elapsed() < 100 * PATIENCE / 2);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    release.send(7).unwrap();
    settle(&lane, hung);
    release.send(8).unwrap();
    assert!(lane.ask(&[hung])[0].is_ok());
}

#[test]
fn many_that_hang_have_a_worker_each_and_no_more() {
    let lane = Lane::new();
    let held: Vec<_> = (0..3).map(|_| held(&lane)).collect();
    let jobs: Vec<_> = held.iter().map(|(job, ..)| *job).collect();
    let well = lane.add(|| 5);
    let all: Vec<_> = jobs.iter().copied().chain([well]).collect();
    for _ in 0..20 {
        lane.ask(&all);
    }
    settle(&lane, well);
    assert!(workers(&lane) <= 5, "{}", workers(&lane));
    for (job, release, calls) in &held {
        assert!(calls.load(Ordering::SeqCst) <= 1);
        release.send(1).unwrap();
        settle(&lane, *job);
    }
}

#[test]
fn what_is_slow_is_answered_with_the_last() {
    let lane = Lane::new();
    let (job, release, _) = held(&lane);
    assert_eq!(lane.ask(&[job]), [Err(Fault::Timeout)]);
    release.send(7).unwrap();
    settle(&lane, job);
    assert_eq!(lane.ask(&[job]), [Ok(7)]);
    // That call is still out, and was not asked for now.
    assert_eq!(lane.ask(&[job]), [Err(Fault::Timeout)]);
    release.send(8).unwrap();
}

#[test]
fn workers_end_with_the_lane() {
    let lane = Lane::new();
    let job = lane.add(|| 5);
    lane.ask(&[job]);
    settle(&lane, job);
    let shared = Arc::downgrade(&lane.shared);
    drop(lane);
    while shared.strong_count() > 0 {
        thread::yield_now();
    }
}

#[test]
fn one_that_is_slow_is_taken_as_it_is() {
    const AGE: Duration = Duration::from_secs(60);
    let lane = Lane::new();
    let (job, release, calls) = held(&lane);
    let take = |age, patience| lane.take(job, age, patience);
    // There is no answer yet, and it is not waited for without patience.
    assert_eq!(take(AGE, Duration::ZERO), Err(Fault::Timeout));
    release.send(7).unwrap();
    settle(&lane, job);
    // The last is young enough: nobody waits, and the next call is out.
    assert_eq!(take(AGE, AGE), Ok(7));
    release.send(8).unwrap();
    settle(&lane, job);
    // It is not young enough, and the new one comes in time.
    release.send(9).unwrap();
    assert_eq!(take(Duration::ZERO, AGE), Ok(9));
    // The new one does not come in time, and the last is not too old.
    assert_eq!(take(Duration::ZERO, Duration::from_millis(1)), Ok(9));
    drop(release);
    settle(&lane, job);
    assert_eq!(calls.load(Ordering::SeqCst), 4);
}

#[test]
fn one_that_panics_has_failed_and_is_asked_again() {
    let lane = Lane::new();
    let count = Arc::new(AtomicUsize::new(0));
    let job = lane.add(move || match count.fetch_add(1, Ordering::SeqCst) as u32 {
        2.. => 7,
        call => panic!("call {call} of a job that panics"),
    });
    let patience = Duration::from_secs(60);
    let take = || lane.take(job, Duration::ZERO, patience);
    assert_eq!(take(), Err(Fault::Malformed));
    assert_eq!(take(), Err(Fault::Malformed));
    assert_eq!(take(), Ok(7));
}
