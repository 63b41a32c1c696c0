//! `sampled watch`: shows the frames of a session.

mod screen;
mod view;

use std::{num::NonZeroU64, process::ExitCode, time::Duration};

use clap::Args;
use tokio::{
    select,
    time::{Instant, sleep_until},
};

use sampled::{client, duration};

use crate::cli::{
    common_options::CommonOptions,
    deadline::TimeoutOption,
    error::Error,
    output::{
        bar::{Bar, BarOptions},
        events::StdoutEvents,
        format::note,
        frame::Frame,
    },
    readings::{
        backend::{Backend, Frames},
        selectors::{OptionalSelectors, Selectors},
    },
    signals::TerminationSignals,
};

use view::View;

/// The options of `watch`.
#[derive(Clone, Debug, Args)]
pub(crate) struct WatchOptions {
    #[command(flatten)]
    selectors: Selectors,
    #[command(flatten)]
    presence: OptionalSelectors,
    #[command(flatten)]
    bar: BarOptions,
    /// The time from frame to frame
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = interval)]
    interval: Duration,
    /// Begin with what the service has kept of the last DURATION; a frame without values is a gap
    #[arg(long, value_name = "DURATION", default_value = "0s", hide_default_value = true, value_parser = duration::parse,
        conflicts_with = "format")]
    history: Duration,
    /// End after N frames, those of the past included [default: when it is interrupted]
    #[arg(long, value_name = "N")]
    count: Option<NonZeroU64>,
}

impl WatchOptions {
    /// The line for a bar, if it is asked for.
    pub(crate) fn bar(&self) -> Result<Option<Bar>, String> {
        self.bar.bar(&self.selectors.texts())
    }

    /// The options of the session.
    fn start(&self) -> client::Start {
        client::Start {
            label: "sampled watch".to_owned(),
            optional: self.presence.optional,
            ..client::Start::every(self.interval)
        }
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        // The session has it in microseconds.
        Ok(interval) if interval < Duration::from_micros(1) => {
            Err("an interval is at least 1us".to_owned())
        }
        Ok(interval) => Ok(interval),
        Err(cause) => Err(cause.to_string()),
    }
}

pub(crate) async fn run(
    common: &CommonOptions,
    mut options: WatchOptions,
) -> Result<ExitCode, Error> {
    // An error was reported before.
    let bar = options.bar().unwrap_or_default();
    options
        .selectors
        .add(bar.iter().flat_map(Bar::ids).collect());
    // Before the session starts, so that a signal at any time ends it properly.
    let mut signals = TerminationSignals::listen()?;
    let events = StdoutEvents::listen()?;
    if let Some(backend) = signals
        .or(Backend::open(common, TimeoutOption::default()))
        .await
    {
        let (backend, view) = (backend?, View::new(common.format, bar, events.stops())?);
        select! {
            shown = watch(&backend, &options, view, &mut signals) => shown?,
            // The session ends with the connection.
            error = events.broken_pipe() => return Err(error),
        }
    }
    signals.check_interrupt()?;
    Ok(ExitCode::SUCCESS)
}

/// The shortest time between two starts of a session.
const BETWEEN_STARTS: Duration = Duration::from_secs(1);

/// Shows frames until `--count` is reached or a signal arrives. If the service ends meanwhile, its successor goes on.
async fn watch(
    backend: &Backend,
    options: &WatchOptions,
    mut view: View,
    signals: &mut TerminationSignals,
) -> Result<(), Error> {
    let selectors = options.selectors.texts();
    let mut left = options.count.map(NonZeroU64::get);
    // The frames of a successor follow those that are shown already.
    let mut history = options.history;
    let mut earliest = Instant::now();
    while left != Some(0) {
        let starting = async {
            sleep_until(earliest).await;
            view.prepare(backend, &options.selectors, options.presence)
                .await?;
            let start = client::Start {
                history,
                ..options.start()
            };
            let started = backend.start(&selectors, start).await?;
            history = Duration::ZERO;
            Ok(started)
        };
        let Some(started) = signals.or(starting).await else {
            return Ok(());
        };
        let now = Instant::now();
        earliest = now.checked_add(BETWEEN_STARTS).unwrap_or(now);
        let ended = match started {
            Ok(mut frames) => {
                let source = (&mut frames, backend, options);
                let ended = show(source, &mut view, &mut left, signals).await;
                frames.stop().await;
                ended
            }
            Err(error) => Err(error),
        };
        match ended {
            Err(Error::Client(reason @ (client::Error::Ended(_) | client::Error::Stopping))) => {
                view.interrupt();
                note(format_args!("{reason}; starting again"));
            }
            ended => return ended,
        }
    }
    Ok(())
}

/// What comes next of a session.
enum Next {
    Frame(Frame),
    /// The last frame has to be drawn again.
    Drawing,
    /// Nothing comes; the message says so.
    Silence(String),
}

/// Shows the frames of a session with these options.
async fn show(
    (frames, backend, options): (&mut Frames, &Backend, &WatchOptions),
    view: &mut View,
    left: &mut Option<u64>,
    signals: &mut TerminationSignals,
) -> Result<(), Error> {
    let mut heard = Instant::now();
    let mut is_told = false;
    while *left != Some(0) {
        let silence = backend.until_unanswered(heard.into_std(), options.interval);
        let next = async {
            select! {
                biased;
                frame = frames.next() => frame.map(Next::Frame),
                () = view.needs_drawing() => Ok(Next::Drawing),
                message = silence, if !is_told => Ok(Next::Silence(message)),
            }
        };
        let Some(next) = signals.or(next).await else {
            return Ok(());
        };
        match next? {
            Next::Frame(frame) => {
                (heard, is_told) = (Instant::now(), false);
                if view.is_early(&frame) {
                    continue;
                }
                let taken = view.take(frame, backend, &options.selectors);
                let Some(taken) = signals.or(taken).await else {
                    return Ok(());
                };
                taken?;
                *left = left.map(|left| left.saturating_sub(1));
            }
            Next::Drawing => {}
            Next::Silence(message) => {
                is_told = true;
                note(message);
                view.go_below();
                continue;
            }
        }
        let Some(shown) = signals.or(view.show()).await else {
            return Ok(());
        };
        shown?;
    }
    Ok(())
}
