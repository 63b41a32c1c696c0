//! Interfaces that change while a session reads them.

use std::process::{Child, Command};

use sampled::{
    client::{Frame, Session, Start},
    reading::{Fault, Reading, Value},
};
use tokio::time::timeout;

use super::{ISOLATED, NEEDS, may_isolate, send};
use crate::support::{
    bus::Bus,
    home::SAMPLED,
    process::{DEADLINE, Process, skip},
};

/// A service in a network namespace of its own.
pub(super) struct Service {
    pub(super) bus: Bus,
    daemon: Child,
}

impl Service {
    pub(super) fn start() -> Self {
        let bus = Bus::new();
        let mut daemon = bus.command("unshare");
        daemon.args(["--net", "--mount", "bash", "-c"]);
        let daemon = daemon.arg(format!(
            "{ISOLATED}; ip netns add host; exec {SAMPLED} serve"
        ));
        let daemon = daemon.spawn().expect("unshare");
        Self { bus, daemon }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.daemon.kill().ok();
        self.daemon.wait().ok();
    }
}

/// Runs a script in the namespaces of a process.
#[track_caller]
pub(crate) fn run(process: &Process, script: &str) {
    let pid = process.pid.to_string();
    let mut nsenter = Command::new("nsenter");
    nsenter.args(["--net", "--mount", "--target", &pid, "bash", "-c"]);
    let status = nsenter.arg(format!("set -e; {script}")).status();
    assert!(status.expect("nsenter").success(), "{script}");
}

const RATES: [&str; 4] = ["download", "upload", "downloadPackets", "uploadPackets"];
pub(crate) const TUNNEL: &str = "ip link add t0 type veth peer name t1; ip link set t1 up";

/// The common state of the rates of `t0` in a frame: none of them is there, all have values, or all have this fault.
type Rates = Option<Result<(), Fault>>;

async fn next(session: &mut Session) -> (Frame, Rates) {
    let frame = timeout(DEADLINE, session.next()).await.unwrap().unwrap();
    let rate = |property: &&str| {
        let reading = frame.reading(&format!("network/t0/{property}"))?;
        Some(reading.map(drop))
    };
    let rates: Vec<Rates> = RATES.iter().map(rate).collect();
    let common = rates[0];
    assert!(rates.iter().all(|rate| *rate == common), "{rates:?}");
    (frame, common)
}

/// Waits for a frame in which the rates are such, and returns those of the frames before.
async fn until(session: &mut Session, expected: Rates) -> Vec<Rates> {
    let mut before = Vec::new();
    let waited = timeout(DEADLINE, async {
        loop {
            match next(session).await.1 {
                rates if rates == expected => break,
                rates => before.push(rates),
            }
        }
    });
    let has_come = waited.await.is_ok();
    assert!(has_come, "{expected:?} does not come after {before:?}");
    before
}

/// Waits until the number that `network/all` has sent is such.
async fn until_all(session: &mut Session, is_it: impl Fn(Option<Reading>) -> bool) {
    let waited = timeout(DEADLINE, async {
        while !is_it(next(session).await.0.reading("network/all/totalUpload")) {}
    });
    waited.await.expect("the uplinks change");
}

async fn session(service: &Service) -> Session {
    let client = service.bus.client().await;
    let start = Start::every_millis(300);
    client.start(&["network"], start).await.unwrap()
}

/// A tunnel is made anew between two frames, and has sent more than the former one when it is read.
#[test]
fn an_interface_that_is_made_anew_begins_with_first() {
    if !may_isolate() {
        return skip(NEEDS);
    }
    let service = Service::start();
    service.bus.block_on(async {
        let process = service.bus.owned().await;
        run(&process, &format!("{TUNNEL}; {}", send("t0")));
        let mut session = session(&service).await;
        until(&mut session, Some(Ok(()))).await;
        for _ in 0..3 {
            let more = [send("t0"), send("t0"), send("t0")].join("; ");
            run(&process, &format!("ip link del t0; {TUNNEL}; {more}"));
            // A frame may have come while the old one was there, or none was.
            until(&mut session, Some(Err(Fault::First))).await;
            until(&mut session, Some(Ok(()))).await;
        }
    });
}

#[test]
fn an_interface_that_comes_back_from_another_namespace_begins_with_first() {
    if !may_isolate() {
        return skip(NEEDS);
    }
    let service = Service::start();
    service.bus.block_on(async {
        let process = service.bus.owned().await;
        run(&process, &format!("{TUNNEL}; {}", send("t0")));
        let mut session = session(&service).await;
        until(&mut session, Some(Ok(()))).await;
        run(&process, "ip link set t0 netns host");
        until(&mut session, None).await;
        let back = format!("ip -n host link set t0 netns {}", process.pid);
        run(&process, &format!("{back}; {}", send("t0")));
        let before = until(&mut session, Some(Ok(()))).await;
        assert_eq!(before.last(), Some(&Some(Err(Fault::First))));
    });
}

#[test]
fn an_interface_has_the_metrics_of_its_new_name() {
    if !may_isolate() {
        return skip(NEEDS);
    }
    let service = Service::start();
    service.bus.block_on(async {
        let process = service.bus.owned().await;
        let old = "ip link add old type veth peer name t1; ip link set t1 up";
        run(&process, old);
        let mut session = session(&service).await;
        until(&mut session, None).await;
        run(
            &process,
            &format!("ip link set old name t0; {}", send("t0")),
        );
        let before = until(&mut session, Some(Ok(()))).await;
        let before: Vec<_> = before.into_iter().flatten().collect();
        assert_eq!(before, [Err(Fault::First)]);
    });
}

/// An uplink comes to a namespace that has a bridge of containers only.
#[test]
fn all_follows_the_uplinks() {
    if !may_isolate() {
        return skip(NEEDS);
    }
    let service = Service::start();
    service.bus.block_on(async {
        let process = service.bus.owned().await;
        let bridge = "ip link add br0 type bridge; ip link set br0 up; ip link set t0 master br0";
        let port = "ip link set t1 netns host; ip link set t0 up";
        run(&process, &format!("{TUNNEL}; {bridge}; {port}"));
        let mut session = session(&service).await;
        until_all(&mut session, |reading| reading.is_none()).await;
        let uplink =
            "ip link add eth0 type veth peer name far netns host; ip -n host link set far up";
        run(&process, &format!("{uplink}; {}", send("eth0")));
        until_all(
            &mut session,
            |reading| matches!(reading, Some(Ok(Value::Number(total))) if total >= 4000.0),
        )
        .await;
        run(&process, "ip link del eth0");
        until_all(&mut session, |reading| reading.is_none()).await;
    });
}
