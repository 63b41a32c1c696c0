//! `sampled serve`: the service in the foreground.

use std::process::ExitCode;

use clap::Args;
use tokio::{
    runtime, select,
    signal::unix::{SignalKind, signal},
};

use sampled::{duration::Timeout, service::Service};

use super::{Common, error::Error};

/// What `serve` and `start` can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Leave after DURATION without a client (30s, 5min, never)
    #[arg(long, value_name = "DURATION")]
    idle_timeout: Option<Timeout>,
}

pub(crate) fn run(common: &Common, options: Options) -> Result<ExitCode, Error> {
    let mut settings = common.settings()?;
    if let Some(Timeout(timeout)) = options.idle_timeout {
        settings.idle_timeout = timeout;
    }
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime");
    runtime.block_on(async {
        let service = Service::start(&common.roots(), settings).await?;
        let mut terminate = signal(SignalKind::terminate()).expect("signal");
        let mut interrupt = signal(SignalKind::interrupt()).expect("signal");
        let shutdown = async {
            select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        service.run(shutdown).await?;
        service.release().await;
        service.drain().await;
        Ok(ExitCode::SUCCESS)
    })
}
