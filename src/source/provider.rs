//! Providers: the entries of a list of sources. Each is a source or a family that finds sources.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::{About, Source, deferred::Deferred, definitions::Definitions, error::Error};
use crate::{metric::Metric, reading::Raw};

/// A family has no metrics. It finds members that have: one for each device (a sensor chip, a battery).
pub trait Family: Send {
    /// Its name, and the ids that its members may have.
    fn about(&self) -> About<'_>;

    /// The members that are new since the last call. The [presence](Presence) of a member whose device has gone ends
    /// with this call. When the device comes back, it is a new member.
    ///
    /// # Errors
    /// When the directory of the family cannot be read. A directory that does not exist has no members.
    fn members(&mut self) -> Result<Vec<NewMember>, Error>;

    /// Whether it has noticed that the members may have changed. This is cheap.
    fn changed(&self) -> bool {
        false
    }

    /// The same family, if its probes may block.
    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        None
    }

    /// The same family, if the user defines its members.
    fn definitions(&self) -> Option<&dyn Definitions> {
        None
    }
}

/// A source, or a family of them.
pub enum Provider {
    /// A source.
    Source(Box<dyn Source>),
    /// A family.
    Family(Box<dyn Family>),
}

/// A member that a family has found.
pub struct NewMember {
    /// The source, or a family in turn.
    pub provider: Provider,
    /// Whether the device is still there.
    pub presence: Presence,
}

/// The presence of the device of a member, as its family knows it.
#[derive(Clone, Debug)]
pub struct Presence(Weak<()>);

impl Presence {
    /// The device is present as long as this lives.
    pub(super) fn of(device: &Arc<()>) -> Self {
        Self(Arc::downgrade(device))
    }

    /// Whether the device has gone, so that the member is useless.
    pub fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl Provider {
    /// A source.
    pub fn source(source: impl Source + 'static) -> Self {
        Self::Source(Box::new(source))
    }

    /// A family.
    pub fn family(family: impl Family + 'static) -> Self {
        Self::Family(Box::new(family))
    }

    /// See [`Source::about`] and [`Family::about`].
    pub fn about(&self) -> About<'_> {
        match self {
            Self::Source(source) => source.about(),
            Self::Family(family) => family.about(),
        }
    }

    /// See [`Source::prepare_discovery`]; a family needs no steps.
    pub fn prepare_discovery(&mut self, since: Duration) -> bool {
        match self {
            Self::Source(source) => source.prepare_discovery(since),
            Self::Family(_) => false,
        }
    }

    /// The metrics of a source; a family has none.
    ///
    /// # Errors
    /// See [`Source::discover`].
    pub fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        match self {
            Self::Source(source) => source.discover(),
            Self::Family(_) => Ok(Vec::new()),
        }
    }

    /// The new members of a family; a source has none.
    ///
    /// # Errors
    /// See [`Family::members`].
    pub fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        match self {
            Self::Source(_) => Ok(Vec::new()),
            Self::Family(family) => family.members(),
        }
    }

    /// Reads the columns of a source; a family has none.
    ///
    /// # Errors
    /// See [`Source::read`].
    pub fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        match self {
            Self::Source(source) => source.read(columns),
            Self::Family(_) => Ok(()),
        }
    }

    /// See [`Source::changed`] and [`Family::changed`].
    pub fn changed(&self) -> bool {
        match self {
            Self::Source(source) => source.changed(),
            Self::Family(family) => family.changed(),
        }
    }

    /// See [`Source::may_have`].
    pub fn may_have(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Source(source) => source.may_have(is_meant),
            Self::Family(family) => family.about().may_have(is_meant),
        }
    }

    /// See [`Source::deferred`] and [`Family::deferred`].
    pub fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        match self {
            Self::Source(source) => source.deferred(),
            Self::Family(family) => family.deferred(),
        }
    }

    /// See [`Family::definitions`].
    pub fn definitions(&self) -> Option<&dyn Definitions> {
        match self {
            Self::Source(_) => None,
            Self::Family(family) => family.definitions(),
        }
    }
}
