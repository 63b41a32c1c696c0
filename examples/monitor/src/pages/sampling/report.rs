//! The report of the service on itself and on its clients.

use std::collections::BTreeMap;

use sampled_client::{
    Bus, Client, Error, Processes, SampleOptions, SessionInfo, Snapshot, SourceInfo, TableOptions,
    Value,
};

use super::owners::{self, Owner, Owners};

/// The fields of the service's own process.
const FIELDS: &[&str] = &["cpu", "cpu_time", "rss", "start_time"];

/// The report at one moment.
pub(super) struct Report {
    /// Its version.
    pub(super) version: String,
    /// Its process, if the bus tells it.
    pub(super) pid: Option<u32>,
    /// The use of its process, if the service tells it.
    pub(super) own: Own,
    /// The sessions by number, with the processes that have them.
    pub(super) sessions: BTreeMap<u32, (SessionInfo, Owner)>,
    /// The sources by name.
    pub(super) sources: BTreeMap<String, SourceInfo>,
}

/// The use of processor and memory by the process of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Own {
    /// The time of one processor since the last report, in per cent.
    pub(super) cpu: Option<f64>,
    /// The time of processors since its start, in seconds.
    pub(super) cpu_time: Option<f64>,
    /// The time since its start, in seconds.
    pub(super) age: Option<f64>,
    /// The resident memory, in bytes.
    pub(super) rss: Option<f64>,
}

/// Asks the service, and remembers who its clients are.
#[derive(Default)]
pub(super) struct Reporter {
    owners: Owners,
}

impl Reporter {
    /// A report, or `None`: the service does not run. It is not started.
    pub(super) async fn report(&mut self, bus: &Bus) -> Result<Option<Report>, Error> {
        let Some(owner) = bus.owner().await? else {
            return Ok(None);
        };
        match self.report_of(bus, &owner.name).await {
            // It has left in the meantime.
            Err(_) if bus.owner().await?.is_none_or(|now| now.name != owner.name) => Ok(None),
            report => report.map(Some),
        }
    }

    async fn report_of(&mut self, bus: &Bus, unique_name: &str) -> Result<Report, Error> {
        let client = Client::of(bus.clone(), unique_name).await?;
        let version = bus.ask(client.proxy().version()).await?;
        let sessions = client.sessions().await?;
        let sources = match client.sources().await {
            // An earlier version does not tell them.
            Err(Error::UnknownMethod(_)) => BTreeMap::new(),
            sources => sources?,
        };
        let pid = owners::pid(bus, unique_name).await?;
        let own = match pid {
            Some(pid) => own(bus, pid).await?,
            None => Own::default(),
        };
        let names = sessions.values().map(|session| session.owner.clone());
        let owners = self.owners.resolve(bus, names.collect()).await?;
        let sessions = sessions.into_iter().map(|(number, session)| {
            let owner = owners.get(&session.owner).cloned().unwrap_or_default();
            (number, (session, owner))
        });
        Ok(Report {
            version,
            pid,
            own,
            sessions: sessions.collect(),
            sources,
        })
    }
}

/// The use of a process; `None` in a sandbox, where the service tells no processes.
async fn own(bus: &Bus, pid: u32) -> Result<Own, Error> {
    let table = TableOptions::default().filtered_by("pid", &pid.to_string());
    let processes = Processes::on(bus.clone()).await?;
    let snapshot = processes
        .snapshot(FIELDS, &table, SampleOptions::default())
        .await;
    Ok(snapshot
        .map(|snapshot| own_in(&snapshot))
        .unwrap_or_default())
}

fn own_in(snapshot: &Snapshot) -> Own {
    let number = |field| match snapshot.rows.first()?.get(snapshot.column(field)?)? {
        Ok(Value::Number(number)) => Some(*number),
        _ => None,
    };
    // Since boot, in microseconds.
    let now = snapshot.timestamp.saturating_sub(snapshot.boot_time);
    Own {
        cpu: number("cpu"),
        cpu_time: number("cpu_time"),
        age: number("start_time").map(|start| (now as f64 - start).max(0.0) / 1e6),
        rss: number("rss"),
    }
}

#[cfg(test)]
mod tests {
    use sampled_client::Fault;

    use super::*;

    #[test]
    fn the_age_of_the_service_counts_from_boot() {
        let columns = FIELDS.iter().map(|field| (*field).to_owned());
        let number = |number| Ok(Value::Number(number));
        let mut snapshot = Snapshot {
            timestamp: 1_000_090_000_000,
            boot_time: 1_000_000_000_000,
            columns: columns.collect(),
            rows: vec![vec![
                Err(Fault::First),
                number(1.5),
                number(8e6),
                number(60e6),
            ]],
            total: 500,
            matched: 1,
        };
        let expected = Own {
            cpu: None,
            cpu_time: Some(1.5),
            age: Some(30.0),
            rss: Some(8e6),
        };
        assert_eq!(own_in(&snapshot), expected);
        snapshot.rows.clear();
        assert_eq!(own_in(&snapshot), Own::default());
    }
}
