//! The process of the service, and the other clients.

use std::time::Duration;

use gtk::glib::{self, subclass::prelude::*};
use sampled_client::{Client, Error};

use super::{Presence, Service, State, acquisition::LABEL};

/// For how long a restart is news.
const RESTART_NEWS: Duration = Duration::from_secs(60);

/// Follows the owner of the service's name, without starting the service. Ends when the bus is gone.
pub(super) async fn follow(service: glib::WeakRef<Service>, client: Client) {
    while let Ok(is_running) = step(&service, &client).await {
        let Some(service) = service.upgrade() else {
            return;
        };
        if is_running && matches!(service.state(), State::Unavailable { .. }) {
            service.retry();
        }
    }
}

/// Tells the presence, then waits until the owner has changed. Returns whether there is an owner.
async fn step(service: &glib::WeakRef<Service>, client: &Client) -> Result<bool, Error> {
    refresh(service, client).await;
    let is_running = service
        .upgrade()
        .is_some_and(|service| service.presence().is_running == Some(true));
    if is_running {
        client.bus().until_unowned().await?;
    } else {
        client.bus().until_owned().await?;
    }
    Ok(!is_running)
}

/// Asks the bus and the service, if that runs. Nothing is told if the bus does not answer.
pub(super) async fn refresh(service: &glib::WeakRef<Service>, client: &Client) {
    let Ok(owner) = client.bus().owner().await else {
        return;
    };
    let mut presence = Presence {
        is_running: Some(owner.is_some()),
        ..Presence::default()
    };
    if let Some(owner) = owner
        && let Ok(running) = Client::of(client.bus().clone(), &owner.name).await
    {
        presence.pid = owner.pid;
        let version = client.bus().ask(running.proxy().version()).await;
        presence.version = version.unwrap_or_default();
        let sessions = running.sessions().await.unwrap_or_default();
        let others = sessions
            .into_values()
            .filter(|session| session.label != LABEL);
        presence.others = others
            .map(|session| match session.label.as_str() {
                "" => session.owner,
                label => label.to_owned(),
            })
            .collect();
    }
    if let Some(service) = service.upgrade() {
        let restarted = service.imp().restarted.get();
        presence.was_restarted = restarted.is_some_and(|then| then.elapsed() < RESTART_NEWS);
        service.set_presence(presence);
    }
}
