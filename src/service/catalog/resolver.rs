//! Resolves lists of selectors, and yields to other calls in between.

use std::sync::Arc;

use tokio::task::yield_now;

use super::SelectionRequest;
use crate::{
    service::{admission::Admission, error::Error},
    store::{Resolution, Selection, Store, Visibility},
};

/// Resolves lists of selectors for all calls.
pub(super) struct Resolver {
    store: Arc<Store>,
    admission: Arc<Admission>,
    /// Locked by the call whose list is resolved in steps.
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

    /// Resolves a list of selectors. A long list is resolved in steps that yield to other calls, and one long list
    /// at a time: the steps of many would leave no time to other calls.
    pub(super) async fn resolve(
        &self,
        client: Option<&str>,
        request: SelectionRequest<'_>,
        view: Visibility,
    ) -> Result<Arc<Selection>, Error> {
        let resolution = Resolution::with_visibility(request.selectors, view);
        let mut resolution = resolution.optional(request.is_optional);
        loop {
            if let Some(selection) = self.store.resolve_step(&mut resolution)? {
                return Ok(selection);
            }
            if resolution.is_awaited() {
                self.store.wait_for_discovery().await;
            } else if resolution.is_discovering() {
                yield_now().await;
            } else {
                break;
            }
        }
        let _guard = self.long_lists.lock().await;
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
