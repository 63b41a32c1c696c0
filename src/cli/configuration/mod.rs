//! The configuration of the service, read by a thread at its start and on SIGHUP.

mod background_read;

use std::{env, time::Duration};

use tracing::{error, info, warn};

use sampled::{
    config,
    duration::Timeout,
    service::{Handle, Settings},
};

use super::{
    activation::is_activated,
    common_options::{CommonOptions, with_custom_sources},
    error::Error,
};

use background_read::{BackgroundRead, ReadOutcome};

/// The timeout at the start: a caller may be waiting for the service.
const START_TIMEOUT: Duration = Duration::from_secs(1);

/// The time on SIGHUP after which a warning is logged.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(5);

/// The result of a read.
pub(crate) type Loaded = Result<Settings, config::Error>;

/// The configuration file, and the options that override it.
pub(crate) struct Configuration {
    common: CommonOptions,
    idle_timeout: Option<Timeout>,
    read: BackgroundRead<Loaded>,
}

impl Configuration {
    pub(crate) fn new(common: &CommonOptions, idle_timeout: Option<Timeout>) -> Self {
        Self {
            common: common.clone(),
            idle_timeout,
            read: BackgroundRead::default(),
        }
    }

    /// Reads it for the first time. With an error in the user's own file, the service runs on the defaults and reports
    /// the error in the log and in `Sources`.
    ///
    /// # Errors
    /// When a person has given the file by `--config`, and reads the error.
    pub(crate) async fn first(&mut self) -> Result<Settings, Error> {
        // A caller may wait for the service, and a thread takes longer than the rest of this.
        if let Some(settings) = self.common.settings_without_file() {
            return Ok(self.overridden(settings));
        }
        let outcome = match self.begin(START_TIMEOUT) {
            true => self.read.next().await,
            false => ReadOutcome::Failed,
        };
        let error_text = match outcome {
            ReadOutcome::Read(Ok(settings)) => return Ok(self.overridden(settings)),
            ReadOutcome::Read(Err(error)) if self.is_given_by_a_person() => {
                return Err(error.into());
            }
            ReadOutcome::Read(Err(error)) => error.to_string(),
            ReadOutcome::TimedOut => format!("{}: {NOT_READ_YET}", self.common.configuration()),
            ReadOutcome::Outdated | ReadOutcome::Failed => {
                format!("{}: it was not read", self.common.configuration())
            }
        };
        let error_text = format!("{error_text}; running on the defaults");
        error!("{error_text}");
        let defaults = Settings {
            configuration_error: error_text,
            ..self.common.defaults()
        };
        Ok(self.overridden(with_custom_sources(defaults)))
    }

    /// Begins to read it again. False if that is not possible.
    pub(crate) fn read_again(&mut self, handle: &Handle) -> bool {
        let is_begun = self.begin(RELOAD_TIMEOUT);
        if !is_begun {
            handle.reloaded(&self.with_path("it was not read"));
        }
        is_begun
    }

    /// Waits for the running read.
    pub(crate) async fn next(&mut self) -> ReadOutcome<Loaded> {
        self.read.next().await
    }

    /// Applies what was read; after an error the old settings stay. Returns whether the read is over.
    pub(crate) fn settle(&mut self, handle: &Handle, outcome: ReadOutcome<Loaded>) -> bool {
        let error_text = match outcome {
            ReadOutcome::Outdated => return !self.read_again(handle),
            ReadOutcome::Read(Ok(settings)) => {
                handle.apply(self.overridden(settings));
                info!("the configuration is read again");
                handle.reloaded("");
                return true;
            }
            ReadOutcome::TimedOut => {
                let error_text = self.with_path(NOT_READ_YET);
                warn!("{error_text}");
                handle.reloaded(&error_text);
                return true;
            }
            ReadOutcome::Read(Err(error)) => format!("{error}{AS_BEFORE}"),
            ReadOutcome::Failed => self.with_path("it was not read"),
        };
        error!("{error_text}");
        handle.reloaded(&error_text);
        handle.report(error_text);
        true
    }

    /// An error about the file, with which the old settings stay.
    fn with_path(&self, what: &str) -> String {
        format!("{}: {what}{AS_BEFORE}", self.common.configuration())
    }

    fn begin(&mut self, timeout: Duration) -> bool {
        let common = self.common.clone();
        let begun = self.read.begin(timeout, move || common.settings());
        if let Err(error) = &begun {
            error!("no thread to read the configuration: {error}");
        }
        begun.is_ok()
    }

    fn is_given_by_a_person(&self) -> bool {
        // dbus-daemon does not report a failed start by systemd: the caller would wait for two minutes.
        let is_supervised = is_activated() || env::var_os("NOTIFY_SOCKET").is_some();
        self.common.config.is_some() && !is_supervised
    }

    /// These settings, overridden by the command line.
    fn overridden(&self, mut settings: Settings) -> Settings {
        if let Some(Timeout(timeout)) = self.idle_timeout {
            settings.idle_timeout = timeout;
        }
        settings
    }
}

const AS_BEFORE: &str = "; the configuration stays as it was";

const NOT_READ_YET: &str = "it is not read yet, for its file system does not answer";

/// Reads the configuration for a command other than the service.
///
/// # Errors
/// When it has an error, or its file system does not answer within this time.
pub(crate) async fn within(common: &CommonOptions, timeout: Duration) -> Result<Settings, Error> {
    if let Some(settings) = common.settings_without_file() {
        return Ok(settings);
    }
    let mut read = BackgroundRead::default();
    let begun = {
        let common = common.clone();
        read.begin(timeout, move || common.settings())
    };
    begun.map_err(|cause| Error::Kernel {
        what: "a thread to read the configuration",
        cause,
    })?;
    match read.next().await {
        ReadOutcome::Read(settings) => Ok(settings?),
        _ => Err(Error::Unread {
            path: common.configuration(),
            what: NOT_READ_YET,
        }),
    }
}
