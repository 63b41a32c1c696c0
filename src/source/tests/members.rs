//! Families with their members, and what these read.

use std::collections::BTreeMap;

use crate::{
    reading::{Fault, Raw, Snapshot, Stamp, Value},
    source::{
        Source,
        tests::{begin, discover},
    },
};

/// The members that a family has found anew.
pub(crate) fn new_members(family: &mut dyn Source) -> Vec<Box<dyn Source>> {
    let members = family.members().unwrap().into_iter();
    members.map(|member| member.source).collect()
}

/// All sources, and behind each family its members.
pub(crate) fn with_members(sources: Vec<Box<dyn Source>>) -> Vec<Box<dyn Source>> {
    let mut all = Vec::new();
    for mut source in sources {
        let members = new_members(source.as_mut());
        all.push(source);
        all.extend(with_members(members));
    }
    all
}

/// What the sources of these families read, by id.
pub(crate) fn readings(sources: Vec<Box<dyn Source>>) -> BTreeMap<String, Result<Value, Fault>> {
    let mut readings = BTreeMap::new();
    for mut source in with_members(sources) {
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
