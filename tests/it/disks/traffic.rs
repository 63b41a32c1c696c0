//! Each byte is counted once.

use std::{fs, path::Path, process::Command, time::Instant};

use super::{
    Watch,
    block_device::{Image, LoopDevice, PAGE, ZramDevice, write, written},
    check_equal, id_of,
};
use crate::{
    cli::frame,
    support::{
        home::Home,
        process::{DEADLINE, Run, skip},
    },
};

/// The number of block devices that have a size, without RAM disks, by lsblk(8).
fn count_of_lsblk() -> usize {
    let mut lsblk = Command::new("lsblk");
    lsblk.args(["-b", "-J", "-l", "-a", "-o", "NAME,SIZE"]);
    let output = Run::of(&mut lsblk).ok();
    let json: serde_json::Value = serde_json::from_str(&output).expect("JSON");
    let devices = json["blockdevices"].as_array().expect("a list").iter();
    let is_in_memory =
        |device: &serde_json::Value| device["name"].as_str().unwrap().starts_with("ram");
    let counted =
        |device: &&serde_json::Value| device["size"].as_u64() > Some(0) && !is_in_memory(device);
    devices.filter(counted).count()
}

#[test]
fn the_devices_are_those_of_lsblk() {
    let image = Image::new();
    let Some(device) = LoopDevice::of(&image) else {
        return skip(LoopDevice::NEEDS);
    };
    let partition = device.add_partition();
    let home = Home::new();
    let start = Instant::now();
    loop {
        let before = count_of_lsblk();
        let sample = ["sample", "--rootfs", "/", "--json", "disk/*/inFlight"];
        let output = Run::of(&mut home.sampled(&sample)).ok();
        let (_, readings, faults) = frame(output.lines().last().expect("a frame"));
        let count = readings.len() + faults.len();
        let after = count_of_lsblk();
        // Devices of other tests come and go.
        if before == after && count == before {
            break;
        }
        assert!(start.elapsed() < DEADLINE, "{count}, lsblk: {before}");
    }
    let [id, part] = [&device.name, &partition].map(|name| id_of(&home, name).expect("an id"));
    assert_eq!(part, format!("{id}-part1"));
}

/// Writes 8 MiB to a device, which the kernel counts for the device of this name.
fn write_and_count(path: &Path, name: &str) {
    let before = written(name);
    write(path, 8);
    assert_eq!(written(name) - before, 8 << 20);
}

/// Checks that each request of a frame has a page. The kernel counts the bytes of a request before the request, and a
/// frame may begin or end in between.
#[track_caller]
fn check_requests(requests: f64, bytes: f64) {
    let expected = requests * PAGE as f64;
    // One request more or less, in a frame of 50 ms or longer.
    let one = PAGE as f64 / 0.05;
    assert!((bytes - expected).abs() <= one, "{bytes}, not {expected}");
}

/// Whether the device of an id is a drive, as far as the id shows it.
fn is_drive(id: &str) -> bool {
    const OTHERS: [&str; 6] = ["loop-", "loop", "zram", "ram", "dm-name-", "md-"];
    !OTHERS.iter().any(|other| id.starts_with(other)) && !id.contains("-part")
}

#[test]
fn a_loop_device_and_its_partition_are_in_no_total() {
    let image = Image::new();
    let Some(device) = LoopDevice::of(&image) else {
        return skip(LoopDevice::NEEDS);
    };
    let partition = device.add_partition();
    let home = Home::new();
    let whole = id_of(&home, &device.name).expect("the id of the device");
    let part = id_of(&home, &partition).expect("the id of the partition");
    let mut watch = Watch::new(&home, &["env"], &["disk"]);
    let write_rate = format!("{whole}/write");
    watch.until_read(&write_rate);
    write_and_count(&Path::new("/dev").join(&partition), &device.name);
    let mut part_is_written = false;
    for tick in watch.busy_frames(&write_rate) {
        let rate = |id: &str| tick.number(id).unwrap_or_else(|| panic!("no {id}"));
        let requests = rate(&format!("{whole}/writeOperations"));
        check_requests(requests, rate(&write_rate));
        part_is_written |= rate(&format!("{part}/write")) > 0.0;
        // A file system has no requests in flight.
        let devices = tick.readings.keys();
        let devices = devices.filter_map(|id| id.strip_prefix("disk/")?.strip_suffix("/inFlight"));
        let drives = devices.filter(|id| is_drive(id));
        let sum = drives.map(|id| rate(&format!("disk/{id}/write"))).sum();
        check_equal(rate("disk/all/write"), sum);
    }
    assert!(part_is_written);
}

#[test]
fn compressed_memory_is_no_disk_and_has_no_value_until_it_is_used() {
    let Some(device) = ZramDevice::new() else {
        return skip(ZramDevice::NEEDS);
    };
    let home = Home::new();
    let disk = id_of(&home, &device.name).expect("the id of the device");
    let id = format!("{disk}/write");
    let operations = format!("{disk}/writeOperations");
    let node = Path::new("/dev").join(&device.name);
    let mut watch = Watch::new(&home, &["env"], &[&id, &operations]);
    // The kernel says that it counts nothing, and nothing says otherwise yet.
    let iostats = fs::read_to_string(format!("/sys/block/{}/queue/iostats", device.name));
    if iostats.expect("iostats") == "0\n" {
        // The first frame has no baseline.
        watch.next();
        for _ in 0..3 {
            assert_eq!(watch.next().faults.get(&id), Some(&"stale".into()));
        }
        write(&node, 1);
    }
    watch.until_read(&id);
    write_and_count(&node, &device.name);
    for tick in watch.busy_frames(&id) {
        let [rate, requests] = [&id, &operations].map(|id| tick.number(id).expect("a rate"));
        check_requests(requests, rate);
    }
    let original = || {
        let devices = fs::read_dir("/sys/block").expect("/sys/block");
        let stats = devices.filter_map(|device| {
            let path = device.ok()?.path().join("mm_stat");
            let text = fs::read_to_string(path).ok()?;
            text.split_whitespace().next()?.parse::<f64>().ok()
        });
        stats.sum::<f64>()
    };
    let metric = "memory/zram/original";
    let before = original();
    let mut watch = Watch::new(&home, &["env"], &[metric]);
    let ours = watch.until_read(metric).readings[metric].as_f64();
    let after = original();
    let ours = ours.expect("a number");
    // Another test may use zram at the same time.
    assert!(before.min(after) <= ours && ours <= before.max(after));
    assert!(ours >= f64::from(8 << 20));
}

#[test]
fn a_btrfs_on_two_devices_writes_both() {
    let images = [Image::new(), Image::new()];
    let devices = images.each_ref().map(LoopDevice::of);
    let [Some(one), Some(other)] = devices else {
        return skip(LoopDevice::NEEDS);
    };
    let nodes = [one.node(), other.node()];
    // The kernel remembers the devices of each UUID.
    let uuid = fs::read_to_string("/proc/sys/kernel/random/uuid").expect("UUID");
    let uuid = uuid.trim();
    let mut mkfs = Command::new("mkfs.btrfs");
    mkfs.args(["-q", "-f", "-d", "raid0", "-m", "raid1", "-U", uuid]);
    match mkfs.args(&nodes).output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(_) => return skip("it needs mkfs.btrfs (btrfs-progs)"),
    }
    // A directory for devices with links as udev makes them, which there is not here.
    let script = format!(
        "set -e; mount -t tmpfs none /mnt; cp -a /dev/null /dev/zero /dev/btrfs-control /dev/loop* /mnt
        mkdir -p /mnt/disk/by-uuid; ln -s ../../{} /mnt/disk/by-uuid/{uuid}; mount --move /mnt /dev
        mount --no-canonicalize -t btrfs -o device=/dev/{},device=/dev/{} /dev/disk/by-uuid/{uuid} /mnt
        exec \"$@\"",
        one.name, one.name, other.name
    );
    let wrapper = ["unshare", "-m", "sh", "-c", &script, "sh"];
    let home = Home::new();
    let id = format!("disk/{uuid}/write");
    let names = [&one.name, &other.name];
    let parts = names.map(|name| id_of(&home, name).expect("an id") + "/write");
    let total = format!("disk/{uuid}/total");
    let mut watch = Watch::new(&home, &wrapper, &[&id, &total, &parts[0], &parts[1]]);
    watch.until_read(&id);
    let before = names.map(|name| written(name));
    let mounted = format!("/proc/{}/root/mnt", watch.pid());
    write(&Path::new(&mounted).join("file"), 8);
    let after = names.map(|name| written(name));
    // The file is on both.
    assert!(after[0] > before[0] && after[1] > before[1]);
    for tick in watch.busy_frames(&id) {
        let [sum, one, other] =
            [&id, &parts[0], &parts[1]].map(|id| tick.number(id).expect("a rate"));
        check_equal(sum, one + other);
        assert_eq!(tick.number(&total), Some(f64::from(256 << 20)));
    }
}
