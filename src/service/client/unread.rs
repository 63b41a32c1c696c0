//! The bytes that a client has not read yet, as the bus or the client itself tells.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::timeout;
use zbus::{Connection, DynamicType, Message, OwnedVariant, Variant};

use crate::wire::{INTERFACE, NAME, PATH};

/// The timeout for a client that is pinged, and for the bus.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The most bytes that may wait in the bus for one client, in addition to the frame that it is reading: more than any
/// frame of 4096 numbers has.
pub(crate) const MAX_UNREAD_BYTES: usize = 64 * 1024;

/// The most subscribers whose unread bytes are queried.
const MAX_SUBSCRIBERS: usize = 512;

const BUS: &str = "org.freedesktop.DBus";
const STATS: &str = "org.freedesktop.DBus.Debug.Stats";

/// The result of a query about a client's unread bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The bus holds this many bytes for the client.
    Bytes(usize),
    /// The bus does not tell. The client has answered a ping, so it has read everything before the ping.
    Pinged,
    /// The bus does not tell, and the client does not answer a ping.
    Silent,
}

/// Queries the unread bytes of a client.
pub(crate) async fn of_client(bus: &Connection, client: &str) -> Unread {
    if let Some(bytes) = bytes_held_by_dbus_daemon(bus, client).await {
        return Unread::Bytes(bytes);
    }
    if let Some(bytes) = bytes_held_by_dbus_broker(bus, client).await {
        return Unread::Bytes(bytes);
    }
    // A bus may be built without statistics, or its policy may refuse them.
    let peer = "org.freedesktop.DBus.Peer";
    match call(bus, client, PATH, peer, "Ping", &()).await {
        Some(_) => Unread::Pinged,
        None => Unread::Silent,
    }
}

/// The clients that read our broadcasts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// All subscribers, as far as the bus tells.
    All,
    /// Only these subscribers: at least one other has too many unread bytes.
    Some(Vec<Arc<str>>),
    /// The bus has not answered.
    Unknown,
}

/// Queries which subscribers read our broadcasts. Only dbus-daemon tells the subscribers; dbus-broker disconnects
/// clients that do not read.
pub(crate) async fn readers(bus: &Connection) -> Readers {
    let subscribers = match subscribers(bus).await {
        Subscribers::These(names) => names,
        Subscribers::Unknown => return Readers::Unknown,
        Subscribers::NotSupported => return Readers::All,
    };
    let mut readers = Vec::new();
    let mut is_any_behind = false;
    for client in subscribers {
        match bytes_held_by_dbus_daemon(bus, &client).await {
            Some(bytes) if bytes > MAX_UNREAD_BYTES => is_any_behind = true,
            // The client has left, or is queried again next time.
            None => {}
            Some(_) => readers.push(client.into()),
        }
    }
    match is_any_behind {
        true => Readers::Some(readers),
        false => Readers::All,
    }
}

/// The clients that subscribe to our signals.
#[derive(Debug)]
pub(crate) enum Subscribers {
    /// The unique names of the subscribers.
    These(Vec<String>),
    /// The bus does not tell its match rules.
    NotSupported,
    /// The bus has not answered.
    Unknown,
}

/// Queries the subscribers of our signals. Only dbus-daemon tells them.
pub(crate) async fn subscribers(bus: &Connection) -> Subscribers {
    let path = "/org/freedesktop/DBus";
    let asked = bus.call_method(Some(BUS), path, Some(STATS), "GetAllMatchRules", &());
    let rules = match timeout(TIMEOUT, asked).await {
        Err(_) => return Subscribers::Unknown,
        Ok(Err(_)) => return Subscribers::NotSupported,
        Ok(Ok(rules)) => rules,
    };
    let body = rules.body();
    let Ok(rules) = body.deserialize::<HashMap<&str, Vec<&str>>>() else {
        return Subscribers::NotSupported;
    };
    let own = bus
        .unique_name()
        .map(|name| name.as_str())
        .unwrap_or_default();
    let matches = |rules: &Vec<&str>| rules.iter().any(|rule| may_match_our_signals(rule, own));
    let subscribers = rules
        .iter()
        .filter(|(name, rules)| **name != own && matches(rules));
    let names = subscribers.map(|(name, _)| (*name).to_owned());
    Subscribers::These(names.take(MAX_SUBSCRIBERS).collect())
}

/// Whether a match rule may match our signals: it names no other type, sender, interface or path.
fn may_match_our_signals(rule: &str, own: &str) -> bool {
    let is_ours = |key: &str, ours: &[&str]| {
        let value = rule.split(',').find_map(|part| {
            let (name, value) = part.split_once('=')?;
            (name == key).then(|| value.trim_matches('\''))
        });
        value.is_none_or(|value| ours.contains(&value))
    };
    is_ours("type", &["signal"])
        && is_ours("sender", &[own, NAME])
        && is_ours("interface", &[INTERFACE, crate::wire::PROCESSES_INTERFACE])
        && is_ours("path", &[PATH])
}

async fn bytes_held_by_dbus_daemon(bus: &Connection, client: &str) -> Option<usize> {
    let path = "/org/freedesktop/DBus";
    let stats = call(bus, BUS, path, STATS, "GetConnectionStats", &client).await?;
    let body = stats.body();
    let stats: HashMap<&str, Variant<'_>> = body.deserialize().ok()?;
    match stats.get("OutgoingBytes") {
        Some(Variant::U32(bytes)) => usize::try_from(*bytes).ok(),
        _ => None,
    }
}

/// dbus-broker does not implement `GetConnectionStats`, and returns the statistics of all peers at once. It calls
/// `IncomingBytes` what dbus-daemon calls `OutgoingBytes`.
async fn bytes_held_by_dbus_broker(bus: &Connection, client: &str) -> Option<usize> {
    type Peer = (String, HashMap<String, OwnedVariant>, HashMap<String, u32>);
    let stats = call(bus, BUS, "/org/freedesktop/DBus", STATS, "GetStats", &()).await?;
    let mut stats: HashMap<String, OwnedVariant> = stats.body().deserialize().ok()?;
    let peers = stats.remove("org.bus1.DBus.Debug.Stats.PeerAccounting")?;
    let peers: Vec<Peer> = peers.try_into().ok()?;
    let (_, _, counts) = peers.into_iter().find(|(name, ..)| name == client)?;
    usize::try_from(*counts.get("IncomingBytes")?).ok()
}

/// Calls a method; `None` on an error or after [`TIMEOUT`].
async fn call<B>(
    bus: &Connection,
    peer: &str,
    path: &str,
    interface: &str,
    method: &str,
    body: &B,
) -> Option<Message>
where
    B: serde::Serialize + DynamicType,
{
    let call = bus.call_method(Some(peer), path, Some(interface), method, body);
    timeout(TIMEOUT, call).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn match_rules_that_may_match_our_signals() {
        let check = |rule: &str, expected| {
            assert_eq!(may_match_our_signals(rule, ":1.7"), expected, "{rule}")
        };
        check("type='signal'", true);
        check("", true);
        check("type='signal',sender='io.github.sampled.Sampler1'", true);
        check(
            "type='signal',sender=':1.7',path='/io/github/sampled/Sampler1'",
            true,
        );
        check(
            "type='signal',interface='io.github.sampled.Sampler1',member='Sampled'",
            true,
        );
        check("type='signal',sender=':1.8'", false);
        check(
            "type='signal',interface='org.freedesktop.DBus',arg0=':1.9'",
            false,
        );
        check("type='method_call'", false);
        check("type='signal',path='/org/gnome/Shell'", false);
    }
}
