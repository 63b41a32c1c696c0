//! The settings, in a key file.

mod damage;
mod file;
mod regular_file;

use std::{str::FromStr, time::Duration};

use gtk::glib::KeyFile;

pub use self::{
    damage::Damage,
    file::{Error, SettingsFile},
};
use crate::threshold::Threshold;

/// The settings that the window keeps from one run to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The width of the window, in pixels.
    pub width: i32,
    /// The height of the window, in pixels.
    pub height: i32,
    /// Whether the window is maximised.
    pub is_maximized: bool,
    /// The name of the page that is shown.
    pub page: String,
    /// The time from frame to frame.
    pub interval: Duration,
    /// The time that graphs show.
    pub span: Duration,
    /// The ids of the metrics on the board, in their order.
    pub pinned: Vec<String>,
    /// The thresholds that are watched.
    pub thresholds: Vec<Threshold>,
}

/// The shortest interval that can be set: the history keeps no more.
pub const MIN_INTERVAL: Duration = Duration::from_millis(250);
/// The longest interval that can be set.
pub const MAX_INTERVAL: Duration = Duration::from_secs(60);
/// The shortest span that can be set.
pub const MIN_SPAN: Duration = Duration::from_secs(30);
/// The longest span that can be set.
pub const MAX_SPAN: Duration = Duration::from_secs(3600);
/// The largest number of metrics on the board, and of thresholds: each threshold is a session of the service.
pub const MAX_PINNED: usize = 48;
/// The most bytes of the file. A selector has at most 256, so that the longest lists take half of it.
const LARGEST: u64 = 64 * 1024;

impl Default for Settings {
    fn default() -> Self {
        Self {
            width: 1000,
            height: 700,
            is_maximized: false,
            page: "overview".to_owned(),
            interval: Duration::from_secs(1),
            span: Duration::from_secs(60),
            pinned: Vec::new(),
            thresholds: Vec::new(),
        }
    }
}

impl Settings {
    /// Sets the keys. The other keys stay.
    fn write(&self, keys: &KeyFile) {
        keys.set_integer("window", "width", self.width);
        keys.set_integer("window", "height", self.height);
        keys.set_boolean("window", "maximized", self.is_maximized);
        keys.set_string("window", "page", &self.page);
        keys.set_uint64("sampling", "interval-ms", milliseconds(self.interval));
        keys.set_uint64("sampling", "span-s", self.span.as_secs());
        set_list(keys, "metrics", &self.pinned);
        let thresholds: Vec<String> = self.thresholds.iter().map(ToString::to_string).collect();
        set_list(keys, "thresholds", &thresholds);
    }

    /// Takes over what the keys say; goes on after an error and returns the first one.
    fn read(&mut self, keys: &KeyFile) -> Result<(), String> {
        let mut first = Ok(());
        let mut note = |result: Result<(), String>| {
            if first.is_ok() {
                first = result;
            }
        };
        let number = |group, key, range: std::ops::RangeInclusive<u64>| -> Result<u64, String> {
            // Signed, because the parser would wrap a negative number.
            let value = keys.int64(group, key).map_err(|error| error.to_string())?;
            if let Some(value) = u64::try_from(value)
                .ok()
                .filter(|value| range.contains(value))
            {
                return Ok(value);
            }
            Err(format!(
                "{key}={value} is not between {} and {}",
                range.start(),
                range.end()
            ))
        };
        let has = |group, key| keys.has_key(group, key).unwrap_or(false);
        if has("window", "width") {
            note(number("window", "width", 1..=32767).map(|width| self.width = width as i32));
        }
        if has("window", "height") {
            note(number("window", "height", 1..=32767).map(|height| self.height = height as i32));
        }
        if has("window", "maximized") {
            let value = keys.boolean("window", "maximized");
            note(
                value
                    .map(|value| self.is_maximized = value)
                    .map_err(|error| error.to_string()),
            );
        }
        if has("window", "page") {
            let value = keys.string("window", "page");
            note(
                value
                    .map(|value| self.page = value.into())
                    .map_err(|error| error.to_string()),
            );
        }
        if has("sampling", "interval-ms") {
            let range = milliseconds(MIN_INTERVAL)..=milliseconds(MAX_INTERVAL);
            let value = number("sampling", "interval-ms", range);
            note(value.map(|value| self.interval = Duration::from_millis(value)));
        }
        if has("sampling", "span-s") {
            let value = number(
                "sampling",
                "span-s",
                MIN_SPAN.as_secs()..=MAX_SPAN.as_secs(),
            );
            note(value.map(|value| self.span = Duration::from_secs(value)));
        }
        note(list(keys, "metrics", MAX_PINNED, |id| {
            self.pinned.push(id.to_owned());
            Ok(())
        }));
        note(list(keys, "thresholds", MAX_PINNED, |text| {
            self.thresholds.push(Threshold::from_str(text)?);
            Ok(())
        }));
        first
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn set_list(keys: &KeyFile, key: &str, values: &[String]) {
    let escape = |value: &String| value.replace('\\', "\\\\").replace(';', "\\;") + ";";
    keys.set_value("board", key, &values.iter().map(escape).collect::<String>());
}

/// Hands over the values of a list of the board, up to a number of them; goes on after an error and returns the first one.
fn list(
    keys: &KeyFile,
    key: &str,
    most: usize,
    mut take: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), String> {
    if !keys.has_key("board", key).unwrap_or(false) {
        return Ok(());
    }
    let values = keys
        .string_list("board", key)
        .map_err(|error| error.to_string())?;
    let mut first = Ok(());
    for value in values.iter().take(most) {
        let result = take(value.as_str());
        if first.is_ok() {
            first = result;
        }
    }
    if values.len() > most && first.is_ok() {
        first = Err(format!("{key} has more than {most} entries"));
    }
    first
}
