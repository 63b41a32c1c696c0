//! The file of the settings.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use gtk::glib::{self, KeyFile, KeyFileFlags};

use super::{
    LARGEST, Settings,
    damage::{self, Damage},
    regular_file,
};
use crate::excerpt::excerpt;

/// The file of the settings, as it was when it was read.
#[derive(Debug)]
pub struct SettingsFile {
    path: PathBuf,
    damage: Option<Damage>,
}

/// Why settings are not saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// What is in the file would be lost. It is left as it is.
    Lost {
        /// Why it cannot be read.
        cause: String,
    },
    /// The file cannot be written.
    Unwritable {
        /// Why.
        cause: String,
    },
}

impl SettingsFile {
    /// The path of the file of this user.
    pub fn user_path() -> PathBuf {
        glib::user_config_dir().join("sampled-monitor/settings.ini")
    }

    /// Reads a file. A file that does not exist has the defaults. What cannot be read has them too; the file is then copied, so
    /// that saving loses nothing. What is no regular file, or too large, is not copied.
    pub fn load(path: PathBuf) -> (Self, Settings) {
        let mut settings = Settings::default();
        let damage = match read(&path) {
            Ok(None) => None,
            Ok(Some(bytes)) => {
                let keys = KeyFile::new();
                let result = parse(&keys, &bytes).and_then(|()| settings.read(&keys));
                let error = result.err();
                error.map(|cause| (cause, damage::keep_aside(&path, &bytes)))
            }
            Err(error) => Some((error.to_string(), None)),
        };
        let damage = damage.map(|(cause, kept)| Damage {
            cause: excerpt(&cause),
            kept,
        });
        (Self { path, damage }, settings)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The damage that it had when it was read.
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Writes the file. Keys of other versions stay in it.
    ///
    /// # Errors
    /// If what is in the file would be lost; if the file or its directory cannot be written, or the file would be too large.
    pub fn save(&self, settings: &Settings) -> Result<(), Error> {
        let lost = |cause: &str| Error::Lost {
            cause: excerpt(cause),
        };
        let unwritable = |cause: &str| Error::Unwritable {
            cause: excerpt(cause),
        };
        let keys = KeyFile::new();
        // It may be another one than that which was read.
        match (read(&self.path), &self.damage) {
            (Ok(None), _) => {}
            (Err(error), _) => return Err(lost(&error.to_string())),
            (Ok(Some(_)), Some(Damage { cause, kept: None })) => return Err(lost(cause)),
            (Ok(Some(bytes)), damage) => {
                let kept = damage.as_ref().and_then(|damage| damage.kept.as_deref());
                if let Err(cause) = parse(&keys, &bytes)
                    && !kept.is_some_and(|kept| damage::has(kept, &bytes))
                {
                    return Err(lost(&cause));
                }
            }
        }
        settings.write(&keys);
        let text = keys.to_data();
        if text.len() as u64 > LARGEST {
            let cause = format!("they are larger than {LARGEST} bytes");
            return Err(unwritable(&cause));
        }
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory).map_err(|error| unwritable(&error.to_string()))?;
        }
        // GLib would replace a link.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        glib::file_set_contents(target, text.as_bytes())
            .map_err(|error| unwritable(error.message()))
    }
}

/// The bytes of the file, if there is one.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match regular_file::read(path, LARGEST) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(keys: &KeyFile, bytes: &[u8]) -> Result<(), String> {
    // GLib would keep other bytes in values and comments, and the bindings would take them for UTF-8.
    let text = str::from_utf8(bytes).map_err(|_| "it is not in UTF-8".to_owned())?;
    keys.load_from_data(text, KeyFileFlags::KEEP_COMMENTS)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
