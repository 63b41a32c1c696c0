//! Families: sources whose members are found in a directory, and only when one of them is asked for.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Weak},
};

use crate::{
    metric::Metric,
    reading::Raw,
    source::{Error, Source},
};

/// A source for a device of a family that has turned up.
pub struct NewMember {
    /// The source.
    pub source: Box<dyn Source>,
    /// Whether the device is still there.
    pub life: Life,
}

/// Whether the device of a member is still there, which its family knows.
#[derive(Clone, Debug)]
pub struct Life(Weak<()>);

impl Life {
    /// Whether the device has gone: the member is of no use any more.
    pub fn is_over(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// A source that has members and no metrics of its own.
pub(crate) struct Family {
    name: &'static str,
    scope: &'static [&'static str],
    subsystems: &'static [&'static str],
    find: Box<Find>,
}

type Find = dyn FnMut() -> Result<Vec<NewMember>, Error> + Send;

impl Family {
    /// A family that `find` looks for, which returns the members that it had not found before.
    pub(crate) fn boxed(
        name: &'static str,
        scope: &'static [&'static str],
        subsystems: &'static [&'static str],
        find: impl FnMut() -> Result<Vec<NewMember>, Error> + Send + 'static,
    ) -> Box<dyn Source> {
        Box::new(Self {
            name,
            scope,
            subsystems,
            find: Box::new(find),
        })
    }
}

impl Source for Family {
    fn name(&self) -> &'static str {
        self.name
    }

    fn scope(&self) -> &'static [&'static str] {
        self.scope
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        Ok(Vec::new())
    }

    fn read(&mut self, _: &mut Vec<Raw>) -> Result<(), Error> {
        Ok(())
    }

    fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        (self.find)()
    }

    fn subsystems(&self) -> &'static [&'static str] {
        self.subsystems
    }
}

/// The members of a family, by names that are the same whenever a device is found.
pub(crate) struct Known<K = String>(HashMap<K, Arc<()>>);

impl<K> Default for Known<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash> Known<K> {
    /// Begins to look for all that there are.
    pub(crate) fn look(&mut self) -> Look<'_, K> {
        Look {
            known: &mut self.0,
            found: HashMap::new(),
            new: Vec::new(),
        }
    }
}

/// What is found of a family at one time. Where that cannot be ended, all stays as it was.
pub(crate) struct Look<'a, K> {
    known: &'a mut HashMap<K, Arc<()>>,
    found: HashMap<K, Arc<()>>,
    new: Vec<NewMember>,
}

impl<K: Clone + Eq + Hash> Look<'_, K> {
    /// There is a member of this name, which is made if there was none.
    pub(crate) fn find(&mut self, name: &K, make: impl FnOnce() -> Box<dyn Source>) {
        if self.found.contains_key(name) {
            return;
        }
        let life = self.known.get(name).cloned().unwrap_or_else(|| {
            let life = Arc::new(());
            self.new.push(NewMember {
                source: make(),
                life: Life(Arc::downgrade(&life)),
            });
            life
        });
        self.found.insert(name.clone(), life);
    }

    /// The members that are new. The others that were not found are forgotten.
    pub(crate) fn end(self) -> Vec<NewMember> {
        *self.known = self.found;
        self.new
    }

    /// The members that are new. The others that were not found stay, because there can be but so many.
    pub(crate) fn end_and_keep_all(self) -> Vec<NewMember> {
        self.known.extend(self.found);
        self.new
    }
}
