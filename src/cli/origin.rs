//! Where the readings come from: the service, or this process where there is no session bus.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::timeout;

use sampled::client::{
    self, Bus, Client, Metadata, SampleOptions, Sandbox, Session, Silent, SourceInfo, Start,
};

use super::{Common, deadline::Patience, error::Error, frame::Frame, in_process};

/// How long a session may take to end, where its end with the connection would do.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the readings come from.
pub(crate) enum Origin {
    Service(Client),
    InProcess(in_process::InProcess),
}

/// Frames that come by themselves.
pub(crate) enum Frames {
    Service(Box<Session>),
    InProcess(Box<in_process::Watch>),
}

/// The session bus, if the service is to be asked on it; otherwise this process reads what is wanted, and
/// has said so where nobody has asked for that. In a sandbox it would read another machine than the person means.
pub(super) async fn bus(common: &Common, patience: Patience) -> Result<Option<Bus>, Error> {
    if common.has_roots() {
        return Ok(None);
    }
    match patience.session().await {
        Ok(bus) => Ok(Some(bus)),
        Err(
            error @ (client::Error::NoBus(_)
            | client::Error::NoAnswer {
                who: Silent::Bus(_),
                ..
            }),
        ) => {
            if let Some(sandbox) = Sandbox::current() {
                return Err(Error::Sandboxed { error, sandbox });
            }
            super::note(format_args!("{error}; reading in-process"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

impl Origin {
    /// The service, wherever a session bus can be reached. Who says where the kernel's files are
    /// means this process: the service has been told so itself.
    pub(crate) async fn open(common: &Common, patience: Patience) -> Result<Self, Error> {
        match bus(common, patience).await? {
            Some(bus) => Ok(Self::Service(Client::on(bus).await?)),
            None => Ok(Self::InProcess(in_process::InProcess::new(common).await?)),
        }
    }

    pub(crate) async fn list(
        &self,
        selectors: &[&str],
    ) -> Result<BTreeMap<String, Metadata>, Error> {
        match self {
            Self::Service(client) => Ok(client.list(selectors).await?),
            Self::InProcess(store) => store.list(selectors).await,
        }
    }

    pub(crate) async fn sample(
        &self,
        selectors: &[&str],
        options: SampleOptions,
    ) -> Result<Frame, Error> {
        match self {
            Self::Service(client) => Ok(client.sample(selectors, options).await?.into()),
            Self::InProcess(store) => store.sample(selectors, options).await,
        }
    }

    /// What is known of each source, by name.
    pub(crate) async fn sources(&self) -> Result<BTreeMap<String, SourceInfo>, Error> {
        match self {
            Self::Service(client) => Ok(client.sources().await?),
            Self::InProcess(store) => Ok(store.sources().await),
        }
    }

    /// Begins a session.
    pub(crate) async fn start(
        &self,
        selectors: &[&str],
        interval: Duration,
    ) -> Result<Frames, Error> {
        match self {
            Self::Service(client) => {
                let start = Start {
                    label: "sampled watch".to_owned(),
                    ..Start::every(interval)
                };
                let session = client.start(selectors, start).await?;
                Ok(Frames::Service(Box::new(session)))
            }
            Self::InProcess(store) => {
                let watch = store.watch(selectors, interval).await?;
                Ok(Frames::InProcess(Box::new(watch)))
            }
        }
    }
}

impl Frames {
    /// The next frame. It can be dropped while it waits, and nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Frame, client::Error> {
        match self {
            Self::Service(session) => session.next().await.map(|frame| Frame::from(&frame)),
            Self::InProcess(watch) => Ok(watch.next().await),
        }
    }

    /// Ends the session. One that is over is as good as ended.
    pub(crate) async fn stop(self) {
        if let Self::Service(session) = self {
            timeout(PATIENCE, session.stop()).await.ok();
        }
    }
}
