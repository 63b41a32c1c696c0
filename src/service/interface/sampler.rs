//! `Sampler1`: arguments parsed, one call into the domain, the reply.

use std::{collections::HashMap, sync::Arc};

use zbus::{
    Connection, Variant, interface,
    message::Header,
    object_server::{ResponseDispatchNotifier, SignalEmitter},
};

use super::{Facts, answer, caller, owned};
use crate::{
    service::{
        error::{self, Error},
        options::{self, CallOptions},
        session::Subject,
        source_states,
        state::State,
        turn::Turn,
    },
    wire::{Catalog, Faults, Ids, Readings, Texts},
};

/// The object on the bus.
pub(crate) struct Sampler {
    pub(crate) state: Arc<State>,
}

/// What is told of sessions, `a{ua{sv}}`, and of sources, `a{sa{sv}}`.
type SessionFacts = HashMap<u32, Facts>;
type SourceFacts = HashMap<String, Facts>;

/// Readings of this machine, shared by all who ask.
///
/// A metric has an id such as `cpu/all/usage`. A selector is an id, a prefix of whole segments
/// (`cpu`, `cpu/all`), or either with `*` inside segments (`cpu/*/usage`). No selector at all
/// means every metric.
///
/// A reading is a number in the metric's unit or, for a metric of kind `text`, a string. Where
/// there is none there is a fault: `first` (a rate with nothing to compare with yet), `gap` (the
/// machine slept), `reset` (the counter went backwards), `stale`, `asleep` (reading would wake the
/// device), `denied`, `timeout`, `gone`, `malformed`.
///
/// All times are in microseconds; timestamps count from the Unix epoch.
///
/// A program in a sandbox has the kernel's metrics and sessions of its own, and more where the
/// configuration grants it.
#[interface(name = "io.github.sampled.Sampler1")]
impl Sampler {
    /// Metadata of metrics, by id.
    ///
    /// `name` (s), `description` (s), `unit` (s, UCUM), `kind` (s: `gauge`, `rate`, `total` or
    /// `text`), `source` (s); `minimum` and `maximum` (d) where they are known.
    #[zbus(out_args("metrics"))]
    async fn list(
        &self,
        selectors: Vec<&str>,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<Catalog, Error> {
        let client = header.sender().map(|name| name.as_str());
        answer(
            &self.state.leaving,
            self.state.catalog.list(bus, client, &selectors),
        )
        .await
    }

    /// One fresh reading, now.
    ///
    /// A rate that has nothing to compare with takes two reads, a `window` apart. Options: `window`
    /// (t, default 200000), `max_age` (t, default 0): a reading that old will do, `timeout` (t,
    /// default 1000000): what is not there by then is a fault.
    #[zbus(out_args("timestamp", "readings", "faults"))]
    async fn sample(
        &self,
        selectors: Vec<&str>,
        options: CallOptions,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(u64, Readings, Turn<Faults>), Error> {
        let client = header.sender().map(|name| name.as_str());
        options.check(&self.state.settings.limits())?;
        let options = options::sample(&options)?;
        answer(
            &self.state.leaving,
            self.state.sampling.sample(bus, client, &selectors, options),
        )
        .await
    }

    /// Begin to acquire, and signal `Sampled` to the caller every `interval`.
    ///
    /// Returns the session and the ids of its columns. The first frame comes at once. The session
    /// ends with `Stop`, or when the caller leaves the bus. Options: `label` (s), shown to the
    /// user; `detached` (b): the session outlives the caller, and its signals are broadcast.
    #[zbus(out_args("session", "columns"))]
    async fn start(
        &self,
        selectors: Vec<&str>,
        interval: u64,
        options: CallOptions,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(u32, ResponseDispatchNotifier<Ids>), Error> {
        options.check(&self.state.settings.limits())?;
        let interval = error::interval(interval)?;
        let options = options::start(&options)?;
        let caller = caller(&header)?;
        let start = self
            .state
            .control
            .start(bus, caller, &selectors, interval, options);
        let (session, columns) = answer(&self.state.leaving, start).await?;
        self.state.control.reply(session, columns)
    }

    /// End a session. Only its owner may; anybody outside of a sandbox, if it is detached.
    async fn stop(
        &self,
        session: u32,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(), Error> {
        answer(
            &self.state.leaving,
            self.state.control.stop(bus, caller(&header)?, session),
        )
        .await
    }

    /// Who acquires what.
    ///
    /// By session: `owner` (s, a unique name), `label` (s), `interval` (t), `metrics` (as) or,
    /// of a session of processes, `fields` (as), `frames` (t), `dropped` (t): frames the owner was too
    /// slow for, `detached` (b). To a program in a sandbox the labels of others are empty.
    #[zbus(out_args("sessions"))]
    async fn sessions(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<SessionFacts, Error> {
        let name = caller(&header)?;
        let others = answer(
            &self.state.leaving,
            self.state.control.sight_of_others(bus, name),
        )
        .await?;
        Ok(self.state.sessions.map(|id, session| {
            let is_own = *session.owner == *name;
            let label = match is_own || others.labels {
                true => session.label.as_str(),
                false => "",
            };
            let (metrics, fields): (Vec<&str>, Vec<&str>) = match &session.subject {
                Subject::Metrics(metrics) => {
                    let columns = metrics.selection.columns.iter();
                    let columns =
                        columns.filter(|column| is_own || others.defined || !column.is_custom);
                    (
                        columns.map(|column| &*column.metric.id).collect(),
                        Vec::new(),
                    )
                }
                Subject::Processes(processes) => (Vec::new(), processes.columns()),
            };
            let facts = [
                ("owner", Variant::from(&*session.owner)),
                ("label", Variant::from(label)),
                (
                    "interval",
                    Variant::from(session.interval.as_micros() as u64),
                ),
                ("metrics", Variant::from(metrics)),
                ("fields", Variant::from(fields)),
                ("frames", Variant::from(session.frames)),
                ("dropped", Variant::from(session.dropped)),
                ("detached", Variant::from(session.detached)),
            ];
            (id, owned(facts))
        }))
    }

    /// What is read, and what that costs.
    ///
    /// By source: `state` (s: `ok`, `failing`, `unused` or `off`), `metrics` (u), `reads` (t), `cost`
    /// (t, time spent reading), `error` (s). `process-table` is the table of the other interface, and
    /// its `reads` are passes.
    #[zbus(out_args("sources"))]
    async fn sources(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<SourceFacts, Error> {
        let name = caller(&header)?;
        let sources = async { Ok(source_states::of(&self.state, bus, name).await) };
        let sources = answer(&self.state.leaving, sources).await?;
        let sources = sources.into_iter();
        Ok(sources
            .map(|source| {
                let facts = [
                    ("state", Variant::from(source.state)),
                    ("metrics", Variant::from(source.metrics)),
                    ("reads", Variant::from(source.reads)),
                    ("cost", Variant::from(source.cost.as_micros() as u64)),
                    ("error", Variant::from(source.error.as_str())),
                ];
                (source.name.to_string(), owned(facts))
            })
            .collect())
    }

    /// Leave, after what is in flight. `Busy` if other clients have sessions. Not for programs in
    /// sandboxes.
    async fn quit(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(), Error> {
        answer(
            &self.state.leaving,
            self.state.control.quit(bus, caller(&header)?),
        )
        .await
    }

    /// A frame of a session: the moment of reading, and the values in the order of the columns, NaN
    /// where there is a fault or a text.
    #[zbus(signal)]
    async fn sampled(
        emitter: &SignalEmitter<'_>,
        session: u32,
        timestamp: u64,
        values: &[f64],
    ) -> zbus::Result<()>;

    /// The columns, texts and faults of a session: once after `Start`, then whenever one of them
    /// changes, and always before the frame that shows it.
    #[zbus(signal)]
    async fn changed(
        emitter: &SignalEmitter<'_>,
        session: u32,
        columns: Ids,
        texts: Texts,
        faults: Faults,
    ) -> zbus::Result<()>;

    /// A session is over: `stopped` by a client, `denied` by a new configuration, or the service is
    /// `stopping`.
    #[zbus(signal)]
    async fn ended(emitter: &SignalEmitter<'_>, session: u32, reason: &str) -> zbus::Result<()>;

    /// Metrics have come or gone; what means something else now has done both. A session of a prefix
    /// or a pattern has those that it means in its next frame. What the user has defined is told to those
    /// alone who may know of it.
    #[zbus(signal)]
    async fn catalog_changed(
        emitter: &SignalEmitter<'_>,
        appeared: Ids,
        vanished: Ids,
    ) -> zbus::Result<()>;

    /// The version of the service.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    /// How long the service stays when nobody needs it, in microseconds; 2^64 - 1 is for ever.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn idle_timeout(&self) -> u64 {
        let timeout = self.state.settings.get().idle_timeout;
        timeout.map_or(u64::MAX, |timeout| timeout.as_micros() as u64)
    }
}
