//! What a list of sources is made of: sources, and families that find more of them.

use std::sync::{Arc, Weak};

use super::{About, Source, deferred::Deferred, definitions::Definitions, error::Error};
use crate::{metric::Metric, reading::Raw};

/// What has no metrics of its own, and finds others that have: a member for each device (a sensor chip, a battery).
pub trait Family: Send {
    /// What it is called, and what its members may offer.
    fn about(&self) -> About<'_>;

    /// The members that have turned up since this was asked last. The [presence](Presence) of those whose device has
    /// gone is over from then on; when the device comes back, it is found like any other.
    ///
    /// # Errors
    /// When the directory of the family cannot be read. If it is not there, there are no members.
    fn members(&mut self) -> Result<Vec<NewMember>, Error>;

    /// Whether it has seen that there may be other members. Costs nothing to ask.
    fn changed(&self) -> bool {
        false
    }

    /// The same family, if it is found out later than it is asked for.
    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        None
    }

    /// The same family, if it is the user who defines its members.
    fn definitions(&self) -> Option<&dyn Definitions> {
        None
    }
}

/// A source, or a family of them.
pub enum Provider {
    /// It has metrics.
    Source(Box<dyn Source>),
    /// It has members.
    Family(Box<dyn Family>),
}

/// What a family has found.
pub struct NewMember {
    /// Its source, or a family of its own.
    pub provider: Provider,
    /// Whether the device is still there.
    pub presence: Presence,
}

/// Whether the device of a member is still there, which its family knows.
#[derive(Clone, Debug)]
pub struct Presence(Weak<()>);

impl Presence {
    /// It lasts as long as this.
    pub(super) fn of(device: &Arc<()>) -> Self {
        Self(Arc::downgrade(device))
    }

    /// Whether the device has gone: the member is of no use any more.
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
