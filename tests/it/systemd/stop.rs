//! Calls are answered while the service leaves, and while systemd stops it.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use sampled::client::{Client, SampleOptions};

use super::session::{EVERYWHERE, Session, UNITS, within};

#[test]
fn no_call_is_lost_while_the_service_leaves() {
    within(&EVERYWHERE, async |session| {
        session.configure("idle_timeout = '20ms'");
        let end = Instant::now() + Duration::from_millis(1500);
        let callers = (0..4).map(async |caller| {
            let client = session.client().await;
            let mut calls = 0;
            while Instant::now() < end {
                // About the idle timeout, so that calls arrive while the service leaves.
                let pause = 17 + (calls * 7 + caller * 3) % 11;
                tokio::time::sleep(Duration::from_millis(pause)).await;
                let sample = session.read(&client).await;
                sample.unwrap_or_else(|error| panic!("call {calls} of {caller}: {error}"));
                calls += 1;
            }
            calls
        });
        let calls = join_all(callers).await;
        println!("{calls:?} calls");
        assert!(calls.iter().all(|&calls| calls > 0), "{calls:?}");
        session.unit().await.until("inactive").await;
        assert_eq!(session.failed_units(), "");
    });
}

#[test]
fn calls_are_answered_when_systemd_stops_the_service() {
    within(&UNITS, async |session| {
        let client = session.client().await;
        let options = SampleOptions {
            window: Some(Duration::from_millis(200)),
            ..SampleOptions::default()
        };
        let mut tries = 0;
        let process = loop {
            client.list(&["cpu"]).await.expect("metrics");
            let process = session.owner().await;
            if is_stopped_during_calls(session, &client, options).await {
                break process;
            }
            // On a busy machine the calls may have been answered before systemctl was started.
            tries += 1;
            assert!(tries < 10, "the service was always stopped too late");
        };
        process.wait();
        let unit = session.unit().await;
        assert_eq!(unit.state().await, "inactive");
        assert_eq!(unit.result().await, "success");
        session.busctl_sample();
        assert_ne!(session.owner().await.pid, process.pid);
    });
}

/// Stops the unit while 50 calls wait for their window. All of them must be answered; returns whether the stop came before
/// all answers.
async fn is_stopped_during_calls(
    session: &Session,
    client: &Client,
    options: SampleOptions,
) -> bool {
    let calls = join_all((0..50).map(async |_| {
        let sample = client.sample(&["cpu/all/usage"], options).await;
        (sample, Instant::now())
    }));
    let stop = async {
        // The service takes the calls of a client in order: with the reply to this one it has the others.
        client.sessions().await.expect("sessions");
        let stop = session
            .command("systemctl")
            .args(["--user", "stop", "sampled"])
            .spawn();
        (stop.expect("systemctl"), Instant::now())
    };
    let (answers, (mut stop, stopped)) = join(calls, stop).await;
    let mut is_during_calls = true;
    for (answer, at) in answers {
        assert_eq!(answer.expect("an answer").faults, [].into());
        is_during_calls &= at > stopped;
    }
    assert!(stop.wait().expect("systemctl").success());
    is_during_calls
}
