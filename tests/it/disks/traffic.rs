//! Each byte is counted once.

use std::{fs, path::Path, process::Command, time::Instant};

use super::{
    Watch,
    block_device::{Image, LoopDevice, ZramDevice, write, written},
    check_sum, id_of,
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

/// The bytes that all drives of this machine have written.
fn written_by_drives() -> f64 {
    let devices = fs::read_dir("/sys/block").expect("/sys/block");
    let devices = devices.map(|device| device.expect("entry"));
    let drives = devices.filter(|device| device.path().join("device").exists());
    let names = drives.map(|drive| drive.file_name().into_string().expect("ASCII"));
    names.map(|name| written(&name)).sum()
}

#[test]
fn a_loop_device_is_in_no_total() {
    let image = Image::new();
    let Some(device) = LoopDevice::of(&image) else {
        return skip(LoopDevice::NEEDS);
    };
    let partition = device.add_partition();
    let home = Home::new();
    let whole_id = id_of(&home, &device.name).expect("the id of the device") + "/write";
    let part_id = id_of(&home, &partition).expect("the id of the partition") + "/write";
    assert!(part_id.ends_with("-part1/write"), "{part_id}");
    for id in [whole_id, part_id] {
        let mut watch = Watch::new(&home, &["env"], &[&id]);
        watch.until_read(&id);
        let before = written(&device.name);
        write(&Path::new("/dev").join(&partition), 32);
        let expected = written(&device.name) - before;
        assert!(expected >= f64::from(32 << 20));
        check_sum(watch.sum_up_to(&id, expected), expected);
    }
    let all = "disk/all/write";
    let before = written_by_drives();
    let mut watch = Watch::new(&home, &["env"], &[all]);
    watch.until_read(all);
    write(&device.node(), 48);
    let sum = watch.sum_up_to(all, 0.0);
    let most = written_by_drives() - before;
    assert!(sum <= most * 1.02 + 1e6, "{sum} of {most}");
}

#[test]
fn compressed_memory_is_no_disk_and_has_no_value_until_it_is_used() {
    let Some(device) = ZramDevice::new() else {
        return skip(ZramDevice::NEEDS);
    };
    let home = Home::new();
    let id = id_of(&home, &device.name).expect("the id of the device") + "/write";
    let node = Path::new("/dev").join(&device.name);
    let mut watch = Watch::new(&home, &["env"], &[&id]);
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
    let before = written(&device.name);
    write(&node, 32);
    let expected = written(&device.name) - before;
    check_sum(watch.sum_up_to(&id, expected), expected);
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
    assert!(ours >= f64::from(32 << 20));
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
    if !mkfs
        .args(&nodes)
        .status()
        .is_ok_and(|status| status.success())
    {
        return skip("it needs mkfs.btrfs (btrfs-progs)");
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
    let mut watch = Watch::new(&home, &wrapper, &[&id, &format!("disk/{uuid}/total")]);
    watch.until_read(&id);
    let both = || written(&one.name) + written(&other.name);
    let before = both();
    let mounted = format!("/proc/{}/root/mnt", watch.pid());
    let file = Path::new(&mounted).join("file");
    write(&file, 32);
    fs::File::open(&mounted)
        .and_then(|root| root.sync_all())
        .expect("fsync");
    let expected = both() - before;
    assert!(expected >= f64::from(32 << 20));
    check_sum(watch.sum_up_to(&id, expected), expected);
    let total = &watch.next().readings[&format!("disk/{uuid}/total")];
    assert_eq!(total.as_f64(), Some(f64::from(256 << 20)));
}
