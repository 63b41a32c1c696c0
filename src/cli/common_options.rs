//! What every command can be told, and the settings that follow from it.

use std::{fs, path::PathBuf};

use clap::Args;

use sampled::{
    config::{self, Config},
    custom,
    service::Settings,
    source::{self, Roots},
};

use super::{error::Error, log, output::format::Format};

/// What every command can be told.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Read the configuration from FILE [default: $XDG_CONFIG_HOME/sampled/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Read DIR as /proc
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) procfs: Option<PathBuf>,
    /// Read DIR as /sys
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) sysfs: Option<PathBuf>,
    /// Read DIR as the root of the file system
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) rootfs: Option<PathBuf>,
    /// Log what is at least this important
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "LEVEL",
        default_value = "warn"
    )]
    pub(crate) log_level: log::Level,
    #[command(flatten)]
    pub(crate) format: Format,
    /// Whether the service stays until it is stopped, where nobody says how long: a person has started it.
    #[arg(skip)]
    is_kept: bool,
}

impl Common {
    /// The same, of paths that mean the same in every directory.
    pub(crate) fn absolute(&self) -> Result<Self, Error> {
        Ok(Self {
            config: absolute(&self.config)?,
            procfs: absolute(&self.procfs)?,
            sysfs: absolute(&self.sysfs)?,
            rootfs: absolute(&self.rootfs)?,
            log_level: self.log_level,
            format: self.format,
            is_kept: self.is_kept,
        })
    }

    /// The configuration file, for a message.
    pub(crate) fn configuration(&self) -> String {
        let path = self.config.clone().or_else(config::user_file);
        path.map_or("config.toml".to_owned(), |path| path.display().to_string())
    }

    /// The same, for a service that is started to stay.
    pub(crate) fn kept(&self) -> Self {
        Self {
            is_kept: true,
            ..self.clone()
        }
    }

    /// The settings where there is no configuration.
    pub(crate) fn defaults(&self) -> Settings {
        let mut settings = Settings::default();
        if self.is_kept {
            settings.idle_timeout = None;
        }
        settings
    }

    /// What the configuration says: the file that was named must be there, the user's own may be.
    pub(crate) fn settings(&self) -> Result<Settings, config::Error> {
        let mut config = match &self.config {
            Some(path) => Config::load(path)?,
            None => Config::of_user()?,
        };
        if !config.sets_idle_timeout {
            config.settings.idle_timeout = self.defaults().idle_timeout;
        }
        Ok(with_custom_sources(config.settings))
    }

    /// Whether somebody says where the kernel's files are.
    pub(crate) fn has_roots(&self) -> bool {
        self.procfs.is_some() || self.sysfs.is_some() || self.rootfs.is_some()
    }

    pub(crate) fn roots(&self) -> Roots {
        let usual = Roots::default();
        Roots {
            proc: self.procfs.clone().unwrap_or(usual.proc),
            sys: self.sysfs.clone().unwrap_or(usual.sys),
            root: self.rootfs.clone().unwrap_or(usual.root),
        }
    }

    /// The same, for a command that reads them itself.
    ///
    /// # Errors
    /// When what is to be /proc is not there: all that it does not have would be passed over in silence.
    pub(crate) fn own_roots(&self) -> Result<Roots, source::Error> {
        let roots = self.roots();
        match fs::read_dir(&roots.proc) {
            Err(cause) if self.procfs.is_some() => Err(source::Error::Io {
                path: roots.proc,
                cause,
            }),
            _ => Ok(roots),
        }
    }
}

/// The program that becomes the subreaper of each run of a custom command: this one.
const SUBREAPER: &str = "/proc/self/exe";

/// These settings, with the custom metrics of the user.
pub(crate) fn with_custom_sources(mut settings: Settings) -> Settings {
    settings.sources.custom = config::user_sources().map(custom_sources);
    settings
}

/// The options for the custom metrics of a directory.
pub(crate) fn custom_sources(directory: PathBuf) -> custom::DirectoryOptions {
    let subreaper = SUBREAPER.into();
    custom::DirectoryOptions {
        directory,
        subreaper,
    }
}

/// The same path from every directory.
pub(crate) fn absolute(path: &Option<PathBuf>) -> Result<Option<PathBuf>, Error> {
    let absolute = path.as_ref().map(std::path::absolute).transpose();
    absolute.map_err(|cause| Error::Kernel {
        what: "working directory",
        cause,
    })
}
