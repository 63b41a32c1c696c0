//! A CPU that goes offline and comes back under a running service, in a tree in the place of `/proc`.

use std::{fs, io::Write, path::Path};

use sampled::{
    client::Start,
    reading::{Fault, Reading, Value},
};
use tokio::time::timeout;

use crate::support::{bus::Bus, process::DEADLINE};

/// Writes `stat` with the times of two CPUs; the second is offline without any. The file stays the same one, as the
/// kernel's does.
fn write_stat(proc: &Path, cpu1: Option<[u64; 4]>) {
    fs::create_dir_all(proc).unwrap();
    let line = |name: &str, [user, system, idle, iowait]: [u64; 4]| {
        format!("{name} {user} 0 {system} {idle} {iowait} 0 0 0 0 0\n")
    };
    let busy = [1000, 1000, 1000, 1000];
    let mut text = line("cpu ", busy) + &line("cpu0", busy);
    text.extend(cpu1.map(|times| line("cpu1", times)));
    text += "intr 1 1\n";
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let mut file = options.open(proc.join("stat")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.set_len(text.len() as u64).unwrap();
}

#[test]
fn the_shares_of_a_cpu_are_never_made_of_two_lives() {
    let bus = Bus::new();
    let proc = bus.dir().join("proc");
    write_stat(&proc, Some([5000, 1000, 9000, 10]));
    let _service = bus.serve(&proc, "/nonexistent");
    bus.block_on(async {
        let client = bus.client().await;
        let shares = ["usage", "user", "system"].map(|share| format!("cpu/cpu1/{share}"));
        let selectors = shares.each_ref().map(|id| &**id);
        let mut session = client
            .start(&selectors, Start::every_millis(60))
            .await
            .unwrap();
        let mut seen = Vec::new();
        let mut until = async |is_it: &dyn Fn(&[Option<Reading>]) -> bool| {
            let next = async {
                loop {
                    let frame = session.next().await.unwrap();
                    let readings = shares.each_ref().map(|id| frame.reading(id));
                    seen.push(readings.clone());
                    if is_it(&readings) {
                        break readings;
                    }
                }
            };
            timeout(DEADLINE, next).await.unwrap()
        };
        // Nothing has been counted between two readings yet.
        until(&|readings| {
            readings
                .iter()
                .all(|share| *share == Some(Err(Fault::First)))
        })
        .await;
        write_stat(&proc, Some([5010, 1010, 9070, 20]));
        let first =
            until(&|readings| readings.iter().all(|share| matches!(share, Some(Ok(_))))).await;
        assert_eq!(first[1], Some(Ok(Value::Number(10.0))));
        // It was offline between two readings: the idle time begins anew, and is greater than it was before.
        write_stat(&proc, Some([10, 1020, 99_000, 0]));
        let reset = Some(Err(Fault::Reset));
        until(&|readings| readings.contains(&reset)).await;
        write_stat(&proc, None);
        until(&|readings| {
            readings
                .iter()
                .all(|share| matches!(share, None | Some(Err(Fault::Gone))))
        })
        .await;
        write_stat(&proc, Some([20, 1030, 99_100, 0]));
        until(&|readings| {
            readings
                .iter()
                .all(|share| *share == Some(Err(Fault::First)))
        })
        .await;
        write_stat(&proc, Some([40, 1040, 99_170, 0]));
        let again = until(&|readings| matches!(readings[0], Some(Ok(_)))).await;
        assert_eq!(again[1], Some(Ok(Value::Number(20.0))));
        // Where one share was reset, all were.
        for readings in &seen {
            let resets = readings.iter().filter(|share| **share == reset).count();
            assert!([0, readings.len()].contains(&resets), "{readings:?}");
        }
    });
}
