//! Families with their members and their readings.

use std::collections::BTreeMap;

use crate::{
    reading::{Fault, Raw, Snapshot, Stamp, Value},
    source::{
        NewMember, Provider, Source,
        tests::{begin, discover},
    },
};

/// The new members of a family.
pub(crate) fn new_members(family: &mut Provider) -> Vec<Box<dyn Source>> {
    let members = family.members().unwrap().into_iter();
    members.map(source).collect()
}

/// The source of a member that is no family itself.
pub(crate) fn source(member: NewMember) -> Box<dyn Source> {
    match member.provider {
        Provider::Source(source) => source,
        Provider::Family(family) => panic!("{} is a family", family.about().name),
    }
}

/// All sources, including the members of families.
pub(crate) fn sources(providers: Vec<Provider>) -> Vec<Box<dyn Source>> {
    let sources = providers.into_iter().flat_map(|provider| match provider {
        Provider::Source(source) => vec![source],
        mut family @ Provider::Family(_) => new_members(&mut family),
    });
    sources.collect()
}

/// The readings of all sources, by id.
pub(crate) fn readings(families: Vec<Provider>) -> BTreeMap<String, Result<Value, Fault>> {
    let mut readings = BTreeMap::new();
    for mut source in sources(families) {
        let metrics = discover(source.as_mut()).unwrap();
        begin(source.as_mut());
        let mut columns = Vec::new();
        if let Err(error) = source.read(&mut columns) {
            let width = metrics.iter().map(|metric| metric.formula.width());
            columns = vec![Raw::Fault(error.fault()); width.max().unwrap_or(1)];
        }
        let now = Snapshot {
            stamp: Stamp::now(),
            columns,
        };
        for metric in metrics {
            let reading = metric.formula.evaluate(&now, None);
            let before = readings.insert(metric.id.to_string(), reading);
            assert_eq!(before, None, "{} twice", metric.id);
        }
    }
    readings
}
