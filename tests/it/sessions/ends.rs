//! The end of a session: by its owner, with a reason, or not yet if it is detached.

use futures_util::StreamExt;
use rustix::process::Signal;
use sampled::client::{Error, Session, Start};
use tokio::time::timeout;

use super::{frame, frames, info, start};
use crate::support::{bus::Bus, process::DEADLINE};

#[test]
fn only_the_owner_of_a_session_stops_it() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let other = bus.client().await;
        let mut session = start(&other, &["memory"], 100).await;
        // The session has a connection of its own, so to the bus its owner is another client than `other`.
        let error = other.stop(session.id()).await.unwrap_err();
        assert!(matches!(error, Error::NotOwner(_)), "{error:?}");
        assert!(
            error.to_string().contains(&session.id().to_string()),
            "{error}"
        );
        frames(&mut session, 2).await;
        let id = session.id();
        session.stop().await.unwrap();
        let error = other.stop(id).await.unwrap_err();
        assert!(matches!(error, Error::NoSuchSession(_)), "{error:?}");
    });
}

#[test]
fn a_session_ends_with_a_reason() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let detached = Start {
            detached: true,
            ..Start::every_millis(100)
        };
        let mut session = client.start(&["memory"], detached).await.unwrap();
        let end = async |session: &mut Session| {
            let error = async {
                loop {
                    if let Err(error) = session.next().await {
                        return error.to_string();
                    }
                }
            };
            timeout(DEADLINE, error)
                .await
                .expect("the end of the session")
        };
        client.stop(session.id()).await.unwrap();
        assert_eq!(end(&mut session).await, "the session is over: stopped");
        let mut session = start(&client, &["memory"], 100).await;
        bus.owned().await.signal(Signal::TERM);
        assert_eq!(end(&mut session).await, "the session is over: stopping");
        let mut session = start(&client, &["memory"], 100).await;
        bus.owned().await.signal(Signal::KILL);
        assert_eq!(
            end(&mut session).await,
            "the session is over: the service has gone"
        );
    });
}

#[test]
fn a_detached_session_outlives_its_client_and_sends_to_all_subscribers() {
    let bus = Bus::activating("--idle-timeout 100ms");
    bus.block_on(async {
        let other = bus.client().await;
        let detached = Start {
            label: "thermometer".to_owned(),
            detached: true,
            ..Start::every_millis(60)
        };
        let id = {
            let client = bus.client().await;
            let mut session = client.start(&["memory"], detached).await.unwrap();
            frame(&mut session).await;
            session.id()
        };
        let mut signals = other.proxy().receive_sampled().await.unwrap();
        // These frames take longer than the idle timeout: the session keeps the service.
        for _ in 0..5 {
            let signal = timeout(DEADLINE, signals.next()).await.unwrap().unwrap();
            assert_eq!(*signal.args().unwrap().session(), id);
        }
        let session = info(&other, id).await.unwrap();
        assert!(session.detached);
        assert_eq!(session.label, "thermometer");
        other.stop(id).await.unwrap();
        bus.vacant().await;
    });
}
