//! The connection to the bus, and the list of metrics.

use std::future::pending;

use futures_util::{StreamExt, stream::BoxStream};
use sampled_client::{Catalog, Client, Error};
use tokio::task::{JoinHandle, spawn_local};

/// The connection to the bus.
pub(crate) struct Connection {
    client: Option<Client>,
    listing: Option<JoinHandle<Result<Listed, Error>>>,
    changes: Option<BoxStream<'static, ()>>,
}

/// The metrics of the service, and the changes of their list from then on.
pub(crate) struct Listed {
    client: Client,
    changes: BoxStream<'static, ()>,
    catalog: Catalog,
}

impl Connection {
    /// The connection that a list came by.
    pub(crate) fn of(listed: Listed) -> (Self, Catalog) {
        let connection = Self {
            client: Some(listed.client),
            listing: None,
            changes: Some(listed.changes),
        };
        (connection, listed.catalog)
    }

    /// The client, unless the connection is broken.
    pub(crate) fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// Lists the metrics again, on another connection if this one is broken.
    pub(crate) fn list_again(&mut self, is_broken: bool) {
        if self.listing.is_some() {
            return;
        }
        let client = self.client.clone().filter(|_| !is_broken);
        if is_broken {
            self.client = None;
            self.changes = None;
        }
        self.listing = Some(spawn_local(async {
            match client {
                Some(client) => list_on(client).await,
                None => list().await,
            }
        }));
    }

    /// Waits for a list, or for a change of it, after which it is asked for. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Catalog, Error> {
        loop {
            if let Some(listing) = &mut self.listing {
                let listed = listing.await;
                self.listing = None;
                let listed = listed.map_err(|error| Error::Failed(error.to_string()))??;
                self.client = Some(listed.client);
                self.changes = Some(listed.changes);
                return Ok(listed.catalog);
            }
            match &mut self.changes {
                Some(changes) => match changes.next().await {
                    Some(_) => self.list_again(false),
                    None => self.changes = None,
                },
                None => pending().await,
            }
        }
    }
}

/// Connects to the bus and lists the metrics. The bus starts the service.
pub(crate) async fn list() -> Result<Listed, Error> {
    list_on(Client::connect().await?).await
}

async fn list_on(client: Client) -> Result<Listed, Error> {
    // Before the list, so that no change is missed.
    let changes = client.proxy().receive_catalog_changed();
    let changes = client.bus().ask(changes).await?.map(drop).boxed();
    let catalog = Catalog::new(client.list(&[]).await?);
    Ok(Listed {
        client,
        changes,
        catalog,
    })
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(listing) = &self.listing {
            listing.abort();
        }
    }
}
