//! Families whose members are found in a directory. The directory is read only when a member is asked for.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use super::{
    About, Source,
    device::Losses,
    error::Error,
    provider::{Family, NewMember, Presence, Provider},
};

/// A family of devices. `find` probes for them and returns the new members. `losses` are those that reading the devices
/// has shown.
pub(crate) fn of_devices(
    about: About<'static>,
    losses: Losses,
    find: impl FnMut() -> Result<Vec<NewMember>, Error> + Send + 'static,
) -> Provider {
    Provider::family(Devices {
        about,
        losses,
        find,
    })
}

struct Devices<F> {
    about: About<'static>,
    losses: Losses,
    find: F,
}

impl<F: FnMut() -> Result<Vec<NewMember>, Error> + Send> Family for Devices<F> {
    fn about(&self) -> About<'_> {
        self.about
    }

    fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        self.losses.forget();
        (self.find)()
    }

    fn changed(&self) -> bool {
        self.losses.is_any()
    }
}

/// The members of a family, by name. A device has the same name in each probe. A name that another device may have
/// later includes the [registration](super::device::Registration).
pub(crate) struct Members<K = String>(HashMap<K, Arc<()>>);

impl<K> Default for Members<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash> Members<K> {
    /// Begins a probe for all members.
    pub(crate) fn probe(&mut self) -> Probe<'_, K> {
        Probe {
            members: &mut self.0,
            found: HashMap::new(),
            new: Vec::new(),
        }
    }
}

/// A probe for the members of a family. Dropping it unfinished, after an error, leaves the members as they were.
pub(crate) struct Probe<'a, K> {
    members: &'a mut HashMap<K, Arc<()>>,
    found: HashMap<K, Arc<()>>,
    new: Vec<NewMember>,
}

impl<K: Clone + Eq + Hash> Probe<'_, K> {
    /// Notes that the source of this name exists. If it is new, makes it.
    pub(crate) fn find(&mut self, name: &K, make: impl FnOnce() -> Box<dyn Source>) {
        self.find_member(name, || Provider::Source(make()));
    }

    /// Notes that the member of this name exists. If it is new, makes it.
    pub(crate) fn find_member(&mut self, name: &K, make: impl FnOnce() -> Provider) {
        if self.found.contains_key(name) {
            return;
        }
        let presence = self.members.get(name).cloned().unwrap_or_else(|| {
            let presence = Arc::new(());
            self.new.push(NewMember {
                provider: make(),
                presence: Presence::of(&presence),
            });
            presence
        });
        self.found.insert(name.clone(), presence);
    }

    /// The new members. Members that the probe did not find are forgotten.
    pub(crate) fn finish(self) -> Vec<NewMember> {
        *self.members = self.found;
        self.new
    }

    /// The new members. Members that the probe did not find stay, which is right only where their number is limited.
    pub(crate) fn finish_keeping_all(self) -> Vec<NewMember> {
        self.members.extend(self.found);
        self.new
    }
}
