//! The user's systemd, which may run the service as a unit.

use zbus::{Connection, OwnedObjectPath, names::WellKnownName, proxy, proxy::CacheProperties};

use crate::{
    bus::{Bus, next},
    deadline::seconds,
    error::Error,
};

const SYSTEMD: &str = "org.freedesktop.systemd1";

#[proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
trait Systemd {
    fn reload(&self) -> zbus::Result<()>;

    fn subscribe(&self) -> zbus::Result<()>;

    #[zbus(name = "GetUnitByPID")]
    fn unit_by_pid(&self, pid: u32) -> zbus::Result<OwnedObjectPath>;

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

#[proxy(
    interface = "org.freedesktop.systemd1.Unit",
    default_service = "org.freedesktop.systemd1"
)]
trait Unit {
    #[zbus(property)]
    fn id(&self) -> zbus::Result<String>;
}

impl Bus {
    /// The unit of the user's systemd that a process belongs to, if there is one.
    ///
    /// dbus-broker makes transient units `dbus-:…` for services without a unit. They are not returned.
    ///
    /// # Errors
    /// When the bus or systemd does not answer.
    pub async fn unit_of(&self, pid: u32) -> Result<Option<String>, Error> {
        let Some(systemd) = self.systemd().await? else {
            return Ok(None);
        };
        let path = match self.ask_systemd(systemd.unit_by_pid(pid)).await {
            // The process belongs to no unit of the user, but to one of the system, for instance.
            Err(Error::Bus(zbus::Error::MethodError(..) | zbus::Error::FDO(_))) => return Ok(None),
            path => path?,
        };
        let unit = UnitProxy::builder(self.connection())
            .path(path)
            .cache_properties(CacheProperties::No);
        let unit = self.ask_systemd(unit.build()).await?;
        let unit = self.ask_systemd(unit.id()).await?;
        Ok(Some(unit).filter(|unit| !unit.starts_with("dbus-:")))
    }

    /// Has systemd restart a unit, and waits for the job.
    ///
    /// # Errors
    /// [`Error::Systemd`] when the job fails or is not done in time.
    pub async fn restart_unit(&self, unit: &str) -> Result<(), Error> {
        let systemd = proxy(self.connection()).await?;
        // Subscribe before the job starts: JobRemoved may come with the reply.
        let mut jobs = self.ask_systemd(systemd.receive_job_removed()).await?;
        self.ask_systemd(systemd.subscribe()).await?;
        let ended = async {
            let job = systemd.restart_unit(unit, "replace").await?;
            while let Some(removed) = next(&mut jobs).await {
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
        match self.ask(ended).await {
            Ok(result) if result == "done" => Ok(()),
            Ok(result) => Err(failed(&result)),
            Err(Error::NoAnswer { after, .. }) => Err(failed(&format!(
                "it is not done within {}",
                seconds(&after)
            ))),
            Err(error) => Err(failed(&error.to_string())),
        }
    }

    /// Has systemd reload its units. False if systemd is not on the bus.
    pub(super) async fn reload_units(&self) -> Result<bool, Error> {
        match self.systemd().await? {
            Some(systemd) => self.ask_systemd(systemd.reload()).await.map(|()| true),
            None => Ok(false),
        }
    }

    async fn systemd(&self) -> Result<Option<SystemdProxy<'static>>, Error> {
        let name = WellKnownName::from_static_str_unchecked(SYSTEMD);
        match self.has_owner(name).await? {
            true => Ok(Some(proxy(self.connection()).await?)),
            false => Ok(None),
        }
    }

    /// Waits for systemd's answer.
    async fn ask_systemd<T>(
        &self,
        call: impl Future<Output = zbus::Result<T>>,
    ) -> Result<T, Error> {
        match self.ask(call).await {
            Err(Error::NoAnswer { after, .. }) => Err(Error::Systemd(format!(
                "the user's systemd has not answered within {}",
                seconds(&after)
            ))),
            answer => answer,
        }
    }
}

async fn proxy(bus: &Connection) -> zbus::Result<SystemdProxy<'static>> {
    let proxy = SystemdProxy::builder(bus);
    proxy.cache_properties(CacheProperties::No).build().await
}
