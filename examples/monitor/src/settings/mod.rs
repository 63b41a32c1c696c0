//! The settings, in a key file.

mod damage;

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use gtk::glib::{self, KeyFile, KeyFileFlags};

pub use self::damage::Damage;
use self::damage::keep_aside;
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
    /// The file of the settings of this user.
    pub fn path() -> PathBuf {
        glib::user_config_dir().join("sampled-monitor/settings.ini")
    }

    /// Reads a file. A file that does not exist has the defaults. What cannot be read has them too; the file is then copied, so
    /// that saving loses nothing.
    pub fn load(path: &Path) -> (Self, Option<Damage>) {
        let keys = KeyFile::new();
        let mut settings = Self::default();
        let result = match keys.load_from_file(path, KeyFileFlags::NONE) {
            Err(error) if error.matches(glib::FileError::Noent) => return (settings, None),
            Err(error) => Err(error.to_string()),
            Ok(()) => settings.read(&keys),
        };
        let damage = result.err().map(|cause| Damage {
            cause,
            kept: keep_aside(path),
        });
        (settings, damage)
    }

    /// Writes the file. Keys of other versions stay in it.
    ///
    /// # Errors
    /// If the file or its directory cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), glib::Error> {
        let keys = KeyFile::new();
        // A file that cannot be parsed was copied when it was loaded.
        keys.load_from_file(path, KeyFileFlags::KEEP_COMMENTS).ok();
        keys.set_integer("window", "width", self.width);
        keys.set_integer("window", "height", self.height);
        keys.set_boolean("window", "maximized", self.is_maximized);
        keys.set_string("window", "page", &self.page);
        keys.set_uint64("sampling", "interval-ms", milliseconds(self.interval));
        keys.set_uint64("sampling", "span-s", self.span.as_secs());
        set_list(&keys, "metrics", &self.pinned);
        let thresholds: Vec<String> = self.thresholds.iter().map(ToString::to_string).collect();
        set_list(&keys, "thresholds", &thresholds);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)
                .map_err(|error| glib::Error::new(glib::FileError::Failed, &error.to_string()))?;
        }
        keys.save_to_file(path)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("sampled-monitor-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let directory = directory("saved");
        let path = directory.join("new/settings.ini");
        let settings = Settings {
            width: 360,
            page: "memory".to_owned(),
            span: Duration::from_secs(600),
            pinned: vec!["disk/盘;%2F/read".to_owned(), "cpu/all/usage".to_owned()],
            thresholds: vec!["cpu/all/usage above 90".parse().unwrap()],
            ..Settings::default()
        };
        settings.save(&path).unwrap();
        assert_eq!(Settings::load(&path), (settings.clone(), None));
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("\n[later]\nversion=2\n");
        fs::write(&path, text).unwrap();
        settings.save(&path).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("version=2"));
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn no_file_has_the_defaults() {
        let path = directory("none").join("settings.ini");
        assert_eq!(Settings::load(&path), (Settings::default(), None));
    }

    #[test]
    fn a_damaged_file_is_kept_and_named() {
        let directory = directory("damaged");
        let path = directory.join("settings.ini");
        let check = |text: &str, cause: &str, width: i32| {
            fs::write(&path, text).unwrap();
            let (settings, damage) = Settings::load(&path);
            let damage = damage.unwrap();
            assert!(damage.cause.contains(cause), "{}", damage.cause);
            assert_eq!(fs::read_to_string(damage.kept.unwrap()).unwrap(), text);
            assert_eq!(settings.width, width);
        };
        check("no key file", "Key file", 1000);
        check("[window]\nwidth=500\nheight=high", "high", 500);
        check("[window]\nwidth=-1", "-1", 1000);
        check(
            "[sampling]\ninterval-ms=1",
            "interval-ms=1 is not between 250 and 60000",
            1000,
        );
        check(
            "[window]\nwidth=7\n[board]\nthresholds=cpu above;",
            "cpu above",
            7,
        );
        fs::remove_dir_all(directory).unwrap();
    }
}
