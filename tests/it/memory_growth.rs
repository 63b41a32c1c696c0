//! Devices that appear and vanish leave no memory behind.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use nix::unistd::Uid;
use sampled::{
    client::{Session, Start},
    reading::{Fault, Value},
};
use tokio::time::timeout;

use crate::support::{
    bus::Bus,
    home::SAMPLED,
    process::{DEADLINE, Process, skip},
};

/// A network namespace of its own, with a view of it in /sys.
const ISOLATED: [&str; 4] = ["--net", "--mount", "sh", "-c"];
const SYSFS: &str = "mount -t sysfs sysfs /sys && ip link set lo up";

/// Whether this process may make such a namespace with a veth pair.
fn may_isolate() -> bool {
    let mut probe = Command::new("unshare");
    let probe = probe.args(ISOLATED).arg(format!(
        "{SYSFS} && ip link add probe type veth peer name peer"
    ));
    let probe = probe.stdout(Stdio::null()).stderr(Stdio::null());
    Uid::effective().is_root() && probe.status().is_ok_and(|status| status.success())
}

/// Runs these commands of ip(8) in the network namespace of a process.
#[track_caller]
fn ip(process: &Process, lines: &str) {
    let pid = process.pid.to_string();
    let mut ip = Command::new("nsenter");
    let ip = ip.args(["--net", "--target", &pid, "ip", "-batch", "-"]);
    let mut ip = ip.stdin(Stdio::piped()).spawn().expect("nsenter");
    let stdin = ip.stdin.take();
    stdin.unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(ip.wait().unwrap().success());
}

/// The private memory of a process, in kB.
fn memory(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let words = line.unwrap().split_whitespace().next();
    words.unwrap().parse().unwrap()
}

/// Waits until a metric appears or vanishes. Returns the timestamp of the first such frame.
async fn until(session: &mut Session, id: &str, is_there: bool) -> u64 {
    loop {
        let frame = timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        if frame.reading(id).is_some() == is_there {
            return frame.timestamp;
        }
    }
}

/// Containers start and end while a session reads the network: 100 interfaces at a time, 3000 in all.
#[test]
fn interfaces_of_containers_leave_no_memory_behind() {
    const BATCHES: usize = 30;
    const PAIRS: usize = 50;
    /// After this many batches, memory has its peak size.
    const WARM: usize = 6;
    if !may_isolate() {
        return skip("needs root, unshare(1), ip(8) and a kernel with veth interfaces");
    }
    let bus = Bus::new();
    // The history has a limit of its own, which is not reached while memory warms up.
    let config = bus.config().join("sampled");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "history.span = '0s'").unwrap();
    let mut daemon = bus.command("unshare");
    daemon
        .args(ISOLATED)
        .arg(format!("{SYSFS} && exec {SAMPLED} serve"));
    let mut daemon = daemon.spawn().unwrap();
    bus.block_on(async {
        let process = bus.owned().await;
        let client = bus.client().await;
        let every = || Start::every(Duration::from_millis(50));
        let selectors = [
            "network/*/totalUpload",
            "network/*/download",
            "network/*/state",
        ];
        let mut session = client.start(&selectors, every()).await.unwrap();
        let before = "network/v0x0/totalUpload";
        ip(
            &process,
            "link add v0x0 group 7 type veth peer name w0x0 group 7\n",
        );
        let mut one = client.start(&[before], every()).await.unwrap();
        let (mut warm, mut has_gone) = (0, false);
        for batch in 1..=BATCHES {
            let pair = |pair| {
                let name = format!("{batch}x{pair}");
                format!("link add v{name} group 7 type veth peer name w{name} group 7\n")
            };
            let pairs: String = (1..=PAIRS).map(pair).collect();
            ip(&process, &pairs);
            let last = format!("network/v{batch}x{PAIRS}/totalUpload");
            let moment = until(&mut session, &last, true).await;
            // A metric that has vanished with the first batch has no value any more.
            let mut frame = one.next().await.unwrap();
            while frame.timestamp < moment {
                let reading = frame.reading(before).unwrap();
                has_gone |= reading == Err(Fault::Gone);
                let is_present = reading == Ok(Value::Number(0.0)) && !has_gone;
                assert!(is_present || has_gone && reading.is_err(), "{reading:?}");
                frame = timeout(DEADLINE, one.next()).await.unwrap().unwrap();
            }
            assert_eq!(has_gone, batch > 1);
            ip(&process, "link del group 7\n");
            until(&mut session, &last, false).await;
            if batch == WARM {
                warm = memory(&process);
            }
        }
        let grown = memory(&process).saturating_sub(warm);
        println!("{warm} kB, and {grown} kB more in the end");
        assert!(grown <= 1024, "{grown} kB more than {warm} kB");
        // The interface is back, and is read again.
        ip(&process, "link add v0x0 type veth peer name w0x0\n");
        let expected = Some(Ok(Value::Number(0.0)));
        while timeout(DEADLINE, one.next())
            .await
            .unwrap()
            .unwrap()
            .reading(before)
            != expected
        {}
    });
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}
