//! `sampled watch`: a session, shown frame by frame.

mod screen;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    future::pending,
    num::NonZeroU64,
    process::ExitCode,
    time::{Duration, UNIX_EPOCH},
};

use clap::Args;
use tokio::{
    select,
    time::{Instant, sleep_until},
};

use sampled::{
    client::{self, Metadata},
    duration,
};

use crate::cli::{
    common::Common,
    deadline::Patience,
    error::Error,
    interruption::{Interruption, Resizes},
    output::{
        format::{self, Format, note},
        frame::{Csv, Frame},
        table::{self, Style},
    },
    readings::{
        origin::{Frames, Origin},
        selectors::Selectors,
    },
};

use screen::Screen;

/// What `watch` can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    selectors: Selectors,
    /// The time from frame to frame
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = interval)]
    interval: Duration,
    /// End after N frames [default: when it is interrupted]
    #[arg(long, value_name = "N")]
    count: Option<NonZeroU64>,
}

fn interval(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(Duration::ZERO) => Err("an interval is longer than nothing".to_owned()),
        Ok(interval) => Ok(interval),
        Err(cause) => Err(cause.to_string()),
    }
}

pub(crate) async fn run(common: &Common, options: Options) -> Result<ExitCode, Error> {
    // Before there is a session: from the first moment on, who interrupts finds it ended.
    let mut interruption = Interruption::listen()?;
    if let Some(origin) = interruption
        .or(Origin::open(common, Patience::default()))
        .await
    {
        let view = View::new(common.format)?;
        watch(&origin?, &options, view, &mut interruption).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A session that ends at once is not started again before this has passed since its start.
const BETWEEN_STARTS: Duration = Duration::from_secs(1);

/// Shows frames until there were enough, or somebody interrupts. When the service leaves in the
/// middle, its successor is asked to go on.
async fn watch(
    origin: &Origin,
    options: &Options,
    mut view: View,
    interruption: &mut Interruption,
) -> Result<(), Error> {
    let selectors = options.selectors.texts();
    let mut left = options.count.map(NonZeroU64::get);
    let mut earliest = Instant::now();
    while left != Some(0) {
        let starting = async {
            sleep_until(earliest).await;
            view.prepare(origin, &selectors).await?;
            Ok(origin.start(&selectors, options.interval).await?)
        };
        let Some(started) = interruption.or(starting).await else {
            return Ok(());
        };
        let now = Instant::now();
        earliest = now.checked_add(BETWEEN_STARTS).unwrap_or(now);
        let ended = match started {
            Ok(mut frames) => {
                let ended = show(&mut frames, &mut view, &mut left, interruption).await;
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

async fn show(
    frames: &mut Frames,
    view: &mut View,
    left: &mut Option<u64>,
    interruption: &mut Interruption,
) -> Result<(), Error> {
    while *left != Some(0) {
        let next = async {
            select! {
                frame = frames.next() => frame.map(Some),
                () = view.resized() => Ok(None),
            }
        };
        let Some(next) = interruption.or(next).await else {
            return Ok(());
        };
        if let Some(frame) = next? {
            view.take(frame);
            *left = left.map(|left| left.saturating_sub(1));
        }
        let Some(shown) = interruption.or(view.show()).await else {
            return Ok(());
        };
        shown?;
    }
    Ok(())
}

/// How frames are shown: the last one there was.
struct View {
    form: Form,
    frame: Option<Frame>,
}

enum Form {
    Json,
    Csv(Csv),
    Table {
        screen: Screen,
        resizes: Resizes,
        style: Style,
        metrics: BTreeMap<String, Metadata>,
    },
}

impl View {
    fn new(format: Format) -> Result<Self, Error> {
        let form = match format {
            Format { json: true, .. } => Form::Json,
            Format { csv: true, .. } => Form::Csv(Csv::default()),
            Format { .. } => Form::Table {
                screen: Screen::default(),
                resizes: Resizes::listen()?,
                style: Style::of_stdout(),
                metrics: BTreeMap::new(),
            },
        };
        Ok(Self { form, frame: None })
    }

    /// Asks for the units, where they are shown.
    async fn prepare(&mut self, origin: &Origin, selectors: &[&str]) -> Result<(), Error> {
        if let Form::Table { metrics, .. } = &mut self.form {
            *metrics = origin.list(selectors).await?;
        }
        Ok(())
    }

    /// Takes the frame that is to be shown from now on.
    fn take(&mut self, frame: Frame) {
        self.frame = Some(frame);
    }

    /// Completes when a frame is to be shown anew, in another size.
    async fn resized(&mut self) {
        match &mut self.form {
            Form::Table {
                screen, resizes, ..
            } if screen.has_size() => resizes.next().await,
            _ => pending().await,
        }
    }

    async fn show(&mut self) -> Result<(), Error> {
        let Self { form, frame } = self;
        let Some(frame) = frame else {
            return Ok(());
        };
        let printed = format::print_elsewhere(|out| match form {
            Form::Json => format::write_json(out, frame),
            Form::Csv(csv) => csv.write(out, frame),
            Form::Table {
                screen,
                style,
                metrics,
                ..
            } => {
                let mut lines = vec![moment(frame.timestamp)];
                lines.extend(table::of_frame(frame, metrics, *style));
                screen.show(out, &lines)
            }
        });
        printed.await
    }

    /// Something else is printed between two frames.
    fn interrupt(&mut self) {
        if let Form::Table { screen, .. } = &mut self.form {
            screen.interrupt();
        }
    }
}

/// A moment in microseconds since the Unix epoch, for a person; the number, where no calendar has that.
fn moment(timestamp: u64) -> String {
    let mut text = String::new();
    let moment = UNIX_EPOCH.checked_add(Duration::from_micros(timestamp));
    let written = moment.map(|moment| write!(text, "{}", humantime::format_rfc3339_millis(moment)));
    match written {
        Some(Ok(())) => text,
        _ => format!("{timestamp} us since 1970"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(moment(1_700_000_000_123_456), "2023-11-14T22:13:20.123Z");
        assert_eq!(moment(u64::MAX), "18446744073709551615 us since 1970");
    }
}
