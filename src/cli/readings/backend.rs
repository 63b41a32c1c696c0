//! Where the readings come from: the service, or this process where there is no session bus.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::timeout;

use sampled::{
    Local,
    client::{
        self, Bus, Client, Metadata, SampleOptions, Sandbox, Session, SourceInfo, Start,
        Unresponsive,
    },
    local,
    service::Settings,
};

use crate::cli::{
    common::Common,
    configuration,
    deadline::Patience,
    error::Error,
    output::{format::note, frame::Frame},
};

/// How long the configuration may take to be read.
const CONFIGURATION: Duration = Duration::from_secs(5);

/// How long a session may take to end, where its end with the connection would do.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the readings come from.
pub(crate) enum Origin {
    Service(Client),
    Local(Local),
}

/// Frames that come by themselves.
pub(crate) enum Frames {
    Service(Box<Session>),
    Local(Box<local::Session>),
}

/// The session bus, if the service is to be asked on it; otherwise this process reads what is wanted, and
/// has said so where nobody has asked for that. In a sandbox it would read another machine than the person means.
pub(crate) async fn bus(common: &Common, patience: Patience) -> Result<Option<Bus>, Error> {
    if common.has_roots() {
        return Ok(None);
    }
    match patience.session().await {
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
            note(format_args!("{error}; reading in-process"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Readings that this process takes itself, with these settings.
pub(crate) fn local(common: &Common, settings: &Settings) -> Result<Local, Error> {
    let local = Local::new(&common.own_roots()?, &settings.sources);
    local.switch_off(&settings.sources_off);
    Ok(local)
}

impl Origin {
    /// The service, wherever a session bus can be reached. Who says where the kernel's files are
    /// means this process: the service has been told so itself.
    pub(crate) async fn open(common: &Common, patience: Patience) -> Result<Self, Error> {
        match bus(common, patience).await? {
            Some(bus) => Ok(Self::Service(Client::on(bus).await?)),
            None => {
                let settings = configuration::within(common, CONFIGURATION).await?;
                Ok(Self::Local(local(common, &settings)?))
            }
        }
    }

    pub(crate) async fn list(
        &self,
        selectors: &[&str],
    ) -> Result<BTreeMap<String, Metadata>, client::Error> {
        match self {
            Self::Service(client) => client.list(selectors).await,
            Self::Local(local) => local.list(selectors).await,
        }
    }

    pub(crate) async fn sample(
        &self,
        selectors: &[&str],
        options: SampleOptions,
    ) -> Result<Frame, client::Error> {
        let sample = match self {
            Self::Service(client) => client.sample(selectors, options).await,
            Self::Local(local) => local.sample(selectors, options).await,
        };
        sample.map(Frame::from)
    }

    /// What is known of each source, by name.
    pub(crate) async fn sources(&self) -> Result<BTreeMap<String, SourceInfo>, client::Error> {
        match self {
            Self::Service(client) => client.sources().await,
            Self::Local(local) => Ok(local.sources().await),
        }
    }

    /// Begins a session.
    pub(crate) async fn start(
        &self,
        selectors: &[&str],
        interval: Duration,
    ) -> Result<Frames, client::Error> {
        match self {
            Self::Service(client) => {
                let start = Start {
                    label: "sampled watch".to_owned(),
                    ..Start::every(interval)
                };
                let session = client.start(selectors, start).await?;
                Ok(Frames::Service(Box::new(session)))
            }
            Self::Local(local) => {
                let session = local.start(selectors, interval).await?;
                Ok(Frames::Local(Box::new(session)))
            }
        }
    }
}

impl Frames {
    /// The next frame. It can be dropped while it waits, and nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Frame, client::Error> {
        let frame = match self {
            Self::Service(session) => session.next().await?,
            Self::Local(session) => session.next().await,
        };
        Ok(Frame::from(&frame))
    }

    /// Ends the session. One that is over is as good as ended.
    pub(crate) async fn stop(self) {
        if let Self::Service(session) = self {
            timeout(PATIENCE, session.stop()).await.ok();
        }
    }
}
