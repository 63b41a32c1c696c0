//! The backend that processes come from: the service, or this process if there is no session bus.

use std::time::Duration;

use sampled::{
    Local,
    client::{Processes, SampleOptions, TableOptions},
    process::{Group, Query, Sum, Total},
    reading::Fault,
};

use crate::cli::{
    common_options::CommonOptions,
    deadline::TimeoutOption,
    error::Error,
    readings::backend::{bus, configured},
};

use super::{Listing, Summary};

/// The backend that processes come from.
pub(super) enum Backend {
    Service(Processes),
    InProcess(Local),
}

impl Backend {
    /// Opens the service or this process by the same rules as for metrics.
    pub(super) async fn open(
        common: &CommonOptions,
        timeout: TimeoutOption,
    ) -> Result<Self, Error> {
        match bus(common, timeout).await? {
            Some(bus) => Ok(Self::Service(Processes::on(bus).await?)),
            None => Ok(Self::InProcess(configured(common).await?)),
        }
    }

    pub(super) async fn rows(&self, query: &Query, window: Duration) -> Result<Listing, Error> {
        match self {
            Self::Service(processes) => {
                let (table, options) = (table_options(query), sampling(window));
                let found = processes.snapshot(&names(query), &table, options).await?;
                Ok(Listing {
                    timestamp: found.timestamp,
                    rows: found.rows,
                })
            }
            Self::InProcess(local) => {
                let found = local.processes(query, sampling(window)).await?;
                let rows = found.rows.into_iter().map(|row| row.values);
                Ok(Listing {
                    timestamp: found.timestamp,
                    rows: rows.collect(),
                })
            }
        }
    }

    pub(super) async fn sums(
        &self,
        by: Group,
        query: &Query,
        window: Duration,
    ) -> Result<Summary, Error> {
        let (timestamp, groups) = match self {
            Self::Service(processes) => {
                let (table, options) = (table_options(query), sampling(window));
                let names = names(query);
                let name = by.field().name();
                let found = processes.sums(name, &names, &table, options).await?;
                let groups = found.groups.into_iter().map(|sum| Sum {
                    name: sum.name,
                    processes: sum.processes as usize,
                    values: sum.values.into_iter().map(total).collect(),
                });
                (found.timestamp, groups.collect())
            }
            Self::InProcess(local) => {
                let found = local.sums(by, query, sampling(window)).await?;
                (found.timestamp, found.rows)
            }
        };
        Ok(Summary {
            timestamp,
            by,
            groups,
        })
    }
}

fn names(query: &Query) -> Vec<&'static str> {
    query.fields.iter().map(|field| field.name()).collect()
}

fn table_options(query: &Query) -> TableOptions {
    let filter = query.filter.iter();
    let filter = filter.map(|condition| (condition.field().to_string(), condition.pattern()));
    TableOptions {
        order: query.order.map(|order| order.to_string()),
        limit: query.limit.and_then(|limit| limit.try_into().ok()),
        filter: filter.collect(),
    }
}

/// The options of a reading. The timeout allows for a busy machine with many processes.
fn sampling(window: Duration) -> SampleOptions {
    SampleOptions {
        window: Some(window),
        timeout: Some(window.saturating_add(Duration::from_secs(10))),
        ..SampleOptions::default()
    }
}

fn total((number, fault): (Option<f64>, Option<Fault>)) -> Total {
    Total { number, fault }
}
