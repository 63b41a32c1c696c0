//! The method `End` under systemd, which owns the socket of the bus: it ends neither the bus nor systemd.

use std::fs;

use sampled::client::{Error, Processes, SampleOptions, TableOptions};

use super::session::{UNITS, within};

const CONT: i32 = 18;

/// The processes in this pid namespace with one of these names.
fn named(names: &[&str]) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_one = |pid: &u32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        names.contains(&name.trim_end())
    };
    pids.filter(is_one).collect()
}

#[test]
fn end_refuses_the_bus_and_systemd() {
    within(&UNITS, async |session| {
        let client = session.client().await;
        client.list(&["memory"]).await.expect("list");
        let processes = Processes::on(client.bus().clone()).await.expect("client");
        let names = match session.setup.broker {
            true => &["systemd", "dbus-broker-lau", "dbus-broker"][..],
            false => &["systemd", "dbus-daemon"],
        };
        let pids = named(names);
        assert_eq!(pids.len(), names.len(), "{pids:?}");
        for pid in pids {
            let one = TableOptions::default().filtered_by("pid", &pid.to_string());
            let table = processes.snapshot(&["start_time"], &one, SampleOptions::default());
            let start = match table.await.expect("table").rows[0][0] {
                Ok(sampled::reading::Value::Number(start)) => start as u64,
                ref other => panic!("{other:?}"),
            };
            // SIGCONT would harm none of them.
            let error = processes.end(pid, start, CONT).await.expect_err("refused");
            assert!(matches!(error, Error::AccessDenied(_)), "{error:?}");
            assert!(error.to_string().contains("the session bus"), "{error}");
        }
    });
}
