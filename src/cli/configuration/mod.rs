//! The configuration of the service: read at its start and on SIGHUP, by a thread.

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
    common::{Common, with_custom_sources},
    error::Error,
};

use background_read::{BackgroundRead, Outcome};

/// How long the start waits for it: somebody may be waiting for an answer.
const AT_START: Duration = Duration::from_secs(1);

/// What takes longer on SIGHUP is told.
const ON_HANGUP: Duration = Duration::from_secs(5);

/// What comes of reading it.
pub(crate) type Loaded = Result<Settings, config::Error>;

/// The file, and what the command line says in its place.
pub(crate) struct Configuration {
    common: Common,
    idle_timeout: Option<Timeout>,
    read: BackgroundRead<Loaded>,
}

impl Configuration {
    pub(crate) fn new(common: &Common, idle_timeout: Option<Timeout>) -> Self {
        Self {
            common: common.clone(),
            idle_timeout,
            read: BackgroundRead::default(),
        }
    }

    /// Reads it for the first time. A mistake in the user's own file keeps nobody from being served: the defaults
    /// are in force then, and log and `Sources` say so.
    ///
    /// # Errors
    /// When the file was named by a person, who reads what is wrong with it.
    pub(crate) async fn first(&mut self) -> Result<Settings, Error> {
        let outcome = match self.begin(AT_START) {
            true => self.read.next().await,
            false => Outcome::Lost,
        };
        let mistake = match outcome {
            Outcome::Read(Ok(settings)) => return Ok(self.overridden(settings)),
            Outcome::Read(Err(error)) if self.is_named_by_a_person() => return Err(error.into()),
            Outcome::Read(Err(error)) => error.to_string(),
            Outcome::Late => format!("{}: {UNANSWERED}", self.common.configuration()),
            Outcome::Old | Outcome::Lost => {
                format!("{}: it was not read", self.common.configuration())
            }
        };
        let mistake = format!("{mistake}; running on the defaults");
        error!("{mistake}");
        let defaults = Settings {
            configuration_error: mistake,
            ..self.common.defaults()
        };
        Ok(self.overridden(with_custom_sources(defaults)))
    }

    /// Begins to read it again, and says whether it could.
    pub(crate) fn read_again(&mut self) -> bool {
        self.begin(ON_HANGUP)
    }

    /// Waits until there is something to say of the reading that is out.
    pub(crate) async fn next(&mut self) -> Outcome<Loaded> {
        self.read.next().await
    }

    /// Puts in force what was read. What is broken leaves everything as it is. Returns whether the reading is over.
    pub(crate) fn settle(&mut self, handle: &Handle, outcome: Outcome<Loaded>) -> bool {
        let mistake = match outcome {
            Outcome::Old => return !self.read_again(),
            Outcome::Read(Ok(settings)) => {
                handle.apply(self.overridden(settings));
                info!("the configuration is read again");
                return true;
            }
            Outcome::Late => {
                warn!(
                    "{}: {UNANSWERED}; the configuration stays as it was",
                    self.common.configuration()
                );
                return true;
            }
            Outcome::Read(Err(error)) => error.to_string(),
            Outcome::Lost => format!("{}: it was not read", self.common.configuration()),
        };
        let mistake = format!("{mistake}; the configuration stays as it was");
        error!("{mistake}");
        handle.report(mistake);
        true
    }

    fn begin(&mut self, patience: Duration) -> bool {
        let common = self.common.clone();
        let begun = self.read.begin(patience, move || common.settings());
        if let Err(error) = &begun {
            error!("no thread to read the configuration: {error}");
        }
        begun.is_ok()
    }

    fn is_named_by_a_person(&self) -> bool {
        // dbus-daemon does not report a failed start by systemd: the caller would wait for two minutes.
        let is_supervised = is_activated() || env::var_os("NOTIFY_SOCKET").is_some();
        self.common.config.is_some() && !is_supervised
    }

    /// These settings, but for what the command line says.
    fn overridden(&self, mut settings: Settings) -> Settings {
        if let Some(Timeout(timeout)) = self.idle_timeout {
            settings.idle_timeout = timeout;
        }
        settings
    }
}

const UNANSWERED: &str = "it is not read yet, for its file system does not answer";

/// The configuration, for a command that is no service.
///
/// # Errors
/// When there is a mistake in it, or its file system does not answer within this time.
pub(crate) async fn within(common: &Common, patience: Duration) -> Result<Settings, Error> {
    let mut read = BackgroundRead::default();
    let begun = {
        let common = common.clone();
        read.begin(patience, move || common.settings())
    };
    begun.map_err(|cause| Error::Kernel {
        what: "a thread to read the configuration",
        cause,
    })?;
    match read.next().await {
        Outcome::Read(settings) => Ok(settings?),
        _ => Err(Error::Unread {
            path: common.configuration(),
            what: UNANSWERED,
        }),
    }
}
