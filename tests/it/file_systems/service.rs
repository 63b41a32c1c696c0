//! A service that lives while file systems come and go.

use std::time::Duration;

use rustix::process::Signal;
use sampled::{
    client::{Frame, Session, Start},
    reading::{Fault, Reading, Value},
};
use tokio::time::{Instant, timeout};

use super::namespace::Namespace;
use crate::support::{
    home::SAMPLED,
    process::{DEADLINE, Process, skip},
};

/// A service in the namespace.
fn serve(namespace: &Namespace) -> std::process::Child {
    let mut service = namespace.command(SAMPLED);
    service
        .args(["serve", "--idle-timeout", "never"])
        .spawn()
        .expect("nsenter")
}

/// The readings of one metric.
struct Readings<'a> {
    session: Session,
    id: &'a str,
}

impl<'a> Readings<'a> {
    async fn of(namespace: &Namespace, id: &'a str) -> Self {
        namespace.bus().owned().await;
        let client = namespace.bus().client().await;
        let start = Start::every(Duration::from_millis(60));
        let session = client.start(&[id], start).await.expect("a session");
        Self { session, id }
    }

    async fn next(&mut self) -> Reading {
        let next = async {
            loop {
                let frame: Frame = self.session.next().await.expect("a frame");
                if let Some(reading) = frame.reading(self.id) {
                    return reading;
                }
            }
        };
        timeout(DEADLINE, next).await.expect("a frame in time")
    }

    /// Waits for a reading. Those before it are of another kind, and no other comes.
    async fn until(
        &mut self,
        is_expected: impl Fn(&Reading) -> bool,
        is_before: impl Fn(&Reading) -> bool,
    ) {
        let start = Instant::now();
        loop {
            let reading = self.next().await;
            if is_expected(&reading) {
                return;
            }
            assert!(is_before(&reading), "{}: {reading:?}", self.id);
            assert!(start.elapsed() < DEADLINE, "{}: still {reading:?}", self.id);
        }
    }
}

fn is_gone(reading: &Reading) -> bool {
    *reading == Err(Fault::Gone)
}

/// Whether it is the size of a file system of so many MiB.
fn is(mebibytes: u64) -> impl Fn(&Reading) -> bool {
    move |reading| *reading == Ok(Value::Number((mebibytes << 20) as f64))
}

/// The file systems have no device number of their own, and the kernel gives the number of one that has gone to the next.
#[test]
fn another_file_system_at_a_mount_point_is_not_taken_for_the_first() {
    let Some(namespace) = Namespace::new() else {
        return skip(Namespace::NEEDS);
    };
    if !namespace.has(&["mkfs.btrfs"]) {
        return skip("it needs btrfs-progs");
    }
    let image = |name: &str, size: &str| {
        namespace.run(&format!("truncate -s {size} {name}; mkfs.btrfs -q {name}"));
    };
    image("one", "128M");
    image("two", "192M");
    namespace.run("mkdir point; mount -o loop one point");
    let id = namespace.id("point", "total");
    let mut service = serve(&namespace);
    namespace.bus().block_on(async {
        let mut readings = Readings::of(&namespace, &id).await;
        readings.until(is(128), |_| false).await;
        namespace.run("umount point");
        readings.until(is_gone, is(128)).await;
        namespace.run("mount -o loop two point");
        readings.until(is(192), is_gone).await;
        // Without a reading between.
        namespace.run("umount point; mount -o loop one point");
        let before = |reading: &Reading| is_gone(reading) || is(192)(reading);
        readings.until(is(128), before).await;
    });
    service.kill().expect("kill");
    service.wait().expect("wait");
}

#[test]
fn another_mount_stands_when_the_first_has_gone() {
    let Some(namespace) = Namespace::new() else {
        return skip(Namespace::NEEDS);
    };
    namespace.mount("ext4", "32M", "one");
    // A mount that hides the first one, and then goes.
    namespace.mount("ext4", "64M", "other");
    let id = namespace.id("one", "total");
    let mut service = serve(&namespace);
    namespace.bus().block_on(async {
        let mut readings = Readings::of(&namespace, &id).await;
        let first = readings.next().await;
        assert!(first.is_ok(), "{first:?}");
        let is_first = |reading: &Reading| *reading == first;
        namespace.run("mount --bind other one");
        readings.until(is_gone, is_first).await;
        namespace.run("umount one");
        readings.until(is_first, is_gone).await;
        // The id is that of the mount point until the other one stands.
        namespace.run("mkdir two; mount --bind one two; umount one");
        let id = namespace.id("two", "total");
        let client = namespace.bus().client().await;
        let found =
            async { while !client.list(&[&id]).await.expect("a list").contains_key(&id) {} };
        timeout(DEADLINE, found).await.expect("the other mount");
    });
    service.kill().expect("kill");
    service.wait().expect("wait");
}

/// Two directories, each with a program that answers for it.
fn programs(namespace: &Namespace) -> Option<[Process; 2]> {
    if !namespace.has(&["bindfs"]) || !std::path::Path::new("/dev/fuse").exists() {
        return None;
    }
    let program = |name: &str| {
        let pid = namespace.run(&format!(
            "mkdir -p {name} {name}-base/disk; bindfs -f {name}-base {name} > {name}.log 2>&1 & echo $!
             until mountpoint -q {name}; do kill -0 $!; sleep 0.01; done"
        ));
        let process = pid.trim().parse().ok().and_then(Process::open);
        process.expect("bindfs runs")
    };
    Some([program("one"), program("two")])
}

const PROGRAMS: &str = "it needs bindfs and FUSE";

/// A directory of a program that has stopped is above one mount of a file system.
#[test]
fn a_mount_below_a_program_does_not_stand() {
    let Some(namespace) = Namespace::new() else {
        return skip(Namespace::NEEDS);
    };
    let Some([program, _]) = programs(&namespace) else {
        return skip(PROGRAMS);
    };
    namespace.mount("ext4", "32M", "one/disk");
    namespace.run("mkdir healthy; mount --bind one/disk healthy");
    let id = namespace.id("healthy", "total");
    let mut service = serve(&namespace);
    namespace.bus().block_on(async {
        let mut readings = Readings::of(&namespace, &id).await;
        program.stop();
        // It would notice after a second, for which the kernel keeps names.
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            readings.until(Result::is_ok, |_| false).await;
        }
    });
    program.signal(Signal::KILL);
    service.kill().expect("kill");
    service.wait().expect("wait");
}

#[test]
fn a_mount_that_hangs_gives_way_to_another() {
    let Some(namespace) = Namespace::new() else {
        return skip(Namespace::NEEDS);
    };
    let Some([one, _]) = programs(&namespace) else {
        return skip(PROGRAMS);
    };
    namespace.mount("ext4", "32M", "one/disk");
    namespace.run("mount --bind one/disk two/disk");
    let id = namespace.id("one/disk", "total");
    let mut service = serve(&namespace);
    namespace.bus().block_on(async {
        let mut readings = Readings::of(&namespace, &id).await;
        readings.until(Result::is_ok, |_| false).await;
        one.stop();
        let is_late = |reading: &Reading| *reading == Err(Fault::Timeout);
        readings.until(is_late, Result::is_ok).await;
        readings.until(Result::is_ok, is_late).await;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            readings.until(Result::is_ok, |_| false).await;
        }
    });
    one.signal(Signal::KILL);
    service.kill().expect("kill");
    service.wait().expect("wait");
}
