//! The states of sources, and files whose permissions change.

use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use nix::unistd::Uid;
use sampled::client::SampleOptions;
use zbus::{OwnedVariant, Variant};

use crate::{
    calls::fixture,
    cli::frame,
    support::{
        bus::Bus,
        home::{Home, SAMPLED},
        process::skip,
    },
};

#[test]
fn sources_have_states_reads_and_costs() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let sources = async || client.proxy().sources().await.unwrap();
        let state = |source: &std::collections::HashMap<String, OwnedVariant>| {
            String::try_from(source["state"].try_clone().unwrap()).unwrap()
        };
        let before = sources().await;
        assert!(
            before.values().all(|source| state(source) == "unused"),
            "{before:?}"
        );
        for _ in 0..3 {
            let memory = ["memory/physical/used"];
            client
                .sample(&memory, SampleOptions::default())
                .await
                .unwrap();
        }
        let after = sources().await;
        let memory = &after["memory"];
        assert_eq!(state(memory), "ok");
        assert_eq!(*memory["reads"], Variant::U64(3));
        assert!(
            matches!(*memory["cost"], Variant::U64(cost) if cost > 0),
            "{memory:?}"
        );
        assert!(matches!(*memory["metrics"], Variant::U32(metrics) if metrics > 10));
        assert_eq!(*memory["error"], Variant::from(""));
        // No other source was used.
        assert_eq!(state(&after["cpu"]), "unused");
    });
}

#[test]
fn a_file_is_read_as_soon_as_its_permissions_allow_it() {
    if !Uid::effective().is_root() {
        return skip("it takes permissions from another user, which needs root");
    }
    let home = Home::new();
    let sys = home.dir().join("sys");
    let mut copy = Command::new("cp");
    let copied = copy.args(["-a", &fixture("laptop/sys")]).arg(&sys).status();
    assert!(copied.unwrap().success());
    fs::set_permissions(home.dir(), Permissions::from_mode(0o755)).unwrap();
    let energy = "devices/virtual/powercap/intel-rapl/intel-rapl:0/energy_uj";
    let allow = |mode| fs::set_permissions(sys.join(energy), Permissions::from_mode(mode)).unwrap();
    allow(0o000);
    let mut watch = home.command("setpriv");
    watch.args("--reuid 65534 --regid 65534 --clear-groups".split(' '));
    // `watch` ends after this many frames even if the metric stays denied.
    watch
        .arg(SAMPLED)
        .args("watch power --json --interval 100ms --count 600".split(' '));
    watch
        .args(["--procfs", &fixture("laptop/proc"), "--sysfs"])
        .arg(&sys);
    let watch = watch.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut watch = watch.spawn().expect("setpriv");
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let id = "power/package-0/energy";
    let mut next = || frame(&lines.next().expect("another frame").unwrap());
    for _ in 0..2 {
        let (_, _, faults) = next();
        assert_eq!(faults.get(id).unwrap(), "denied");
    }
    allow(0o444);
    let regained = std::iter::repeat_with(next).find_map(|(_, mut readings, faults)| {
        // There is no other fault before the reading.
        assert!(readings.contains_key(id) || faults[id] == "denied");
        readings.remove(id)
    });
    assert!(regained.unwrap().is_number());
    watch.kill().unwrap();
    watch.wait().unwrap();
}
