//! The identities of callers, asked of the bus and the kernel, and cached.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fs,
    path::Path,
    process,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OnceCell, oneshot},
    time::timeout,
};
use zbus::{Connection, fdo::ConnectionCredentials};

use crate::source::pool::Pool;

use super::{
    Identity,
    identity::{self, CallerProcess},
};

/// The timeout for the bus, and for the file system that is the root of a caller.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The most identities, and the most listeners, that are kept.
const MAX_ENTRIES: usize = 1024;

/// The identities of callers by their unique names.
pub(crate) struct Callers {
    pool: Pool,
    cache: Mutex<Cache>,
    /// Whether the process that listens for the bus has a pid here.
    sees_bus: AtomicBool,
    /// Whether the bus and /proc number processes as this process does.
    shares_pid_namespace: OnceCell<bool>,
    /// Whether the root of this service is not marked as that of a sandbox.
    own_root_is_plain: OnceCell<bool>,
}

#[derive(Default)]
struct Cache {
    by_name: HashMap<Arc<str>, Arc<Identity>>,
    /// The keys of `by_name`, the oldest first.
    order: VecDeque<Arc<str>>,
    /// The unique names of the clients that have called `List` or `Start`.
    listeners: HashSet<Arc<str>>,
}

impl Callers {
    pub(crate) fn new(pool: &Pool) -> Self {
        Self {
            pool: pool.clone(),
            cache: Mutex::default(),
            sees_bus: AtomicBool::new(false),
            shares_pid_namespace: OnceCell::new(),
            own_root_is_plain: OnceCell::new(),
        }
    }

    /// Records whether the process at the other end of the socket has a pid here. Before the first call.
    pub(crate) fn record_bus(&self, is_seen: bool) {
        self.sees_bus.store(is_seen, Ordering::Relaxed);
    }

    /// The cached identity of the owner of a unique name.
    pub(crate) fn known(&self, name: &str) -> Option<Arc<Identity>> {
        self.lock().by_name.get(name).cloned()
    }

    /// The identity of the owner of a unique name, from the cache or else from the bus and the kernel.
    pub(crate) async fn identify(&self, bus: &Connection, name: &str) -> Arc<Identity> {
        if let Some(identity) = self.known(name) {
            return identity;
        }
        match self.query(bus, name).await {
            Ok(identity) => self.lock().remember(name, Arc::new(identity)),
            // Not cached: the next query may succeed.
            Err(why) => Arc::new(Identity::Unknown(why)),
        }
    }

    /// Queries the identity. The error says why it is not known now.
    async fn query(&self, bus: &Connection, name: &str) -> Result<Identity, String> {
        let credentials = credentials(bus, name).await;
        let credentials = credentials.ok_or("the bus does not tell its credentials")?;
        let label = credentials.linux_security_label();
        let label = label.map(|label| String::from_utf8_lossy(label).into_owned());
        let number = credentials.process_id().filter(|&number| number > 0);
        let process = match credentials.into_process_fd() {
            Some(descriptor) => CallerProcess::from_pidfd(descriptor.into()),
            None => match number {
                Some(_) if !self.shares_pid_namespace(bus).await => None,
                Some(number) => CallerProcess::from_pid(number),
                None => None,
            },
        };
        let Some(process) = process else {
            return Err("its process is not visible to this service".to_owned());
        };
        let identity = self.inspect(process, label).await?;
        // The process may have left the bus, and its pid may be that of another process now.
        if !has_owner(bus, name).await {
            return Err("it has left the bus".to_owned());
        }
        Ok(identity)
    }

    async fn inspect(
        &self,
        process: CallerProcess,
        label: Option<String>,
    ) -> Result<Identity, String> {
        // Most callers share the root of this service, which is inspected once.
        let is_root_plain = process.shares_root() && self.is_own_root_plain().await;
        let gone = || "it has ended".to_owned();
        if is_root_plain {
            return process.identify(label.as_deref(), true).ok_or_else(gone);
        }
        let place = format!("caller {}", process.pid());
        let identify = move || process.identify(label.as_deref(), false);
        self.on_blocking_pool(place, identify)
            .await?
            .ok_or_else(gone)
    }

    async fn is_own_root_plain(&self) -> bool {
        let inspect = || self.on_blocking_pool("own root".to_owned(), identity::is_own_root_plain);
        let inspected = self.own_root_is_plain.get_or_try_init(inspect).await;
        inspected.is_ok_and(|is_plain| *is_plain)
    }

    /// Runs an inspection that may block on the blocking pool.
    async fn on_blocking_pool<T: Send + 'static>(
        &self,
        place: String,
        inspect: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let (sender, receiver) = oneshot::channel();
        let task = move || drop(sender.send(inspect()));
        // Dropping it cancels the task if it has not begun.
        let _submitted = self.pool.submit_at_once(&place.into(), TIMEOUT, task);
        match timeout(TIMEOUT, receiver).await {
            Ok(Ok(inspected)) => Ok(inspected),
            Ok(Err(_)) => Err("the service has failed to inspect its process".to_owned()),
            Err(_) => Err(format!(
                "its root directory has not answered in {} s",
                TIMEOUT.as_secs()
            )),
        }
    }

    /// The pid of the owner of a name, if it has one and its pid is known here.
    pub(crate) async fn pid(&self, bus: &Connection, name: &str) -> Option<u32> {
        let credentials = credentials(bus, name).await?;
        let number = credentials.process_id();
        match credentials.into_process_fd() {
            Some(pidfd) if proc_is_own() => {
                let process = CallerProcess::from_pidfd(pidfd.into())?;
                process.pid().try_into().ok()
            }
            None if self.shares_pid_namespace(bus).await => number,
            _ => None,
        }
    }

    /// Whether the bus and /proc number processes as this process does. They do not in different pid namespaces: then a
    /// pid from the bus means another process.
    pub(crate) async fn shares_pid_namespace(&self, bus: &Connection) -> bool {
        let ask = || async {
            // By chance, the number could be the same in another namespace; but there the bus is not seen.
            if !proc_is_own() || !self.sees_bus.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let own = bus.unique_name().ok_or(())?.as_str();
            let credentials = credentials(bus, own).await.ok_or(())?;
            Ok::<_, ()>(credentials.process_id() == Some(process::id()))
        };
        self.shares_pid_namespace
            .get_or_try_init(ask)
            .await
            .is_ok_and(|alike| *alike)
    }

    /// Adds a client that is to be told of metrics that are defined later. If the list is full, names that have left
    /// the bus are removed first.
    pub(crate) async fn add_listener(&self, bus: &Connection, name: &str) {
        if self.lock().add_listener(name) {
            return;
        }
        if let Some(names) = names(bus).await {
            let names: HashSet<_> = names.iter().map(String::as_str).collect();
            let mut cache = self.lock();
            cache.listeners.retain(|name| names.contains(&**name));
            cache.add_listener(name);
        }
    }

    /// Forgets a client that has left the bus.
    pub(crate) fn forget(&self, name: &str) {
        let mut cache = self.lock();
        cache.listeners.remove(name);
        if cache.by_name.remove(name).is_some() {
            cache.order.retain(|other| **other != *name);
        }
    }

    /// The unique names of the clients that are to be told of new metrics.
    pub(crate) fn listeners(&self) -> Vec<Arc<str>> {
        self.lock().listeners.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    /// Adds a listener. Returns `false` if the list is full.
    fn add_listener(&mut self, name: &str) -> bool {
        if self.listeners.contains(name) {
            return true;
        }
        let has_room = self.listeners.len() < MAX_ENTRIES;
        if has_room {
            self.listeners.insert(name.into());
        }
        has_room
    }

    fn remember(&mut self, name: &str, identity: Arc<Identity>) -> Arc<Identity> {
        let name: Arc<str> = name.into();
        if self
            .by_name
            .insert(name.clone(), identity.clone())
            .is_none()
        {
            self.order.push_back(name);
        }
        while self.order.len() > MAX_ENTRIES
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_name.remove(&oldest);
        }
        identity
    }
}

const BUS: &str = "org.freedesktop.DBus";

/// Whether /proc numbers processes as this process does. It does not if it was mounted in another pid namespace.
fn proc_is_own() -> bool {
    fs::read_link("/proc/self").is_ok_and(|own| own == Path::new(&process::id().to_string()))
}

/// The credentials of the owner of a name; for [`BUS`], those of the bus itself.
async fn credentials(bus: &Connection, name: &str) -> Option<ConnectionCredentials> {
    let path = "/org/freedesktop/DBus";
    let asked = bus.call_method(
        Some(BUS),
        path,
        Some(BUS),
        "GetConnectionCredentials",
        &name,
    );
    let reply = timeout(TIMEOUT, asked).await.ok()?.ok()?;
    reply.body().deserialize().ok()
}

/// All names on the bus.
async fn names(bus: &Connection) -> Option<Vec<String>> {
    let path = "/org/freedesktop/DBus";
    let asked = bus.call_method(Some(BUS), path, Some(BUS), "ListNames", &());
    let reply = timeout(TIMEOUT, asked).await.ok()?.ok()?;
    reply.body().deserialize().ok()
}

async fn has_owner(bus: &Connection, name: &str) -> bool {
    let path = "/org/freedesktop/DBus";
    let asked = bus.call_method(Some(BUS), path, Some(BUS), "NameHasOwner", &name);
    let reply = timeout(TIMEOUT, asked).await.ok().and_then(Result::ok);
    reply.is_some_and(|reply| reply.body().deserialize() == Ok(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_limited() {
        let mut cache = Cache::default();
        for number in 0..3 * MAX_ENTRIES {
            cache.remember(&format!(":1.{number}"), Arc::new(Identity::Host));
            cache.remember(":1.0", Arc::new(Identity::Host));
        }
        assert_eq!(
            (cache.by_name.len(), cache.order.len()),
            (MAX_ENTRIES, MAX_ENTRIES)
        );
        let last = format!(":1.{}", 3 * MAX_ENTRIES - 1);
        assert!(cache.by_name.contains_key(&*last));
    }
}
