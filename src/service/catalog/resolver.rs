//! What selectors mean, found out with turns for others in between.

use std::sync::Arc;

use tokio::task::yield_now;

use crate::{
    service::{admission::Admission, error::Error},
    store::{Resolution, Selection, Store, Visibility},
};

/// Resolves the lists of selectors of all calls.
pub(super) struct Resolver {
    store: Arc<Store>,
    admission: Arc<Admission>,
    /// Held by the list of selectors that is being resolved in steps.
    long_lists: tokio::sync::Mutex<()>,
}

impl Resolver {
    pub(super) fn new(store: Arc<Store>, admission: Arc<Admission>) -> Self {
        Self {
            store,
            admission,
            long_lists: tokio::sync::Mutex::default(),
        }
    }

    /// Finds out what selectors mean, with turns for others in between. Of the lists that take long, one at
    /// a time has these turns: many would leave none to others.
    pub(super) async fn resolve(
        &self,
        client: Option<&str>,
        selectors: &[&str],
        view: Visibility,
    ) -> Result<Arc<Selection>, Error> {
        let mut resolution = Resolution::with_visibility(selectors, view);
        loop {
            if let Some(selection) = self.store.resolve_step(&mut resolution)? {
                return Ok(selection);
            }
            if !resolution.is_awaited() {
                break;
            }
            self.store.wait_for_discovery().await;
        }
        let _turn = self.long_lists.lock().await;
        loop {
            if let Some(selection) = self.store.resolve_step(&mut resolution)? {
                return Ok(selection);
            }
            match resolution.is_awaited() {
                true => self.store.wait_for_discovery().await,
                false => yield_now().await,
            }
            if client.is_some_and(|client| !self.admission.has_client(client)) {
                return Err(Error::failed("the client has left the bus".to_owned()));
            }
        }
    }
}
