//! Families: sources whose members are found in a directory, and only when one of them is asked for.

use std::collections::HashSet;

use crate::{
    reading::{Metric, Raw},
    source::{Error, Source},
};

/// A source that has members and no metrics of its own.
pub(super) struct Family {
    name: &'static str,
    scope: &'static [&'static str],
    subsystems: &'static [&'static str],
    find: Box<Find>,
}

type Find = dyn FnMut() -> Result<Vec<Box<dyn Source>>, Error> + Send;

impl Family {
    /// A family that `find` looks for, which returns the members that it had not found before.
    pub(super) fn boxed(
        name: &'static str,
        scope: &'static [&'static str],
        subsystems: &'static [&'static str],
        find: impl FnMut() -> Result<Vec<Box<dyn Source>>, Error> + Send + 'static,
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

    fn members(&mut self) -> Result<Vec<Box<dyn Source>>, Error> {
        (self.find)()
    }

    fn subsystems(&self) -> &'static [&'static str] {
        self.subsystems
    }
}

/// What has a member already, by a name that is the same whenever it is found.
#[derive(Default)]
pub(super) struct Known(HashSet<String>);

impl Known {
    /// Whether it is found for the first time.
    pub(super) fn is_new(&mut self, name: &str) -> bool {
        !self.0.contains(name) && self.0.insert(name.to_owned())
    }
}
