//! The process that owns the service's name on the bus.

use std::time::Duration;

use tokio::time::timeout;

use sampled::{
    client::{
        self, Bus, Client, Owner, Reloaded, Unresponsive, transport::addresses::is_session_given,
    },
    daemon::Stop,
    duration::Timeout,
};

use super::held_process::{HeldProcess, VerifiedProcess};
use crate::cli::{
    deadline::Deadline,
    error::{Error, ForeignOwner, ForeignReason},
    runtime::block_on,
};

/// The timeout of the call `Quit`; at most a quarter of the time left.
const QUIT: Duration = Duration::from_secs(1);

/// The owner of the name.
pub(crate) struct NameOwner {
    owner: Owner,
    /// `None` if its pid is unknown here.
    process: Option<HeldProcess>,
}

/// The way in which an owner has given up the name.
pub(crate) enum Leave {
    /// Its process has ended.
    Ended(Stop),
    /// It got no signal, because it is another program or its pid is unknown, and has released the name when it was
    /// asked.
    GivenUp,
}

impl NameOwner {
    /// The effect on an owner that is another program.
    pub(crate) const NOT_RELOADED: &str = "it was not told to reload";

    /// The owner of the name, if there is a bus and the name has an owner.
    pub(crate) fn find(deadline: Deadline) -> Result<Option<Self>, Error> {
        let Some(owner) = owner(deadline)? else {
            return Ok(None);
        };
        let Some(pid) = owner.pid else {
            let process = None;
            return Ok(Some(Self { owner, process }));
        };
        let process = HeldProcess::open(pid)?;
        // If it still owns the name, it was alive all the time, and everything above was read from that process.
        let is_still = self::owner(deadline)?.as_ref() == Some(&owner);
        let found = process.map(|process| Self {
            owner,
            process: Some(process),
        });
        Ok(found.filter(|_| is_still))
    }

    /// Its pid, if that is known.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.owner.pid
    }

    /// Its process, if its pid is known.
    pub(crate) fn process(&self) -> Option<&HeldProcess> {
        self.process.as_ref()
    }

    /// Whether its process has ended, if that is known.
    pub(crate) fn has_ended(&self) -> bool {
        let process = self.process.as_ref();
        process.is_some_and(HeldProcess::has_ended)
    }

    /// The owner, if it is safe to send it signals.
    pub(crate) fn verified(&self) -> Result<VerifiedProcess<'_>, ForeignOwner> {
        match &self.process {
            Some(process) => process.verified(),
            None => Err(ForeignOwner {
                pid: None,
                why: ForeignReason::Elsewhere,
            }),
        }
    }

    /// Has the owner read its configuration again, and returns what it has read. `None` if it has no method for that.
    ///
    /// # Errors
    /// If it is another program, or does not answer.
    pub(crate) fn reload(&self, deadline: Deadline) -> Result<Option<Reloaded>, Error> {
        if let Some(process) = &self.process
            && let Err(owner) = process.verified()
        {
            let effect = Self::NOT_RELOADED;
            return Err(Error::ForeignOwner { owner, effect });
        }
        block_on(async {
            let client = Client::of(deadline.session().await?, &self.owner.name).await?;
            match client.reload().await {
                Err(client::Error::UnknownMethod(_)) => Ok(None),
                reloaded => Ok(Some(reloaded?)),
            }
        })
    }

    /// Ends the owner: calls `Quit`, then sends SIGTERM if it is sampled, and SIGKILL at the deadline.
    pub(crate) fn leave(&self, deadline: Deadline) -> Result<Leave, Error> {
        let is_leaving = self.quit(deadline)?;
        let half = deadline.left().div_f64(2.0);
        match self.verified() {
            Ok(verified) => {
                if is_leaving {
                    // SIGTERM would make it answer long calls with `Stopping`.
                    let _ends = verified.is_gone_within(half);
                }
                // It has at least a second before it is killed, even if the time is used up.
                let left = deadline.left().max(Duration::from_secs(1));
                Ok(Leave::Ended(verified.end(left)?))
            }
            Err(_) if is_leaving && self.has_given_up(half)? => Ok(Leave::GivenUp),
            Err(foreign) => Err(Error::ForeignOwner {
                owner: foreign,
                effect: "it was not stopped",
            }),
        }
    }

    /// Calls `Quit`. False if it does not answer, refuses, or has no such method.
    fn quit(&self, deadline: Deadline) -> Result<bool, Error> {
        let time = QUIT.min(deadline.left().div_f64(4.0));
        let asked = async {
            let bus = Bus::within(None, time).await?;
            // The call goes to this process and not to a successor.
            Client::of(bus, &self.owner.name).await?.quit().await
        };
        block_on(async { Ok(matches!(timeout(time, asked).await, Ok(Ok(())))) })
    }

    /// Whether it releases the name in this time.
    fn has_given_up(&self, time: Duration) -> Result<bool, Error> {
        let given_up = async {
            let bus = Bus::within(None, time).await?;
            timeout(time, bus.until_unowned()).await.ok();
            let owner = bus.owner().await?;
            Ok::<_, client::Error>(owner.is_none_or(|owner| owner.name != self.owner.name))
        };
        block_on(async { Ok(given_up.await.unwrap_or(false)) })
    }
}

/// The owner as a foreign one, if it is known to be another program.
pub(crate) fn another_program(owner: &Owner) -> Option<ForeignOwner> {
    let foreign = HeldProcess::open(owner.pid?).ok()??.verified().err()?;
    matches!(foreign.why, ForeignReason::Program(_)).then_some(foreign)
}

/// The owner of the name, if there is a bus and an owner.
///
/// # Errors
/// When the bus does not answer, or there is none at the address that the environment gives.
pub(crate) fn owner(deadline: Deadline) -> Result<Option<Owner>, Error> {
    block_on(async {
        match deadline.session().await {
            Ok(bus) => Ok(bus.owner().await?),
            Err(client::Error::NoBus(_)) if !is_session_given() => Ok(None),
            Err(error) => Err(error.into()),
        }
    })
}

/// The idle timeout of a process, if it owns the name and has the property.
///
/// # Errors
/// When it does not answer.
pub(crate) fn idle_timeout(pid: Option<u32>, deadline: Deadline) -> Result<Option<Timeout>, Error> {
    let no_answer = || client::Error::NoAnswer {
        from: Unresponsive::Service(pid),
        after: deadline.timeout(),
    };
    let asked = async {
        let Ok(bus) = deadline.session().await else {
            return Ok(None);
        };
        let Ok(Some(owner)) = bus.owner().await else {
            return Ok(None);
        };
        if owner.pid != pid {
            return Ok(None);
        }
        let client = Client::of(bus, &owner.name).await?;
        // It has at least a second, even if the time is used up.
        let left = deadline.left().max(Duration::from_secs(1));
        let time = timeout(left, client.proxy().idle_timeout()).await;
        Ok(match time.map_err(|_| no_answer())? {
            Ok(u64::MAX) => Some(Timeout(None)),
            Ok(time) => Some(Timeout(Some(Duration::from_micros(time)))),
            // A service of another version may lack the property.
            Err(_) => None,
        })
    };
    block_on(asked)
}
