//! The backend that readings come from: the service, or this process if there is no session bus.

use std::{
    collections::BTreeMap,
    future::pending,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use sampled::{
    Local,
    client::{
        self, Bus, Client, Metadata, SampleOptions, Sandbox, Session, SourceInfo, Start,
        StreamOptions, Unresponsive, transport::addresses::is_session_given,
    },
    local,
    service::Settings,
};

use super::streamed::Streamed;
use crate::cli::{
    common_options::CommonOptions,
    configuration,
    deadline::TimeoutOption,
    error::Error,
    output::{format::note, frame::Frame},
};

/// The timeout for reading the configuration.
const CONFIGURATION_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeout for ending a session. The session ends with the connection anyway.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// The shortest interval of a session with signals.
const SHORTEST_OF_SIGNALS: Duration = Duration::from_millis(50);

/// The backend that readings come from.
pub(crate) enum Backend {
    Service(Client),
    InProcess(Local),
}

/// The frames of a session.
pub(crate) enum Frames {
    Service(Box<Session>),
    /// With an interval for which the service has no signals.
    Stream(Box<Streamed>),
    InProcess(Box<local::Session>),
}

/// The session bus, if the service is to be called; `None` if this process reads in-process, which it reports unless
/// an option has asked for it.
///
/// # Errors
/// When a bus is given that cannot be reached: it may be that of another machine. In a sandbox, also when there is none:
/// /proc and /sys there do not show the whole machine.
pub(crate) async fn bus(
    common: &CommonOptions,
    timeout: TimeoutOption,
) -> Result<Option<Bus>, Error> {
    if common.local || common.has_roots() {
        return Ok(None);
    }
    match timeout.session().await {
        Ok(bus) => Ok(Some(bus)),
        Err(
            error @ (client::Error::NoBus(_)
            | client::Error::NoAnswer {
                from: Unresponsive::Bus(_),
                ..
            }),
        ) => {
            if let Some(sandbox) = Sandbox::current() {
                return Err(Error::Sandboxed { error, sandbox });
            }
            if is_session_given() {
                return Err(Error::Unreachable(error));
            }
            note(format_args!("{error}; reading in-process"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The service in this process, with the user's configuration.
///
/// # Errors
/// When the configuration has an error.
pub(crate) async fn configured(common: &CommonOptions) -> Result<Local, Error> {
    let settings = configuration::within(common, CONFIGURATION_TIMEOUT).await?;
    local(common, settings)
}

/// The service in this process, with these settings.
pub(crate) fn local(common: &CommonOptions, settings: Settings) -> Result<Local, Error> {
    Ok(Local::new(&common.checked_roots()?, settings))
}

impl Backend {
    /// Opens the service if there is a session bus. `--local` selects this process, and so do `--procfs`, `--sysfs` and
    /// `--rootfs`, of which the service has its own.
    pub(crate) async fn open(
        common: &CommonOptions,
        timeout: TimeoutOption,
    ) -> Result<Self, Error> {
        match bus(common, timeout).await? {
            Some(bus) => Ok(Self::Service(Client::on(bus).await?)),
            None => Ok(Self::InProcess(configured(common).await?)),
        }
    }

    pub(crate) async fn list(
        &self,
        selectors: &[&str],
    ) -> Result<BTreeMap<String, Metadata>, client::Error> {
        match self {
            Self::Service(client) => client.list(selectors).await,
            Self::InProcess(local) => local.list(selectors).await,
        }
    }

    pub(crate) async fn sample(
        &self,
        selectors: &[&str],
        options: SampleOptions,
    ) -> Result<Frame, client::Error> {
        let sample = match self {
            Self::Service(client) => client.sample(selectors, options).await,
            Self::InProcess(local) => local.sample(selectors, options).await,
        };
        sample.map(Frame::from)
    }

    /// Completes once no frame of this interval has come since `heard`, and the service does not answer either. Returns a
    /// message. Without a service, it never does.
    pub(crate) async fn until_unanswered(&self, heard: Instant, interval: Duration) -> String {
        let Self::Service(client) = self else {
            return pending().await;
        };
        let from = client.bus().until_unanswered(heard, interval).await;
        let seconds = heard.elapsed().as_secs();
        let culprit = match from {
            Unresponsive::Bus(_) => "bus",
            _ => "service",
        };
        format!("no reading for {seconds}s: the {culprit} does not answer")
    }

    /// The sources, by name.
    pub(crate) async fn sources(&self) -> Result<BTreeMap<String, SourceInfo>, client::Error> {
        match self {
            Self::Service(client) => client.sources().await,
            Self::InProcess(local) => Ok(local.sources().await),
        }
    }

    /// Begins a session. Its first frames are those of the past span `history`; this process has none.
    pub(crate) async fn start(
        &self,
        selectors: &[&str],
        start: Start,
    ) -> Result<Frames, client::Error> {
        let is_stream = start.interval < SHORTEST_OF_SIGNALS;
        let stream = || StreamOptions {
            label: start.label.clone(),
            optional: start.optional,
            ..StreamOptions::every(start.interval)
        };
        match self {
            Self::Service(client) if is_stream => {
                let stream = Streamed::open(client, selectors, stream()).await?;
                Ok(Frames::Stream(Box::new(stream)))
            }
            Self::Service(client) => {
                let session = client.start(selectors, start).await?;
                Ok(Frames::Service(Box::new(session)))
            }
            Self::InProcess(local) => {
                if !start.history.is_zero() {
                    note("there is no history: only the service keeps one");
                }
                let session = match is_stream {
                    true => local.open(selectors, stream()).await?,
                    false => local.start(selectors, start).await?,
                };
                Ok(Frames::InProcess(Box::new(session)))
            }
        }
    }
}

impl Frames {
    /// The next frame. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Frame, client::Error> {
        let frame = match self {
            Self::Service(session) => session.next().await?,
            Self::Stream(stream) => return stream.next().await,
            Self::InProcess(session) => session.next().await?,
        };
        Ok(Frame::from(&frame))
    }

    /// Ends the session. It is no error if it is over already.
    pub(crate) async fn stop(self) {
        match self {
            Self::Service(session) => drop(timeout(STOP_TIMEOUT, session.stop()).await),
            Self::Stream(stream) => drop(timeout(STOP_TIMEOUT, stream.stop()).await),
            Self::InProcess(_) => {}
        }
    }
}
