//! The selectors of a command.

use std::collections::BTreeMap;

use clap::Args;

use sampled::client::{Error, Metadata};

use super::backend::Backend;

/// The selectors of a command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Selectors {
    /// An id (cpu/all/usage), a prefix (cpu, cpu/all) or a pattern (cpu/*/usage); none means every
    /// metric
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<String>,
}

impl Selectors {
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.selectors.iter().map(String::as_str).collect()
    }

    /// Adds those that are not there yet.
    pub(crate) fn add(&mut self, ids: Vec<String>) {
        for id in ids {
            if !self.selectors.contains(&id) {
                self.selectors.push(id);
            }
        }
    }
}

/// Whether selectors may match nothing.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OptionalSelectors {
    /// Leave out selectors that match nothing now; `watch` and `alert` have their metrics once they appear
    #[arg(long)]
    pub(crate) optional: bool,
}

impl OptionalSelectors {
    /// The metadata of the metrics that the selectors match now.
    pub(crate) async fn list(
        self,
        backend: &Backend,
        selectors: &Selectors,
    ) -> Result<BTreeMap<String, Metadata>, Error> {
        let selectors = selectors.texts();
        if !self.optional || selectors.is_empty() {
            return backend.list(&selectors).await;
        }
        let mut metrics = BTreeMap::new();
        // `List` has no options.
        for selector in selectors {
            match backend.list(&[selector]).await {
                Ok(more) => metrics.extend(more),
                Err(Error::UnknownMetric(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(metrics)
    }
}
