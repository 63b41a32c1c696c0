//! The output of `watch`: lines, or a table that it draws again.

use std::{collections::BTreeMap, future::pending, sync::Arc};

use tokio::select;

use sampled::{
    client::Metadata,
    reading::{Reading, Value},
};

use super::screen::Screen;
use crate::cli::{
    error::Error,
    output::{
        bar::Bar,
        events::Stops,
        format::{self, Format},
        frame::{Csv, Frame},
        moment::moment,
        style::Style,
        table,
    },
    readings::{
        backend::Backend,
        selectors::{OptionalSelectors, Selectors},
    },
    signals::ResizeSignals,
};

/// The most frames before the first line of a bar. The rate of a command that runs seldom comes later than that.
const EARLY_FRAMES: u8 = 3;

/// The output, and the last frame.
pub(super) struct View {
    form: Form,
    frame: Option<Frame>,
}

enum Form {
    Json,
    Csv(Csv),
    Bar {
        bar: Bar,
        metrics: BTreeMap<String, Metadata>,
        /// How many frames may still be left out before the first line.
        early: u8,
    },
    Table {
        screen: Screen,
        resizes: ResizeSignals,
        stops: Arc<Stops>,
        style: Style,
        metrics: BTreeMap<String, Metadata>,
    },
}

impl View {
    pub(super) fn new(format: Format, bar: Option<Bar>, stops: Arc<Stops>) -> Result<Self, Error> {
        if let Some(bar) = bar {
            let form = Form::Bar {
                bar,
                metrics: BTreeMap::new(),
                early: EARLY_FRAMES,
            };
            return Ok(Self { form, frame: None });
        }
        let form = match format {
            Format { json: true, .. } => Form::Json,
            Format { csv: true, .. } => Form::Csv(Csv::default()),
            Format { .. } => Form::Table {
                screen: Screen::new(stops.clone()),
                resizes: ResizeSignals::listen()?,
                stops,
                style: Style::of_stdout(),
                metrics: BTreeMap::new(),
            },
        };
        Ok(Self { form, frame: None })
    }

    /// Whether a frame comes before the first line of a bar, which waits a few frames until each rate has a value.
    pub(super) fn is_early(&mut self, frame: &Frame) -> bool {
        let Form::Bar { bar, early, .. } = &mut self.form else {
            return false;
        };
        let left = early.checked_sub(1).filter(|_| bar.is_early(frame));
        *early = left.unwrap_or(0);
        left.is_some()
    }

    /// Asks for the units, if they are shown.
    pub(super) async fn prepare(
        &mut self,
        backend: &Backend,
        selectors: &Selectors,
        presence: OptionalSelectors,
    ) -> Result<(), Error> {
        if let Form::Table { metrics, .. } | Form::Bar { metrics, .. } = &mut self.form {
            *metrics = presence.list(backend, selectors).await?;
        }
        Ok(())
    }

    /// Sets the frame to show. If it has numbers of metrics that have appeared since, asks for their units.
    pub(super) async fn take(
        &mut self,
        mut frame: Frame,
        backend: &Backend,
        selectors: &Selectors,
    ) -> Result<(), Error> {
        if matches!(self.form, Form::Bar { .. }) {
            frame.order_by(&selectors.texts());
        }
        if let Form::Table { metrics, .. } | Form::Bar { metrics, .. } = &mut self.form {
            let is_new = |(id, reading): &(String, Reading)| {
                matches!(reading, Ok(Value::Number(_))) && !metrics.contains_key(id)
            };
            if frame.readings.iter().any(is_new) {
                // Another selector may match nothing any more.
                let all = OptionalSelectors { optional: true };
                metrics.extend(all.list(backend, selectors).await?);
            }
        }
        self.frame = Some(frame);
        Ok(())
    }

    /// Completes when the frame has to be drawn again: the terminal has changed its size, or a shell has used it while
    /// this process was stopped.
    pub(super) async fn needs_drawing(&mut self) {
        match &mut self.form {
            Form::Table {
                screen,
                resizes,
                stops,
                ..
            } if screen.has_size() => select! {
                () = resizes.next() => {}
                () = stops.continued() => {}
            },
            _ => pending().await,
        }
    }

    pub(super) async fn show(&mut self) -> Result<(), Error> {
        let Self { form, frame } = self;
        let Some(frame) = frame else {
            return Ok(());
        };
        match form {
            Form::Json => format::print_elsewhere(|out| format::write_json(out, frame)).await,
            Form::Csv(csv) => format::print_elsewhere(|out| csv.write(out, frame)).await,
            Form::Bar { bar, metrics, .. } => {
                format::print_elsewhere(|out| bar.write(out, frame, metrics)).await
            }
            Form::Table {
                screen,
                style,
                metrics,
                ..
            } => {
                let mut lines = vec![moment(frame.timestamp)];
                lines.extend(table::of_frame(frame, metrics, *style));
                let drawing = screen.draw(&lines);
                format::print_late(|| drawing.into_bytes()).await
            }
        }
    }

    /// Notes that another session follows, and that something else is printed between two frames.
    pub(super) fn interrupt(&mut self) {
        self.go_below();
        if let Form::Bar { early, .. } = &mut self.form {
            *early = EARLY_FRAMES;
        }
    }

    /// Notes that something else is printed between two frames.
    pub(super) fn go_below(&mut self) {
        if let Form::Table { screen, .. } = &mut self.form {
            screen.interrupt();
        }
    }
}
