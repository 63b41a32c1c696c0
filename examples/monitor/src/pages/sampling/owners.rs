//! The processes behind the unique names of clients.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use sampled_client::{
    Bus, Error, Processes, SampleOptions, TableOptions, Value,
    zbus::{fdo::DBusProxy, names::UniqueName},
};

/// A process that has a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    /// As the bus tells it; `None` if the client has gone.
    pub(super) pid: Option<u32>,
    /// Empty if the service does not tell it.
    pub(super) name: String,
}

/// The processes of the clients that have sessions. A unique name is never used again, so each is asked for once.
#[derive(Default)]
pub(super) struct Owners {
    known: BTreeMap<String, Owner>,
}

impl Owners {
    /// The processes of these names.
    pub(super) async fn resolve(
        &mut self,
        bus: &Bus,
        names: BTreeSet<String>,
    ) -> Result<&BTreeMap<String, Owner>, Error> {
        self.known.retain(|name, _| names.contains(name));
        for name in names {
            if let Entry::Vacant(entry) = self.known.entry(name) {
                let owner = find(bus, entry.key()).await?;
                entry.insert(owner);
            }
        }
        Ok(&self.known)
    }
}

async fn find(bus: &Bus, name: &str) -> Result<Owner, Error> {
    let pid = pid(bus, name).await?;
    let Some(number) = pid else {
        return Ok(Owner::default());
    };
    let table = TableOptions::default().filtered_by("pid", &number.to_string());
    let processes = Processes::on(bus.clone()).await?;
    // In a sandbox, no processes are told.
    let rows = processes
        .snapshot(&["name"], &table, SampleOptions::default())
        .await;
    let row = rows
        .ok()
        .and_then(|snapshot| snapshot.rows.into_iter().next());
    let name = row.and_then(|row| match row.into_iter().next() {
        Some(Ok(Value::Text(name))) => Some(name.to_string()),
        _ => None,
    });
    Ok(Owner {
        pid,
        name: name.unwrap_or_default(),
    })
}

/// The pid behind a unique name, in the pid namespace of the bus, as the service has it; `None` if it has gone.
pub(super) async fn pid(bus: &Bus, name: &str) -> Result<Option<u32>, Error> {
    let name = UniqueName::try_from(name)?;
    let proxy = bus.ask(DBusProxy::new(bus.connection())).await?;
    let credentials = bus.ask(proxy.get_connection_credentials(name.into())).await;
    Ok(credentials
        .ok()
        .and_then(|credentials| credentials.process_id()))
}
