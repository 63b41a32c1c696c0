//! A service of an earlier version, as it may run for a while after an upgrade: it lacks methods, options and keys.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sampled_client::wire::{INTERFACE, NAME, PATH};
use zbus::{Connection, Variant, interface, message::Header};

use crate::support::{bus::Bus, terminal::Terminal};

/// The metrics of the earlier version, with their names and units.
const METRICS: [(&str, &str, &str); 2] = [
    ("cpu/all/usage", "Usage", "%"),
    ("memory/physical/used", "Used", "By"),
];

/// The service: it has no processes, sources, thresholds or history.
#[derive(Default)]
struct Earlier {
    sessions: AtomicU32,
}

/// The errors of the service.
#[derive(Debug, zbus::DBusError)]
#[zbus(prefix = "io.github.sampled.Error")]
enum Error {
    #[zbus(error)]
    Bus(zbus::Error),
    UnknownMetric(String),
}

/// The metrics of selectors, each of which is an id or its beginning.
fn matching(selectors: &[String]) -> Result<Vec<&'static str>, Error> {
    let matches = |selector: &String, id: &str| {
        id == selector
            || id
                .strip_prefix(selector.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
    };
    let ids = METRICS.map(|(id, _, _)| id).into_iter();
    for selector in selectors {
        if !ids.clone().any(|id| matches(selector, id)) {
            return Err(Error::UnknownMetric(format!(
                "no metric matches `{selector}`"
            )));
        }
    }
    let is_chosen =
        |id: &&str| selectors.is_empty() || selectors.iter().any(|one| matches(one, id));
    Ok(ids.filter(is_chosen).collect())
}

#[interface(name = "io.github.sampled.Sampler1")]
impl Earlier {
    fn list(
        &self,
        selectors: Vec<String>,
    ) -> Result<HashMap<&str, HashMap<&str, Variant<'_>>>, Error> {
        let ids = matching(&selectors)?;
        let metrics = METRICS.iter().filter(|(id, _, _)| ids.contains(id));
        Ok(metrics
            .map(|(id, name, unit)| {
                let kind = Variant::from("gauge");
                let properties = [
                    ("name", (*name).into()),
                    ("unit", (*unit).into()),
                    ("kind", kind),
                ];
                (*id, HashMap::from(properties))
            })
            .collect())
    }

    async fn start(
        &self,
        selectors: Vec<String>,
        interval: u64,
        _options: HashMap<String, Variant<'_>>,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(u32, Vec<&str>), Error> {
        let ids = matching(&selectors)?;
        let session = 1 + self.sessions.fetch_add(1, Ordering::Relaxed);
        let client = header.sender().expect("a sender").to_owned();
        let (bus, columns) = (bus.clone(), ids.clone());
        // Frames follow the reply.
        tokio::spawn(async move {
            let none = HashMap::<&str, &str>::new();
            let changed = (session, &columns, &none, &none);
            let to = Some(&client);
            let sent = bus.emit_signal(to, PATH, INTERFACE, "Changed", &changed);
            sent.await?;
            let mut ticks = tokio::time::interval(Duration::from_micros(interval));
            loop {
                ticks.tick().await;
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                let now = u64::try_from(now.as_micros()).unwrap();
                let values: Vec<f64> = columns.iter().map(|_| 12.0).collect();
                let frame = (session, now, values);
                let sent = bus.emit_signal(to, PATH, INTERFACE, "Sampled", &frame);
                sent.await?;
            }
            #[allow(unreachable_code, reason = "it gives the type")]
            zbus::Result::Ok(())
        });
        Ok((session, ids))
    }

    fn stop(&self, _session: u32) {}

    #[zbus(property)]
    fn version(&self) -> &str {
        "0.0.1"
    }
}

#[test]
fn an_earlier_version_shows_what_it_has() {
    let bus = Bus::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let service = runtime.block_on(async {
        let builder = zbus::connection::Builder::address(bus.address());
        let builder = builder.serve_at(PATH, Earlier::default());
        builder.name(NAME).build().await.unwrap()
    });
    let mut top = Terminal::top(&bus, "--interval 100ms", 30, 100);
    top.until(|text| text.contains("12.0 %") && text.contains('█'));
    // It has no processes.
    top.key_in("0");
    top.until(|text| text.contains("Processes1") && !text.contains('█'));
    top.key_in("3");
    top.until(|text| text.contains("12 B") && !text.contains("PID"));
    top.key_in("4");
    top.until(|text| text.contains("no metric matches"));
    top.key_in("1");
    top.until(|text| text.contains("12.0 %") && text.contains("PID"));
    // The present version takes over, without another start of the program.
    runtime.block_on(async { service.release_name(NAME).await.unwrap() });
    runtime.block_on(service.close()).unwrap();
    top.key_in("0");
    top.until(|text| text.contains("Command Line") && text.contains("sampled"));
    top.key_in("q");
    assert_eq!(top.end().code(), Some(0));
}
