//! Readings as texts.

use ratatui::style::Style;
use sampled_client::{Reading, Value, units};

use crate::{application::Application, text};

/// The last reading of a metric: a number in its unit, a text, or the word for its fault.
pub(super) fn value_of(application: &Application, id: &str) -> (String, Style) {
    let theme = application.theme;
    let unit = application.catalog.metadata(id);
    let unit = unit.map_or("1", |metadata| metadata.unit.as_str());
    match application.recording.reading(id) {
        Some(reading) => text(application, &reading, unit, theme.title()),
        None => (units::NO_VALUE.to_owned(), theme.dim()),
    }
}

/// The same without emphasis.
pub(super) fn text_of(application: &Application, id: &str) -> (String, Style) {
    let (text, style) = value_of(application, id);
    match application.recording.reading(id) {
        Some(Ok(_)) => (text, Style::new()),
        _ => (text, style),
    }
}

fn text(application: &Application, reading: &Reading, unit: &str, style: Style) -> (String, Style) {
    match reading {
        Ok(Value::Number(number)) => (text::value(*number, unit), style),
        Ok(Value::Text(text)) => (text::escape(text).into_owned(), style),
        Err(fault) => (fault.code().to_owned(), application.theme.fault()),
    }
}
