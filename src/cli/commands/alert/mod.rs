//! `sampled alert`: runs a command, or prints a line, when a metric crosses a threshold.
//!
//! - `options`: the options. `event`: a crossing, as a line and as variables of the command.
//! - `runs`: the runs of the command, one at a time.

mod event;
mod options;
mod program;
mod runs;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    process::ExitCode,
    time::Duration,
};

use tokio::{
    select,
    time::{Instant, sleep_until, timeout},
};

use sampled::client::{self, Client, Crossing, Watch};

use crate::cli::{
    common_options::CommonOptions,
    deadline::TimeoutOption,
    error::Error,
    output::{
        events::StdoutEvents,
        format::{self, note},
    },
    signals::TerminationSignals,
};

use event::Event;
pub(crate) use options::AlertOptions;
use runs::Runs;

/// The shortest time between two starts of the watch.
const BETWEEN_STARTS: Duration = Duration::from_secs(1);

/// The timeout for ending the watch. It ends with the connection anyway.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) async fn run(common: &CommonOptions, options: AlertOptions) -> Result<ExitCode, Error> {
    // Before the watch starts, so that a signal at any time ends it properly.
    let mut signals = TerminationSignals::listen()?;
    // A command has no reader.
    let events = match options.command.is_empty() {
        true => Some(StdoutEvents::listen()?),
        false => None,
    };
    if let Some(program) = options.command.first()
        && let Err(failed) = program::check(program)
    {
        note(&failed);
        return Ok(failed.exit_code());
    }
    let connecting = async {
        let bus = TimeoutOption::default().session().await?;
        Client::on(bus).await
    };
    let Some(client) = signals.or(connecting).await else {
        return signals.check_interrupt().map(|()| ExitCode::SUCCESS);
    };
    let mut alert = Alert {
        client: client?,
        json: common.format.json,
        left: options.count.map(|count| count.get()),
        has_watched: false,
        units: BTreeMap::new(),
        crossed: BTreeSet::new(),
        runs: Runs::new(&options)?,
        options,
    };
    let broken_pipe = async {
        match &events {
            Some(events) => events.broken_pipe().await,
            None => pending().await,
        }
    };
    let ended = select! {
        ended = alert.watch(&mut signals) => ended,
        error = broken_pipe => Err(error),
    };
    alert.runs.stop(&mut signals).await;
    ended
        .and_then(|()| signals.check_interrupt())
        .map(|()| ExitCode::SUCCESS)
}

/// An alert, and the state that it keeps when the service restarts.
struct Alert {
    client: Client,
    options: AlertOptions,
    json: bool,
    /// The number of crossings until it ends.
    left: Option<u64>,
    /// Whether it goes on with a new service.
    has_watched: bool,
    /// The units of the metrics.
    units: BTreeMap<String, String>,
    /// The metrics that have crossed and not returned: a successor of the service is not to tell them again.
    crossed: BTreeSet<String>,
    runs: Runs,
}

/// The most ids of metrics that have crossed: as many as a client can have columns.
const MAX_CROSSED: usize = 4096;

impl Alert {
    /// Watches until `--count` is reached or a signal arrives. If the service ends meanwhile, its successor goes on.
    async fn watch(&mut self, signals: &mut TerminationSignals) -> Result<(), Error> {
        let mut earliest = Instant::now();
        while !self.is_done() {
            let starting = async {
                sleep_until(earliest).await;
                self.start().await
            };
            let Some(started) = signals.or(starting).await else {
                return Ok(());
            };
            let now = Instant::now();
            earliest = now.checked_add(BETWEEN_STARTS).unwrap_or(now);
            let ended = match started {
                Ok(mut watch) => {
                    let ended = self.follow(&mut watch, signals).await;
                    timeout(STOP_TIMEOUT, watch.stop()).await.ok();
                    ended
                }
                Err(error) => Err(error.into()),
            };
            match ended {
                Err(Error::Client(
                    reason @ (client::Error::Ended(_) | client::Error::Stopping),
                )) => note(format_args!("{reason}; starting again")),
                ended => return ended,
            }
        }
        Ok(())
    }

    /// Whether there is nothing left to do.
    fn is_done(&self) -> bool {
        self.left == Some(0) && self.runs.is_idle()
    }

    async fn start(&mut self) -> Result<Watch, client::Error> {
        let crossed = self.crossed.iter().cloned().collect();
        let watch = self.options.watch(self.has_watched, crossed);
        let (selector, threshold) = (&*self.options.selector, self.options.threshold());
        let watch = self.client.watch(selector, threshold, watch).await?;
        self.has_watched = true;
        match self.ask_for_units().await {
            Err(client::Error::UnknownMetric(_)) | Ok(()) => Ok(watch),
            Err(error) => Err(error),
        }
    }

    async fn ask_for_units(&mut self) -> Result<(), client::Error> {
        let metrics = self.client.list(&[&*self.options.selector]).await?;
        let metrics = metrics.into_iter();
        self.units = metrics.map(|(id, metric)| (id, metric.unit)).collect();
        Ok(())
    }

    /// Handles crossings, and the ends of runs.
    async fn follow(
        &mut self,
        watch: &mut Watch,
        signals: &mut TerminationSignals,
    ) -> Result<(), Error> {
        while !self.is_done() {
            let next = async {
                select! {
                    crossing = watch.next(), if self.left != Some(0) => crossing.map(Some),
                    () = self.runs.next_end() => Ok(None),
                }
            };
            let Some(next) = signals.or(next).await else {
                return Ok(());
            };
            if let Some(crossing) = next? {
                let Some(taken) = signals.or(self.take(crossing)).await else {
                    return Ok(());
                };
                taken?;
            }
        }
        Ok(())
    }

    /// Runs the command for a crossing, or prints it, if it is in a direction that was asked for.
    async fn take(&mut self, crossing: Crossing) -> Result<(), Error> {
        let is_return = crossing.direction != self.options.direction();
        if is_return {
            self.crossed.remove(&crossing.id);
        } else if self.crossed.len() < MAX_CROSSED {
            self.crossed.insert(crossing.id.clone());
        }
        if is_return && !self.options.recovery {
            return Ok(());
        }
        if !self.units.contains_key(&crossing.id) {
            // Without the unit, if the service ends right now.
            self.ask_for_units().await.ok();
        }
        let event = Event {
            unit: self.units.get(&crossing.id).cloned().unwrap_or_default(),
            threshold: self.options.threshold(),
            crossing,
        };
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.options.command.is_empty() {
            return format::print_elsewhere(|out| event.write(out, self.json)).await;
        }
        self.runs.push(event);
        Ok(())
    }
}
