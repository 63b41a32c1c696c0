//! Usage by the statistics of the clients, for each generation of drivers.

use super::*;

/// A GPU of this driver, and a process that has it open.
fn gpu_with_client(driver: &str, fdinfo: &str, files: &[(&str, &str)]) -> (Tree, Machine) {
    let tree = Tree::new();
    plug(&tree, "0000:03:00.0", driver, 0, files);
    fs::create_dir_all(tree.root.join("1204/fd")).unwrap();
    symlink("/dev/dri/renderD128", tree.root.join("1204/fd/12")).unwrap();
    write_fdinfo(&tree, fdinfo);
    let machine = Machine::new(&tree.roots());
    (tree, machine)
}

fn write_fdinfo(tree: &Tree, fdinfo: &str) {
    let text = format!("pos:\t0\nflags:\t02100002\nmnt_id:\t24\nino:\t614\n{fdinfo}");
    tree.write("1204/fdinfo/12", &text);
}

#[test]
fn usage_is_counted_from_fdinfo() {
    let laptop = roots("laptop");
    let tree = Tree::new();
    let write_busy_time = |busy: &str| {
        let text = fixture!("laptop/proc/1204/fdinfo/12").replace("25662044495", busy);
        tree.write("1204/fdinfo/12", &text);
    };
    fs::create_dir(tree.roots().proc.join("1204")).unwrap();
    fs::create_dir(tree.roots().proc.join("1204/fd")).unwrap();
    symlink("/dev/dri/renderD128", tree.roots().proc.join("1204/fd/12")).unwrap();
    write_busy_time("0");
    let mut machine = Machine::new(&Roots {
        proc: tree.roots().proc,
        ..laptop
    });
    let mut ids = machine.ids();
    ids.sort_unstable();
    let expected = [
        "gpu/all/usage",
        "gpu/gpu0/coreFrequency",
        "gpu/gpu0/name",
        "gpu/gpu0/usage",
    ];
    assert_eq!(ids, expected);
    machine.check("gpu/gpu0/coreFrequency", 850.0);
    machine.check_fault("gpu/gpu0/usage", Fault::First);
    for (id, busy) in [
        ("gpu/gpu0/usage", "90000000000"),
        ("gpu/all/usage", "180000000000"),
    ] {
        let before = machine.snapshot(id, 1).unwrap();
        write_busy_time(busy);
        let now = machine.snapshot(id, 2).unwrap();
        let (_, metric) = machine.member(id);
        assert_eq!(metric.kind, Kind::Rate);
        // The engine was busy for longer than the time between the readings: the share is at most 100 %.
        let reading = metric.formula.evaluate(&now, Some(&before));
        assert_eq!(reading, Ok(Value::Number(100.0)));
    }
}

#[test]
fn unknown_work_is_not_0() {
    #[track_caller]
    fn check(driver: &str, fdinfo: &str, files: &[(&str, &str)]) {
        let (_tree, mut machine) = gpu_with_client(driver, fdinfo, files);
        machine.check_fault("gpu/gpu0/usage", Fault::Stale);
        for id in ["gpu/gpu0/usage", "gpu/all/usage"] {
            let before = machine.snapshot(id, 1).unwrap();
            let now = machine.snapshot(id, 2).unwrap();
            let (_, metric) = machine.member(id);
            let reading = metric.formula.evaluate(&now, Some(&before));
            assert_eq!(reading, Err(Fault::Stale), "{driver} {id}");
        }
    }
    // Before Linux 5.19 and 6.11.
    check("i915", "", &[]);
    let xe = "drm-driver:\txe\ndrm-client-id:\t3\ndrm-total-vram0:\t23992 KiB\n";
    check("xe", xe, &[ACTIVE]);
    let client = |driver| format!("drm-driver:\t{driver}\ndrm-client-id:\t5\n");
    check("etnaviv", &client("etnaviv"), &[]);
    check("nouveau", &client("nouveau"), &[]);
    let off = [("profiling", "0\n")];
    check("panfrost", &client("panfrost"), &off);
    let frequencies = "drm-maxfreq-fragment:\t799999987 Hz\ndrm-curfreq-fragment:\t0 Hz\n";
    check(
        "panfrost",
        &format!("{}{frequencies}", client("panfrost")),
        &off,
    );
    let zero = format!("{}drm-engine-fragment:\t0 ns\n", client("panfrost"));
    check("panfrost", &zero, &off);
    let cycles = format!(
        "{}drm-cycles-panthor:\t9\ndrm-maxfreq-panthor:\t1000 Hz\n",
        client("panthor")
    );
    check("panthor", &cycles, &[("profiling", "1\n")]);
}

/// Checks that the engine was busy all the time from the first text to the second.
#[track_caller]
fn check_busy(driver: &str, files: &[(&str, &str)], text: impl Fn(u64) -> String) {
    for id in ["gpu/gpu0/usage", "gpu/all/usage"] {
        let (tree, mut machine) = gpu_with_client(driver, &text(0), files);
        let before = machine.snapshot(id, 1).unwrap();
        write_fdinfo(&tree, &text(90_000_000_000));
        let now = machine.snapshot(id, 2).unwrap();
        let (_, metric) = machine.member(id);
        assert_eq!(metric.kind, Kind::Rate);
        let reading = metric.formula.evaluate(&now, Some(&before));
        assert_eq!(reading, Ok(Value::Number(100.0)), "{driver} {id}");
    }
}

#[test]
fn the_drm_driver_need_not_be_the_driver_on_the_bus() {
    let text = |busy: u64| {
        format!(
            "drm-driver:\tmsm\ndrm-client-id:\t5\ndrm-engine-gpu:\t{busy} ns\ndrm-cycles-gpu:\t9\ndrm-maxfreq-gpu:\t670000000 Hz\n"
        )
    };
    check_busy("msm_dpu", &[], text);
}

#[test]
fn a_sleeping_gpu_has_clients_that_can_be_read() {
    let text = |busy: u64| {
        format!("drm-driver:\tpanfrost\ndrm-client-id:\t5\ndrm-engine-fragment:\t{busy} ns\n")
    };
    let asleep = [
        ("power/runtime_status", "suspended\n"),
        ("profiling", "1\n"),
    ];
    check_busy("panfrost", &asleep, text);
}

#[test]
fn xe_asks_the_device_and_keeps_the_baseline_over_a_nap() {
    let text = |cycles: u64, total: u64| {
        format!(
            "drm-driver:\txe\ndrm-client-id:\t3\ndrm-cycles-rcs:\t{cycles}\ndrm-total-cycles-rcs:\t{total}\n"
        )
    };
    for id in ["gpu/gpu0/usage", "gpu/all/usage"] {
        let (tree, mut machine) = gpu_with_client("xe", &text(0, 1000), &[ACTIVE]);
        let before = machine.snapshot(id, 1).unwrap();
        let status = |status| tree.write(&format!("{SLOT}/power/runtime_status"), status);
        status("suspended\n");
        // A discovery does not forget the last reading.
        machine.rediscover();
        write_fdinfo(&tree, &text(500, 2000));
        let nap = machine.snapshot(id, 2).unwrap();
        let formula = machine.member(id).1.formula;
        let reading = formula.evaluate(&nap, Some(&before));
        assert_eq!(reading, Err(Fault::Asleep), "{id}");
        status("active\n");
        let now = machine.snapshot(id, 3).unwrap();
        // Half of the cycles since the last reading, which was before the nap.
        let Ok(Value::Number(share)) = formula.evaluate(&now, Some(&nap)) else {
            panic!("{id}: {now:?} after {nap:?}");
        };
        assert!((share - 50.0).abs() < 0.1, "{id}: {share}");
    }
}

#[test]
fn the_statistics_of_the_whole_gpu_are_better() {
    let stats = |timestamp: u64, render: u64| {
        format!(
            "queue\ttimestamp\tjobs\truntime\nbin\t{timestamp}\t2\t7\nrender\t{timestamp}\t3\t{render}\n"
        )
    };
    let (tree, mut machine) = gpu_with_client("v3d", "", &[("gpu_stats", &stats(1000, 100))]);
    let before = machine.snapshot("gpu/gpu0/usage", 1).unwrap();
    tree.write(&format!("{SLOT}/gpu_stats"), &stats(2000, 350));
    // A discovery does not forget the last reading.
    machine.rediscover();
    let now = machine.snapshot("gpu/gpu0/usage", 2).unwrap();
    let (_, metric) = machine.member("gpu/gpu0/usage");
    let reading = metric.formula.evaluate(&now, Some(&before));
    assert_eq!(reading, Ok(Value::Number(25.0)));
}

#[test]
fn the_mean_of_all_survives_gpus_that_come_and_go() {
    let stats = |timestamp: u64, render: u64| {
        format!("queue\ttimestamp\tjobs\truntime\nrender\t{timestamp}\t3\t{render}\n")
    };
    let (tree, mut machine) = gpu_with_client("v3d", "", &[("gpu_stats", &stats(1000, 100))]);
    let mut before = machine.snapshot("gpu/all/usage", 1).unwrap();
    let mut check = |seconds, busy| {
        tree.write(&format!("{SLOT}/gpu_stats"), &stats(1000 * seconds, busy));
        machine.rediscover();
        let now = machine.snapshot("gpu/all/usage", seconds).unwrap();
        let formula = machine.member("gpu/all/usage").1.formula;
        let reading = formula.evaluate(&now, Some(&before));
        assert_eq!(reading, Ok(Value::Number(25.0)), "{now:?} after {before:?}");
        before = now;
    };
    check(2, 350);
    // Before the other one, in the order of the addresses. It has no baseline yet.
    plug(
        &tree,
        "0000:02:00.0",
        "v3d",
        1,
        &[("gpu_stats", &stats(1000, 100))],
    );
    check(3, 600);
    let other = tree.roots().sys.join("devices/pci0000:00/0000:02:00.0");
    fs::remove_dir_all(&other).unwrap();
    fs::remove_file(tree.roots().sys.join("class/drm/card1")).unwrap();
    check(4, 850);
    plug(
        &tree,
        "0000:02:00.0",
        "v3d",
        1,
        &[("gpu_stats", &stats(5000, 100))],
    );
    check(5, 1100);
}
