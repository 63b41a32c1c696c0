//! The life cycle of the connection, by what the window demands.

use gtk::glib::{self, prelude::*, subclass::prelude::*};
use sampled_client::{Client, Error};

use super::{
    Service, State,
    acquisition::{self, Demand},
    presence,
};
use crate::recording::Absence;

impl Service {
    /// Does once, after all that has happened in this turn of the main loop, what it demands.
    pub(super) fn update_soon(&self) {
        let imp = self.imp();
        if imp.update.borrow().is_some() {
            return;
        }
        let service = self.downgrade();
        let update = glib::idle_add_local_full(glib::Priority::DEFAULT, move || {
            if let Some(service) = service.upgrade() {
                service.imp().update.take();
                service.update();
            }
            glib::ControlFlow::Break
        });
        imp.update.replace(Some(update));
    }

    pub(super) fn update(&self) {
        let imp = self.imp();
        self.update_watches();
        let demand = self.is_active().then(|| Demand {
            selectors: imp.selectors.borrow().clone(),
            interval: imp.interval.get(),
        });
        if demand.is_some() && *imp.demand.borrow() == demand {
            return;
        }
        imp.demand.replace(demand.clone());
        if let Some(acquisition) = imp.acquisition.take() {
            acquisition.abort();
        }
        if let Some(demand) = demand {
            let future = acquisition::run(self.downgrade(), demand);
            imp.acquisition
                .replace(Some(glib::spawn_future_local(future)));
        } else if imp.is_paused.get() {
            imp.recording.interrupt(Absence::Paused);
            self.set_state(State::Paused);
            self.refresh_presence();
        } else {
            imp.recording.interrupt(Absence::Unread);
            self.set_state(State::Hidden);
        }
    }

    fn update_watches(&self) {
        self.change_watches(|watches| match self.is_paused() {
            true => watches.stop(),
            false => watches.start(self),
        });
    }

    /// The client, on a bus that is connected now if it was not.
    pub(super) async fn connect_to_bus(&self) -> Result<Client, Error> {
        if let Some(client) = self.client() {
            return Ok(client);
        }
        let client = Client::connect().await?;
        self.imp().client.replace(Some(client.clone()));
        let presence = glib::spawn_future_local(presence::follow(self.downgrade(), client.clone()));
        if let Some(former) = self.imp().presence_task.replace(Some(presence)) {
            former.abort();
        }
        Ok(client)
    }

    /// Connects anew for the next attempt.
    pub(super) fn forget_bus(&self) {
        self.imp().client.take();
        if let Some(task) = self.imp().presence_task.take() {
            task.abort();
        }
    }

    /// Asks who samples, without starting the service.
    pub(super) fn refresh_presence(&self) {
        if let Some(client) = self.client() {
            let service = self.downgrade();
            glib::spawn_future_local(async move { presence::refresh(&service, &client).await });
        }
    }
}
