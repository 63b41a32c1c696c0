//! Families: sources whose members are found in a directory, and only when one of them is asked for.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use super::{
    About, Source,
    error::Error,
    provider::{Family, NewMember, Presence, Provider},
};

/// A family of devices that `find` looks for, which returns the members that it had not found before.
pub(crate) fn of_devices(
    about: About<'static>,
    find: impl FnMut() -> Result<Vec<NewMember>, Error> + Send + 'static,
) -> Provider {
    Provider::family(Devices { about, find })
}

struct Devices<F> {
    about: About<'static>,
    find: F,
}

impl<F: FnMut() -> Result<Vec<NewMember>, Error> + Send> Family for Devices<F> {
    fn about(&self) -> About<'_> {
        self.about
    }

    fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        (self.find)()
    }
}

/// The members of a family, by names that are the same whenever a device is found.
pub(crate) struct Members<K = String>(HashMap<K, Arc<()>>);

impl<K> Default for Members<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash> Members<K> {
    /// Begins to look for all that there are.
    pub(crate) fn probe(&mut self) -> Probe<'_, K> {
        Probe {
            members: &mut self.0,
            found: HashMap::new(),
            new: Vec::new(),
        }
    }
}

/// What is found of a family at one time. Where that cannot be ended, all stays as it was.
pub(crate) struct Probe<'a, K> {
    members: &'a mut HashMap<K, Arc<()>>,
    found: HashMap<K, Arc<()>>,
    new: Vec<NewMember>,
}

impl<K: Clone + Eq + Hash> Probe<'_, K> {
    /// There is a source of this name, which is made if there was none.
    pub(crate) fn find(&mut self, name: &K, make: impl FnOnce() -> Box<dyn Source>) {
        self.find_member(name, || Provider::Source(make()));
    }

    /// There is a member of this name, which is made if there was none.
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

    /// The members that are new. The others that were not found are forgotten.
    pub(crate) fn finish(self) -> Vec<NewMember> {
        *self.members = self.found;
        self.new
    }

    /// The members that are new. The others that were not found stay, because there can be but so many.
    pub(crate) fn finish_keeping_all(self) -> Vec<NewMember> {
        self.members.extend(self.found);
        self.new
    }
}
