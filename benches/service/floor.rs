//! A minimal service with zbus, as a floor: one thread, one object, and methods that read nothing.

use std::collections::HashMap;

use zbus::{
    Connection, Message, OwnedVariant, connection, fdo::RequestNameFlags, interface,
    message::Header, object_server::SignalEmitter,
};

use crate::bus::Target;

/// The name, path and interface of the minimal service.
pub(crate) const FLOOR: Target = Target {
    name: "io.github.sampled.Floor",
    path: "/io/github/sampled/Floor",
    interface: "io.github.sampled.Floor",
};

struct Floor;

/// `a{sv}`.
type Dict = HashMap<String, OwnedVariant>;

#[interface(name = "io.github.sampled.Floor")]
impl Floor {
    async fn get(&self) -> f64 {
        1.0
    }

    /// A reply like that of `Sample`, without a reading: `count` doubles with names of 28 bytes. The names are formatted in
    /// each call, so this is a peer and not a floor.
    async fn answer(&self, count: u32) -> (u64, Dict, HashMap<String, String>) {
        let entry = |number| {
            let name = format!("some/metric/of_28_bytes/{number:04}");
            (name, OwnedVariant::from(1.5_f64))
        };
        (1, (0..count).map(entry).collect(), HashMap::new())
    }

    /// A reply of `count` doubles.
    async fn numbers(&self, count: u32) -> Vec<f64> {
        vec![1.0; count as usize]
    }

    /// Sends the caller `count` signals in one write, each with `width` doubles.
    async fn emit(
        &self,
        count: u32,
        width: u32,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> zbus::fdo::Result<()> {
        let caller = header.sender().expect("the bus names the sender");
        let values = vec![1.0; width as usize];
        let signal = |session: u32| {
            let signal = Message::signal(FLOOR.path, FLOOR.interface, "Sampled");
            let signal = signal.destination(caller.as_str());
            signal.build(&(session, 1_u64, values.clone()))
        };
        let signals: Result<Vec<_>, _> = (0..count).map(signal).collect();
        Ok(bus.send_all(&signals?).await?)
    }

    #[zbus(signal)]
    async fn sampled(
        emitter: &SignalEmitter<'_>,
        session: u32,
        timestamp: u64,
        values: &[f64],
    ) -> zbus::Result<()>;
}

/// Serves until the connection to the bus is closed.
pub(crate) fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime");
    runtime.block_on(async {
        let builder = connection::Builder::session().serve_at(FLOOR.path, Floor);
        let bus = builder.build().await.expect("bus");
        let claim = (FLOOR.name, RequestNameFlags::DO_NOT_QUEUE);
        let name = "org.freedesktop.DBus";
        let path = "/org/freedesktop/DBus";
        bus.call_method(Some(name), path, Some(name), "RequestName", &claim)
            .await
            .expect("name");
        bus.closed().await;
    });
}
