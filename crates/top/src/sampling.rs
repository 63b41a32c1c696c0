//! The sessions of all programs, the sources, and what the service itself uses.

use std::collections::BTreeMap;

use sampled_client::{
    Bus, Client, Error, Processes, SampleOptions, SessionInfo, SourceInfo, TableOptions, Value,
    zbus::{fdo::DBusProxy, names::UniqueName},
};

/// The report of the service on itself and on its clients.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) version: String,
    /// Its process, if the bus tells it.
    pub(crate) pid: Option<u32>,
    /// Its usage of one processor, in per cent.
    pub(crate) cpu: Option<f64>,
    /// The time of processors since its start, in seconds.
    pub(crate) cpu_time: Option<f64>,
    /// Its resident memory, in bytes.
    pub(crate) rss: Option<f64>,
    /// The sessions by number, with the programs that have them.
    pub(crate) sessions: BTreeMap<u32, (SessionInfo, String)>,
    /// The sources by name.
    pub(crate) sources: BTreeMap<String, SourceInfo>,
}

/// The programs behind unique names, which are never used again.
#[derive(Debug, Default)]
pub(crate) struct Owners(BTreeMap<String, String>);

/// Asks the service for a report.
pub(crate) async fn report(client: &Client, mut owners: Owners) -> Result<(Report, Owners), Error> {
    let bus = client.bus();
    let mut report = Report {
        version: bus.ask(client.proxy().version()).await?,
        sources: client.sources().await?,
        ..Report::default()
    };
    if let Some(owner) = bus.owner().await? {
        report.pid = pid_of(bus, &owner.name).await?;
    }
    if let Some(pid) = report.pid {
        let row = row(bus, pid, &["cpu", "cpu_time", "rss"]).await;
        let mut numbers = row.into_iter().map(|value| match value {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        });
        report.cpu = numbers.next().flatten();
        report.cpu_time = numbers.next().flatten();
        report.rss = numbers.next().flatten();
    }
    let sessions = client.sessions().await?;
    let is_there = |name: &String| sessions.values().any(|session| session.owner == *name);
    owners.0.retain(|name, _| is_there(name));
    for (number, session) in sessions {
        let program = match owners.0.get(&session.owner) {
            Some(program) => program.clone(),
            None => program(bus, &session.owner).await?,
        };
        owners.0.insert(session.owner.clone(), program.clone());
        report.sessions.insert(number, (session, program));
    }
    Ok((report, owners))
}

/// The program behind a unique name: "panel, process 7".
async fn program(bus: &Bus, name: &str) -> Result<String, Error> {
    let Some(pid) = pid_of(bus, name).await? else {
        return Ok("a program that has ended".to_owned());
    };
    let row = row(bus, pid, &["name"]).await;
    Ok(match row.into_iter().next() {
        Some(Some(Value::Text(program))) => format!("{program}, process {pid}"),
        _ => format!("process {pid}"),
    })
}

/// The values of a process; none if the service does not tell them.
async fn row(bus: &Bus, pid: u32, fields: &[&str]) -> Vec<Option<Value>> {
    let table = TableOptions::default().filtered_by("pid", &pid.to_string());
    let Ok(processes) = Processes::on(bus.clone()).await else {
        return Vec::new();
    };
    let rows = processes.snapshot(fields, &table, SampleOptions::default());
    let rows = rows.await.map(|snapshot| snapshot.rows).unwrap_or_default();
    let row = rows.into_iter().next().unwrap_or_default();
    row.into_iter().map(Result::ok).collect()
}

/// The pid behind a unique name; `None` if it has gone.
async fn pid_of(bus: &Bus, name: &str) -> Result<Option<u32>, Error> {
    let Ok(name) = UniqueName::try_from(name) else {
        return Ok(None);
    };
    let proxy = bus.ask(DBusProxy::new(bus.connection())).await?;
    let credentials = bus.ask(proxy.get_connection_credentials(name.into())).await;
    Ok(credentials
        .ok()
        .and_then(|credentials| credentials.process_id()))
}
