//! A unit of systemd, and its changes.

use futures_util::StreamExt;
use tokio::time::timeout;
use zbus::{
    Connection, OwnedObjectPath,
    fdo::{PropertiesChangedStream, PropertiesProxy},
    proxy,
};

use crate::support::process::DEADLINE;

pub(super) const SYSTEMD: &str = "org.freedesktop.systemd1";

/// A unit, and its changes.
pub(crate) struct Unit {
    unit: UnitProxy<'static>,
    service: ServiceProxy<'static>,
    properties: PropertiesProxy<'static>,
}

impl Unit {
    /// A unit of the session. If it is not installed, it is an inactive one.
    pub(super) async fn load(name: &str, is_installed: bool) -> Self {
        let bus = Connection::session().await.expect("bus");
        let manager = ManagerProxy::new(&bus).await.expect("proxy");
        manager.subscribe().await.expect("subscription");
        let path = manager.load_unit(name).await.expect("unit");
        let uncached = proxy::CacheProperties::No;
        let unit = UnitProxy::builder(&bus).path(path.clone());
        let service = ServiceProxy::builder(&bus).path(path.clone());
        let properties = PropertiesProxy::builder(&bus)
            .destination(SYSTEMD)
            .path(path);
        let unit = unit
            .cache_properties(uncached)
            .build()
            .await
            .expect("proxy");
        if is_installed {
            // systemd unloads an inactive unit without a reference, and forgets its result. The reference lasts as long
            // as this connection.
            unit.reference().await.expect("reference");
        }
        Self {
            unit,
            service: service
                .cache_properties(uncached)
                .build()
                .await
                .expect("proxy"),
            properties: properties.build().await.expect("proxy"),
        }
    }

    pub(crate) async fn state(&self) -> String {
        self.unit.active_state().await.expect("ActiveState")
    }

    pub(crate) async fn file(&self) -> String {
        self.unit.fragment_path().await.expect("FragmentPath")
    }

    pub(crate) async fn result(&self) -> String {
        self.service.result().await.expect("Result")
    }

    pub(crate) async fn main_pid(&self) -> u32 {
        self.service.main_pid().await.expect("MainPID")
    }

    /// The changes of its properties from now on.
    pub(crate) async fn changes(&self) -> Changes {
        let changes = self.properties.receive_properties_changed().await;
        Changes(changes.expect("signals"))
    }

    /// Waits until it is in this state.
    pub(crate) async fn until(&self, state: &str) {
        let mut changes = self.changes().await;
        while self.state().await != state {
            changes.next().await;
        }
    }
}

/// Changes of a unit, one after the other.
pub(crate) struct Changes(PropertiesChangedStream);

impl Changes {
    /// Waits for the next change; returns the state of the unit if it has changed.
    pub(crate) async fn next(&mut self) -> Option<String> {
        let change = timeout(DEADLINE, self.0.next()).await;
        let change = change.expect("a change").expect("connection");
        let arguments = change.args().expect("arguments");
        let state = arguments.changed_properties().get("ActiveState")?;
        Some(state.try_clone().ok()?.try_into().expect("text"))
    }

    /// Waits for a change to this state.
    pub(crate) async fn until(&mut self, state: &str) {
        while self.next().await.as_deref() != Some(state) {}
    }
}

#[proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
trait Manager {
    fn subscribe(&self) -> zbus::Result<()>;
    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
}

#[proxy(
    interface = "org.freedesktop.systemd1.Unit",
    default_service = "org.freedesktop.systemd1"
)]
trait Unit {
    #[zbus(name = "Ref")]
    fn reference(&self) -> zbus::Result<()>;
    #[zbus(property)]
    fn active_state(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn fragment_path(&self) -> zbus::Result<String>;
}

#[proxy(
    interface = "org.freedesktop.systemd1.Service",
    default_service = "org.freedesktop.systemd1"
)]
trait Service {
    #[zbus(property)]
    fn result(&self) -> zbus::Result<String>;
    #[zbus(property, name = "MainPID")]
    fn main_pid(&self) -> zbus::Result<u32>;
}
