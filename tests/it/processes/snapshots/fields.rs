//! The fields of a table: their descriptions, their columns, and faults in place of denied values.

use std::collections::{BTreeSet, HashMap};

use sampled::reading::Fault;

use rustix::process::geteuid;

use super::LONG;
use crate::{
    processes::{Foreign, number, processes},
    sandbox::Proxy,
    support::{bus::Bus, process::skip},
};

#[test]
fn every_field_has_a_description_and_a_column_of_the_same_length() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let processes = processes(&bus).await;
        let fields = processes.fields().await.unwrap();
        assert!(fields.len() >= 20, "{fields:?}");
        for (name, field) in &fields {
            assert!(field.description.ends_with('.'), "{name}: {field:?}");
            assert!(!field.description.contains("/proc"), "{name}: {field:?}");
            let origins = ["/proc/", "(3)"];
            let names_one = origins.iter().any(|origin| field.formula.contains(origin));
            assert!(names_one, "{name}: {field:?}");
            assert_eq!(field.is_text, field.unit.is_empty(), "{name}: {field:?}");
            assert!(!(field.is_text && field.is_summable), "{name}: {field:?}");
        }
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        // All fields take long to read on a busy machine.
        let options = HashMap::from([("timeout", zbus::Variant::U64(10_000_000))]);
        let reply = processes.proxy().snapshot(&names, &options).await.unwrap();
        let (_, columns, values, faults, details) = reply;
        assert_eq!(columns, names);
        let total: u32 = details["total"].clone().try_into().unwrap();
        let mut lengths = BTreeSet::new();
        for (name, column) in names.iter().zip(values) {
            let kind = if fields[*name].is_text { "as" } else { "ad" };
            assert_eq!(column.value_signature().to_string(), kind, "{name}");
            let zbus::Variant::Array(column) = &*column else {
                panic!("{name}: {column:?}");
            };
            lengths.insert(column.len());
            // Each row has either a value or a fault.
            let faults = faults.get(*name).into_iter().flatten();
            let faulty: BTreeSet<u32> = faults.flat_map(|(_, rows)| rows.clone()).collect();
            for (row, value) in (0..).zip(column.iter()) {
                if let zbus::Variant::F64(number) = value {
                    assert_eq!(number.is_nan(), faulty.contains(&row), "{name} {row}");
                }
            }
        }
        assert_eq!(lengths.len(), 1, "{lengths:?}");
        let length = *lengths.first().unwrap();
        assert!(
            length > 1 && length <= total as usize,
            "{length} of {total}"
        );
    });
}

#[test]
fn a_denied_field_is_a_fault_beside_the_values_of_the_others() {
    let (bus, foreign) = Foreign::without("sys_ptrace");
    // A service cannot identify a caller that has more rights, so the caller is a proxy without the capability.
    let mut setpriv = bus.command("setpriv");
    setpriv.arg("--bounding-set=-sys_ptrace");
    let proxy = geteuid().is_root().then(|| Proxy::run_by(setpriv, &bus));
    if let Some(None) = proxy {
        return skip("xdg-dbus-proxy is not installed");
    }
    bus.block_on(async {
        let processes = match &proxy {
            Some(Some(proxy)) => proxy.processes().await,
            _ => processes(&bus).await,
        };
        let one = foreign.ready(&processes).await;
        let fields = ["uid", "executable", "read", "rss"];
        let table = processes.snapshot(&fields, &one, LONG).await.unwrap();
        let row = &table.rows[0];
        assert_ne!(number(&row[0]), f64::from(geteuid().as_raw()));
        assert_eq!(row[1], Err(Fault::Denied));
        assert_eq!(row[2], Err(Fault::Denied));
        assert!(number(&row[3]) > 0.0, "{row:?}");
        // A sum without some of its values is a fault.
        let sums = processes.sums("user", &["read", "rss"], &one, LONG).await;
        let sums = sums.unwrap();
        assert_eq!(sums.groups.len(), 1, "{sums:?}");
        assert_eq!(sums.groups[0].values[0], (None, Some(Fault::Denied)));
        assert!(sums.groups[0].values[1].0.unwrap() > 0.0, "{sums:?}");
    });
}
