//! `io.github.sampled.Sampler1`: each method parses its arguments, makes one call and replies.

use std::{collections::HashMap, sync::Arc, time::Duration};

use zbus::{
    Connection, Fd, interface,
    message::Header,
    object_server::{ResponseDispatchNotifier, SignalEmitter},
};

use super::{VariantMap, caller, reload_details, run_call, session_details, source_details};
use crate::{
    service::{
        error::{self, Error},
        guarded::Guarded,
        options::{self, CallOptions},
        reload,
        sampling::Sampled,
        source_states,
        state::ServiceState,
        threshold_options,
    },
    wire::{Catalog, FaultChanges, Faults, Frames, Ids, Readings, Texts},
};

/// The interface of the metrics.
pub(crate) struct Sampler {
    pub(crate) state: Arc<ServiceState>,
}

/// The replies of `Sessions` (`a{ua{sv}}`) and `Sources` (`a{sa{sv}}`).
type SessionDetails = HashMap<u32, VariantMap>;
type SourceDetails = HashMap<String, VariantMap>;

impl Sampler {
    /// The metrics for a call of `List`.
    pub(super) async fn take_catalog(
        &self,
        bus: &Connection,
        client: Option<&str>,
        selectors: &[&str],
    ) -> Result<Catalog, Error> {
        let list = self.state.catalog.list(Some(bus), client, selectors);
        run_call(&self.state.shutdown, list).await
    }

    /// The readings for a call of `Sample`.
    pub(super) async fn take_sample(
        &self,
        bus: &Connection,
        client: Option<&str>,
        selectors: &[&str],
        options: CallOptions,
    ) -> Result<Sampled, Error> {
        options.check(&self.state.settings.limits())?;
        let options = options::sample(&options)?;
        let sampling = &self.state.sampling;
        let sample = sampling.sample(Some(bus), client, selectors, options);
        run_call(&self.state.shutdown, sample).await
    }
}

/// Readings, sessions and sources. `dbus/io.github.sampled.Sampler1.xml` documents the interface.
#[interface(name = "io.github.sampled.Sampler1")]
impl Sampler {
    /// Calls in this machine's byte order are [answered directly](super::direct).
    #[zbus(out_args("metrics"))]
    async fn list(
        &self,
        selectors: Vec<&str>,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<Catalog, Error> {
        let client = header.sender().map(|name| name.as_str());
        self.take_catalog(bus, client, &selectors).await
    }

    /// Calls in this machine's byte order are [answered directly](super::direct).
    #[zbus(out_args("timestamp", "readings", "faults"))]
    async fn sample(
        &self,
        selectors: Vec<&str>,
        options: CallOptions,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(u64, Readings, Guarded<Faults>), Error> {
        let client = header.sender().map(|name| name.as_str());
        let sample = self.take_sample(bus, client, &selectors, options).await?;
        Ok(sample.into_reply())
    }

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
        let (session, columns) = run_call(&self.state.shutdown, start).await?;
        self.state.control.reply(session, columns)
    }

    #[zbus(out_args("watch"))]
    async fn watch(
        &self,
        selector: &str,
        threshold: f64,
        options: CallOptions,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<ResponseDispatchNotifier<u32>, Error> {
        options.check(&self.state.settings.limits())?;
        let options = threshold_options::watch(threshold, &options)?;
        let control = &self.state.control;
        let watch = control.watch(bus, caller(&header)?, selector, options);
        control.reply_to_watch(run_call(&self.state.shutdown, watch).await?)
    }

    #[zbus(out_args("session", "columns", "stream"))]
    async fn open(
        &self,
        selectors: Vec<&str>,
        interval: u64,
        options: CallOptions,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(u32, Ids, ResponseDispatchNotifier<Fd<'static>>), Error> {
        options.check(&self.state.settings.limits())?;
        let interval = error::stream_interval(interval)?;
        let options = options::start(&options)?;
        self.state.peer.check_passes_descriptors()?;
        let caller = caller(&header)?;
        let open = self
            .state
            .control
            .open(bus, caller, &selectors, interval, options);
        let stream = run_call(&self.state.shutdown, open).await?;
        self.state.control.reply_to_open(stream)
    }

    #[zbus(out_args("columns", "frames"))]
    async fn history(
        &self,
        selectors: Vec<&str>,
        span: u64,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(Ids, Frames), Error> {
        let client = header.sender().map(|name| name.as_str());
        let span = Duration::from_micros(span);
        let history = self.state.past.history(bus, client, &selectors, span);
        run_call(&self.state.shutdown, history).await
    }

    async fn stop(
        &self,
        session: u32,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(), Error> {
        run_call(
            &self.state.shutdown,
            self.state.control.stop(bus, caller(&header)?, session),
        )
        .await
    }

    #[zbus(out_args("columns", "texts", "faults"))]
    async fn describe(
        &self,
        session: u32,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(Ids, Texts, FaultChanges), Error> {
        let client = caller(&header)?;
        run_call(
            &self.state.shutdown,
            self.state.control.describe(bus, client, session),
        )
        .await
    }

    #[zbus(out_args("sessions"))]
    async fn sessions(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<SessionDetails, Error> {
        let name = caller(&header)?;
        let others = run_call(
            &self.state.shutdown,
            self.state.control.visibility_of_others(bus, name),
        )
        .await?;
        let sessions = &self.state.sessions;
        Ok(sessions.map(|id, session| (id, session_details::of(session, name, others))))
    }

    #[zbus(out_args("sources"))]
    async fn sources(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<SourceDetails, Error> {
        let name = caller(&header)?;
        let sources = async { Ok(source_states::list(&self.state, Some((bus, name))).await) };
        let sources = run_call(&self.state.shutdown, sources).await?;
        let sources = sources.into_iter();
        Ok(sources
            .map(|source| (source.name.to_string(), source_details::of(&source)))
            .collect())
    }

    #[zbus(out_args("read"))]
    async fn reload(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<VariantMap, Error> {
        let reload = reload::reload(&self.state, bus, caller(&header)?);
        let reloaded = run_call(&self.state.shutdown, reload).await?;
        Ok(reload_details::of(reloaded))
    }

    async fn quit(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(), Error> {
        run_call(
            &self.state.shutdown,
            self.state.control.quit(bus, caller(&header)?),
        )
        .await
    }

    #[zbus(signal)]
    async fn sampled(
        emitter: &SignalEmitter<'_>,
        session: u32,
        timestamp: u64,
        values: &[f64],
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn changed(
        emitter: &SignalEmitter<'_>,
        session: u32,
        columns: Ids,
        texts: Texts,
        faults: FaultChanges,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn crossed(
        emitter: &SignalEmitter<'_>,
        watch: u32,
        timestamp: u64,
        id: &str,
        value: f64,
        direction: &str,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn ended(emitter: &SignalEmitter<'_>, session: u32, reason: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn catalog_changed(
        emitter: &SignalEmitter<'_>,
        appeared: Ids,
        vanished: Ids,
    ) -> zbus::Result<()>;

    #[zbus(property(emits_changed_signal = "const"))]
    async fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    #[zbus(property(emits_changed_signal = "const"))]
    async fn idle_timeout(&self) -> u64 {
        let timeout = self.state.settings.get().idle_timeout;
        timeout.map_or(u64::MAX, |timeout| timeout.as_micros() as u64)
    }
}
