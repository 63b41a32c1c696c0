//! The session for what is shown, again and again.

use std::{
    future::pending,
    pin::pin,
    time::{Duration, Instant},
};

use futures_util::{
    StreamExt,
    future::{Either, select},
};
use gtk::glib::{self, prelude::*, subclass::prelude::*};
use sampled_client::{Catalog, Client, Error, Session, Start, zbus};

use super::{Service, backoff::Backoff, presence, state::State};
use crate::{
    excerpt::excerpt,
    recording::{Absence, now},
};

/// The label of the sessions, which other programs show.
pub(super) const LABEL: &str = "Monitor";

/// The past that a session begins with: all that the service keeps, because every graph scrolls back. An hour is what the
/// recording keeps of one reading a second.
const PAST: Duration = Duration::from_secs(3600);

/// How often it asks who else samples.
const PRESENCE_INTERVAL: Duration = Duration::from_secs(10);

/// The selectors and options of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) selectors: Vec<String>,
    pub(super) interval: Duration,
}

/// Samples until the task is aborted. When the service has gone, another session starts another one.
pub(super) async fn run(service: glib::WeakRef<Service>, demand: Demand) {
    let mut backoff = Backoff::default();
    let mut attempts: u32 = 0;
    loop {
        let Some(strong) = service.upgrade() else {
            return;
        };
        if !matches!(
            strong.state(),
            State::Restarting { .. }
                | State::Unavailable { .. }
                | State::Refused { .. }
                | State::Sampling { .. }
        ) {
            strong.set_state(State::Connecting);
        }
        drop(strong);
        let error = match sample(&service, &demand, &mut backoff).await {
            Err(error) => error,
            Ok(()) => return,
        };
        let wait = backoff.fail(Instant::now());
        let Some(strong) = service.upgrade() else {
            return;
        };
        strong.recording().interrupt(Absence::Disconnected);
        let cause = excerpt(&error.to_string());
        attempts = match strong.state() {
            State::Sampling { .. } => 1,
            _ => attempts.saturating_add(1),
        };
        strong.set_state(match error {
            Error::NotInstalled(_) => State::Unavailable { cause },
            Error::NoBus(_) | Error::Handshake(_) => {
                strong.forget_bus();
                State::Unavailable { cause }
            }
            // An error that only a later version knows.
            Error::Bus(zbus::Error::MethodError(..)) => State::Refused { cause },
            Error::Bus(_) | Error::NoAnswer { .. } => {
                // The connection may be broken.
                strong.forget_bus();
                State::Restarting { cause, attempts }
            }
            Error::Ended(_) | Error::Stopping => State::Restarting { cause, attempts },
            _ => State::Refused { cause },
        });
        drop(strong);
        glib::timeout_future(wait).await;
    }
}

/// One session, from its start to its end, which is an error; or to that of the window.
async fn sample(
    service: &glib::WeakRef<Service>,
    demand: &Demand,
    backoff: &mut Backoff,
) -> Result<(), Error> {
    let Some(strong) = service.upgrade() else {
        return Ok(());
    };
    let client = strong.connect_to_bus().await?;
    drop(strong);
    // Before the list, so that no change is missed.
    let mut changes = client
        .bus()
        .ask(client.proxy().receive_catalog_changed())
        .await?;
    list(service, &client).await;
    let selectors: Vec<&str> = demand.selectors.iter().map(String::as_str).collect();
    let start = Start {
        label: LABEL.to_owned(),
        optional: true,
        history: PAST,
        ..Start::every(demand.interval)
    };
    let started = now();
    let mut session = client.start(&selectors, start).await?;
    let interval = u64::try_from(demand.interval.as_micros()).unwrap_or(u64::MAX);
    begin(service, &session, interval);
    presence::refresh(service, &client).await;
    backoff.succeed(Instant::now());
    // Half an interval before, because the first frame may be one that another client has just had.
    let past = started.saturating_sub(interval.checked_div(2).unwrap_or_default());
    let mut is_past = true;
    let mut refreshed = Instant::now();
    let id = session.id();
    let (mut heard, mut is_answered) = (Instant::now(), true);
    loop {
        let next = pin!(session.next());
        let bus = client.bus();
        let silence = pin!(async move {
            match is_answered {
                true => bus.until_unanswered(heard, demand.interval).await,
                false => pending().await,
            }
        });
        let event = select(select(next, changes.next()), silence).await;
        let frame = match event {
            Either::Left((Either::Left((frame, _)), _)) => frame?,
            Either::Left((Either::Right((Some(_), _)), _)) => {
                list(service, &client).await;
                continue;
            }
            Either::Left((Either::Right((None, _)), _)) => {
                return Err(Error::Ended("the bus is gone".to_owned()));
            }
            Either::Right(_) => {
                is_answered = false;
                set_answered(service, id, is_answered);
                continue;
            }
        };
        heard = Instant::now();
        if !is_answered {
            is_answered = true;
            set_answered(service, id, is_answered);
        }
        let Some(strong) = service.upgrade() else {
            return Ok(());
        };
        is_past &= frame.timestamp < past;
        if is_past {
            strong.recording().take_past(&frame);
        } else {
            strong.recording().take(&frame);
            strong.emit_by_name::<()>("frame", &[&frame.timestamp]);
            if refreshed.elapsed() >= PRESENCE_INTERVAL {
                refreshed = Instant::now();
                strong.refresh_presence();
            }
        }
    }
}

fn begin(service: &glib::WeakRef<Service>, session: &Session, interval: u64) {
    if let Some(service) = service.upgrade() {
        service.recording().begin(interval);
        if matches!(service.state(), State::Restarting { .. }) {
            service.imp().restarted.set(Some(Instant::now()));
        }
    }
    set_answered(service, session.id(), true);
}

fn set_answered(service: &glib::WeakRef<Service>, session: u32, is_answered: bool) {
    if let Some(service) = service.upgrade() {
        service.set_state(State::Sampling {
            session,
            is_answered,
        });
    }
}

/// Takes over the list of metrics. Without one, as from a service of another version, the window says why.
pub(super) async fn list(service: &glib::WeakRef<Service>, client: &Client) {
    let result = client.list(&[]).await;
    let Some(service) = service.upgrade() else {
        return;
    };
    match result {
        Ok(metrics) => {
            service.set_catalog(Catalog::new(metrics));
            service.set_problem(None);
        }
        Err(error) => service.set_problem(Some(excerpt(&error.to_string()))),
    }
}
