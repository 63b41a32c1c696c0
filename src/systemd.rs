//! The user's systemd, which may run the service as a unit.

use std::time::Duration;

use futures_util::StreamExt;
use sampled_client::{self as client, Bus};
use zbus::{
    Connection, OwnedObjectPath, fdo::DBusProxy, names::WellKnownName, proxy::CacheProperties,
};

const SYSTEMD: &str = "org.freedesktop.systemd1";

#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
trait Systemd {
    fn reload(&self) -> zbus::Result<()>;

    fn subscribe(&self) -> zbus::Result<()>;

    #[zbus(name = "GetUnitByPID")]
    fn unit_by_pid(&self, pid: u32) -> zbus::Result<OwnedObjectPath>;

    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;

    fn restart_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;

    #[zbus(signal)]
    fn job_removed(
        &self,
        id: u32,
        job: OwnedObjectPath,
        unit: String,
        result: String,
    ) -> zbus::Result<()>;
}

#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Unit",
    default_service = "org.freedesktop.systemd1"
)]
trait Unit {
    #[zbus(property)]
    fn id(&self) -> zbus::Result<String>;

    #[zbus(property)]
    fn load_state(&self) -> zbus::Result<String>;

    #[zbus(property)]
    fn active_state(&self) -> zbus::Result<String>;

    #[zbus(property)]
    fn need_daemon_reload(&self) -> zbus::Result<bool>;
}

/// Why systemd has not done what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bus fails.
    #[error(transparent)]
    Bus(#[from] client::Error),
    /// systemd does not answer, or has failed.
    #[error("{0}")]
    Systemd(String),
}

/// The unit of the user's systemd that a process belongs to, if there is one.
///
/// dbus-broker makes transient units `dbus-:…` for services without a unit. They are not returned.
///
/// # Errors
/// When the bus or systemd does not answer.
pub async fn unit_of(bus: &Bus, pid: u32) -> Result<Option<String>, Error> {
    let Some(systemd) = systemd(bus).await? else {
        return Ok(None);
    };
    let path = match ask(bus, systemd.unit_by_pid(pid)).await {
        // The process belongs to no unit of the user, but to one of the system, for instance.
        Err(Error::Bus(client::Error::Bus(zbus::Error::MethodError(..) | zbus::Error::FDO(_)))) => {
            return Ok(None);
        }
        path => path?,
    };
    let unit = ask(bus, unit_proxy(bus, path).await?.id()).await?;
    Ok(Some(unit).filter(|unit| !unit.starts_with("dbus-:")))
}

/// The state of a unit, in the words of systemctl(1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitState {
    /// `loaded`, `not-found`, `bad-setting`, `error` or `masked`.
    pub load: String,
    /// `active`, `reloading`, `inactive`, `failed`, `activating` or `deactivating`.
    pub active: String,
    /// Whether its file has changed since systemd has read it.
    pub needs_reload: bool,
}

/// The state of a unit of the user's systemd. `None` if systemd is not on the bus.
///
/// # Errors
/// When the bus or systemd does not answer.
pub async fn unit_state(bus: &Bus, unit: &str) -> Result<Option<UnitState>, Error> {
    let Some(systemd) = systemd(bus).await? else {
        return Ok(None);
    };
    let unit = unit_proxy(bus, ask(bus, systemd.load_unit(unit)).await?).await?;
    Ok(Some(UnitState {
        load: ask(bus, unit.load_state()).await?,
        active: ask(bus, unit.active_state()).await?,
        needs_reload: ask(bus, unit.need_daemon_reload()).await?,
    }))
}

/// Has systemd restart a unit, and waits for the job.
///
/// # Errors
/// [`Error::Systemd`] when the job fails or is not done in time.
pub async fn restart_unit(bus: &Bus, unit: &str) -> Result<(), Error> {
    let systemd = bus.ask(proxy(bus.connection())).await?;
    // Subscribe before the job starts: JobRemoved may come with the reply.
    let mut jobs = ask(bus, systemd.receive_job_removed()).await?;
    ask(bus, systemd.subscribe()).await?;
    let ended = async {
        let job = systemd.restart_unit(unit, "replace").await?;
        while let Some(removed) = jobs.next().await {
            let removed = removed.args()?;
            if removed.job == job {
                return Ok(removed.result);
            }
        }
        Ok::<_, zbus::Error>("the bus has gone".to_owned())
    };
    let failed = |what: &str| {
        Error::Systemd(format!(
            "systemd has not restarted {unit}: {what} (see `systemctl --user status {unit}`)"
        ))
    };
    match bus.ask(ended).await {
        Ok(result) if result == "done" => Ok(()),
        Ok(result) => Err(failed(&result)),
        Err(client::Error::NoAnswer { after, .. }) => {
            Err(failed(&format!("it is not done within {}", seconds(after))))
        }
        Err(error) => Err(failed(&error.to_string())),
    }
}

/// Has the user's systemd, if it is on the bus, reload its units, and then the bus its activation files. Returns whether
/// systemd is on the bus.
///
/// # Errors
/// When one of them refuses or does not answer.
pub async fn reload(bus: &Bus) -> Result<bool, Error> {
    let systemd = systemd(bus).await?;
    if let Some(systemd) = &systemd {
        ask(bus, systemd.reload()).await?;
    }
    let daemon = bus.ask(dbus(bus.connection())).await?;
    bus.ask(daemon.reload_config()).await?;
    Ok(systemd.is_some())
}

async fn systemd(bus: &Bus) -> Result<Option<SystemdProxy<'static>>, Error> {
    let name = WellKnownName::from_static_str_unchecked(SYSTEMD);
    let daemon = bus.ask(dbus(bus.connection())).await?;
    match bus.ask(daemon.name_has_owner(name.into())).await? {
        true => Ok(Some(bus.ask(proxy(bus.connection())).await?)),
        false => Ok(None),
    }
}

async fn unit_proxy(bus: &Bus, path: OwnedObjectPath) -> Result<UnitProxy<'static>, Error> {
    let unit = UnitProxy::builder(bus.connection())
        .path(path)
        .cache_properties(CacheProperties::No);
    ask(bus, unit.build()).await
}

/// Waits for systemd's answer.
async fn ask<T>(bus: &Bus, call: impl Future<Output = zbus::Result<T>>) -> Result<T, Error> {
    match bus.ask(call).await {
        Err(client::Error::NoAnswer { after, .. }) => Err(Error::Systemd(format!(
            "the user's systemd has not answered within {}",
            seconds(after)
        ))),
        answer => Ok(answer?),
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

async fn proxy(bus: &Connection) -> zbus::Result<SystemdProxy<'static>> {
    let proxy = SystemdProxy::builder(bus);
    proxy.cache_properties(CacheProperties::No).build().await
}

async fn dbus(bus: &Connection) -> zbus::Result<DBusProxy<'static>> {
    let proxy = DBusProxy::builder(bus);
    proxy.cache_properties(CacheProperties::No).build().await
}
