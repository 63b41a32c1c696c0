//! The options of all commands, and the settings that follow from them.

use std::{fs, path::PathBuf};

use clap::Args;

use sampled::{
    config::{self, Config},
    custom,
    service::{ConfigurationFile, Settings},
    source::{self, Roots},
};

use super::{error::Error, log, output::format::Format};

/// The options of all commands.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct CommonOptions {
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
    /// Read the files of this machine in this process, also where there is a service: list, sample, watch, sources, ps
    #[arg(long, global = true)]
    pub(crate) local: bool,
    /// Log messages of at least this level
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
    /// Whether the service stays until it is stopped when no idle timeout is set: a person has started it.
    #[arg(skip)]
    stays_when_idle: bool,
}

impl CommonOptions {
    /// The same options with absolute paths.
    pub(crate) fn absolute(&self) -> Result<Self, Error> {
        Ok(Self {
            config: absolute(&self.config)?,
            procfs: absolute(&self.procfs)?,
            sysfs: absolute(&self.sysfs)?,
            rootfs: absolute(&self.rootfs)?,
            local: self.local,
            log_level: self.log_level,
            format: self.format,
            stays_when_idle: self.stays_when_idle,
        })
    }

    /// The path of the configuration file, for messages.
    pub(crate) fn configuration(&self) -> String {
        let path = self.configuration_file();
        path.map_or("config.toml".to_owned(), |path| path.display().to_string())
    }

    /// The path of the configuration file.
    pub(crate) fn configuration_file(&self) -> Option<PathBuf> {
        self.config.clone().or_else(config::user_file)
    }

    /// The same options, for a service that stays until it is stopped.
    pub(crate) fn staying(&self) -> Self {
        Self {
            stays_when_idle: true,
            ..self.clone()
        }
    }

    /// The settings without a configuration file.
    pub(crate) fn defaults(&self) -> Settings {
        let is_found = false;
        let file = self.configuration_file();
        let mut settings = Settings {
            configuration: file.map(|path| ConfigurationFile { path, is_found }),
            ..Settings::default()
        };
        if self.stays_when_idle {
            settings.idle_timeout = None;
        }
        settings
    }

    /// Reads the configuration. A file given by `--config` must exist; the user's own file may be absent.
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

    /// The settings if there is no file to read, and the kernel knows that without asking a file system.
    pub(crate) fn settings_without_file(&self) -> Option<Settings> {
        let is_absent = self.config.is_none() && config::is_known_absent();
        is_absent.then(|| with_custom_sources(self.defaults()))
    }

    /// Whether an option gives another /proc, /sys or root directory.
    pub(crate) fn has_roots(&self) -> bool {
        self.procfs.is_some() || self.sysfs.is_some() || self.rootfs.is_some()
    }

    pub(crate) fn roots(&self) -> Roots {
        let default = Roots::default();
        Roots {
            proc: self.procfs.clone().unwrap_or(default.proc),
            sys: self.sysfs.clone().unwrap_or(default.sys),
            root: self.rootfs.clone().unwrap_or(default.root),
        }
    }

    /// The roots, for a command that reads them itself.
    ///
    /// # Errors
    /// When the directory of `--procfs` is missing: every source would find nothing and report no error.
    pub(crate) fn checked_roots(&self) -> Result<Roots, source::Error> {
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

/// The program that runs as the subreaper of the user's commands: this one.
pub(crate) const SUBREAPER: &str = "/proc/self/exe";

/// These settings, with the sources that the user defines.
pub(crate) fn with_custom_sources(mut settings: Settings) -> Settings {
    settings.sources.custom = config::user_sources().map(custom_sources);
    settings
}

/// The sources that a directory defines.
pub(crate) fn custom_sources(directory: PathBuf) -> custom::DirectoryOptions {
    let subreaper = SUBREAPER.into();
    custom::DirectoryOptions {
        directory,
        subreaper,
    }
}

/// The path, made absolute.
pub(crate) fn absolute(path: &Option<PathBuf>) -> Result<Option<PathBuf>, Error> {
    let absolute = path.as_ref().map(std::path::absolute).transpose();
    absolute.map_err(|cause| Error::Kernel {
        what: "working directory",
        cause,
    })
}
