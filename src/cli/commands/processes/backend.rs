//! The backend that processes come from: the service, or this process if there is no session bus.

use std::time::Duration;

use tokio::time::sleep;

use sampled::{
    client::{Processes, SampleOptions, TableOptions},
    process::{Group, Pass, Query, Sum, Table, Total},
    reading::Stamp,
};

use crate::cli::{
    common_options::CommonOptions, deadline::TimeoutOption, error::Error, readings::backend::bus,
};

use super::{Listing, Summary};

/// The backend that processes come from.
pub(super) enum Backend {
    Service(Processes),
    InProcess(Box<Table>),
}

impl Backend {
    /// Opens the service or this process by the same rules as for metrics.
    pub(super) async fn open(
        common: &CommonOptions,
        timeout: TimeoutOption,
    ) -> Result<Self, Error> {
        match bus(common, timeout).await? {
            Some(bus) => Ok(Self::Service(Processes::on(bus).await?)),
            None => Ok(Self::InProcess(Box::new(Table::new(
                &common.checked_roots()?,
            )))),
        }
    }

    pub(super) async fn rows(&mut self, query: &Query, window: Duration) -> Result<Listing, Error> {
        match self {
            Self::Service(processes) => {
                let (table, options) = (table_options(query), sampling(window));
                let found = processes.snapshot(&names(query), &table, options).await?;
                Ok(Listing {
                    timestamp: found.timestamp,
                    rows: found.rows,
                })
            }
            Self::InProcess(table) => {
                let before = baseline(table, query, window).await?;
                let now = Stamp::now().monotonic;
                let found = table.rows(query, now, before.as_deref())?;
                let rows = found.rows.into_iter().map(|row| row.values);
                Ok(Listing {
                    timestamp: found.pass.stamp.realtime,
                    rows: rows.collect(),
                })
            }
        }
    }

    pub(super) async fn sums(
        &mut self,
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
            Self::InProcess(table) => {
                let before = baseline(table, query, window).await?;
                let now = Stamp::now().monotonic;
                let found = table.sums(by, query, now, before.as_deref())?;
                (found.pass.stamp.realtime, found.groups)
            }
        };
        Ok(Summary {
            timestamp,
            by,
            groups,
        })
    }
}

/// Takes the baseline of rates, and waits for the window.
async fn baseline(
    table: &mut Table,
    query: &Query,
    window: Duration,
) -> Result<Option<std::sync::Arc<Pass>>, Error> {
    if !query.needs_baseline() {
        return Ok(None);
    }
    let before = table.baseline(query, Stamp::now().monotonic)?;
    sleep(window).await;
    Ok(Some(before))
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

fn total((number, fault): (Option<f64>, Option<sampled::reading::Fault>)) -> Total {
    Total { number, fault }
}
