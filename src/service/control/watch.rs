//! `Watch`.

use zbus::{Connection, object_server::ResponseDispatchNotifier};

use super::{Control, Selected, SessionRequest};
use crate::{
    service::{
        error::Error,
        options::StartOptions,
        session::{Crossings, Metrics, Subject, has_numbers},
        threshold_options::WatchOptions,
    },
    store::Selection,
};

impl Control {
    /// Adds a watch. It tells nothing before [`reply_to_watch`](Self::reply_to_watch).
    pub(crate) async fn watch(
        &self,
        bus: &Connection,
        caller: &str,
        selector: &str,
        options: WatchOptions,
    ) -> Result<u32, Error> {
        let is_optional = options.is_optional;
        let selected = self
            .select(Some((bus, caller)), &[selector], is_optional)
            .await?;
        let Selected {
            selectors,
            selection,
            permit,
        } = selected;
        check_numbers(selector, &selection)?;
        let metrics = Metrics::new(&selectors, selection);
        let WatchOptions {
            threshold,
            label,
            crossed,
            ..
        } = options;
        let session = SessionRequest {
            interval: threshold.interval,
            options: StartOptions {
                label,
                ..StartOptions::default()
            },
            subject: Subject::Crossings(Crossings::new(metrics, threshold, &crossed)),
            permit,
            stream: None,
        };
        self.add(bus, caller, session).await
    }

    /// The reply to `Watch`. The first reading follows when zbus has sent it.
    pub(crate) fn reply_to_watch(
        &self,
        watch: u32,
    ) -> Result<ResponseDispatchNotifier<u32>, Error> {
        Ok(self.begin_after(watch, watch))
    }
}

/// Checks that a watch has something to compare.
///
/// # Errors
/// `InvalidArgs`, which names a text, if all metrics are texts.
fn check_numbers(selector: &str, selection: &Selection) -> Result<(), Error> {
    let columns = &selection.columns;
    match columns.first() {
        Some(column) if !columns.iter().any(has_numbers) => {
            let id = &*column.metric.id;
            let message = match id == selector {
                true => format!("{id} is a text, which has no threshold"),
                false => {
                    format!("{selector} selects only texts, such as {id}, which have no threshold")
                }
            };
            Err(Error::invalid_args(message))
        }
        _ => Ok(()),
    }
}
