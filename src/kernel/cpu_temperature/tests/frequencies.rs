//! Frequencies, and CPUs that only some files know.

use super::*;

/// lxcfs provides `/proc/stat` of a container with two CPUs, which it numbers anew.
#[test]
fn sensors_of_cpus_of_the_host_are_none_of_a_container() {
    let tree = machine(4);
    for cpu in 0..8 {
        let file = format!("devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq");
        tree.write(&file, "800000\n");
    }
    let frequencies = |tree: &Tree| {
        let readings = both(&tree.roots()).into_keys();
        readings.filter(|id| id.ends_with("/frequency")).count()
    };
    assert_eq!(frequencies(&tree), 8);
    tree.write("stat", "cpu  1 1 1 1\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 1\n");
    assert_eq!(frequencies(&tree), 0);
    // The file of the container has its frequencies.
    let block = |cpu: u32| format!("processor\t: {cpu}\ncpu MHz\t\t: 2500.5\n\n");
    tree.write("cpuinfo", &(block(0) + &block(1)));
    assert_eq!(frequencies(&tree), 2);
    check(&tree.roots(), &[("all/averageFrequency", Ok(2500.5))]);
}

#[test]
fn a_frequency_that_is_not_known_is_left_out() {
    let tree = machine(1);
    for (cpu, text) in ["<unknown>\n", "1400000\n"].iter().enumerate() {
        tree.write(
            &format!("devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq"),
            text,
        );
    }
    check(
        &tree.roots(),
        &[
            ("cpu0/frequency", Err(Fault::Stale)),
            ("cpu1/frequency", Ok(1400.0)),
            ("all/minimumFrequency", Ok(1400.0)),
        ],
    );
}

#[test]
fn without_lists_the_directories_are_the_cpus() {
    let tree = machine(1);
    std::fs::remove_file(tree.root.join("devices/system/cpu/online")).unwrap();
    chip(
        &tree,
        0,
        "coretemp",
        &[("Package id 0", 50), ("Core 0", 51)],
    );
    for cpu in 0..2 {
        let directory = format!("devices/system/cpu/cpu{cpu}");
        std::fs::remove_dir_all(tree.root.join(&directory).join("topology")).unwrap();
        tree.write(
            &format!("{directory}/cpufreq/scaling_cur_freq"),
            "1400000\n",
        );
    }
    check(
        &tree.roots(),
        &[
            ("cpu0/temperature", Ok(51.0)),
            ("cpu1/temperature", Ok(50.0)),
            ("cpu1/frequency", Ok(1400.0)),
            ("all/averageTemperature", Ok(50.5)),
        ],
    );
}

#[test]
fn other_files_have_the_frequency() {
    let tree = machine(1);
    for (file, text) in [
        ("cpu0/cpufreq/scaling_cur_freq", "<unknown>"),
        ("cpu0/cpufreq/cpuinfo_avg_freq", "1600000"),
        ("cpufreq/policy1/related_cpus", "1"),
        ("cpufreq/policy1/cpuinfo_cur_freq", "1800000"),
    ] {
        tree.write(&format!("devices/system/cpu/{file}"), &format!("{text}\n"));
    }
    check(
        &tree.roots(),
        &[
            ("cpu0/frequency", Ok(1600.0)),
            ("cpu1/frequency", Ok(1800.0)),
            ("all/averageFrequency", Ok(1700.0)),
        ],
    );
}

#[test]
fn a_virtual_machine_has_the_frequencies_of_cpuinfo() {
    let tree = machine(1);
    let block = |cpu: u32, text: &str| format!("processor\t: {cpu}\ncpu MHz\t\t: {text}\n\n");
    tree.write("cpuinfo", &(block(0, "2669.291") + &block(1, "2671.709")));
    check(
        &tree.roots(),
        &[
            ("cpu0/frequency", Ok(2669.291)),
            ("cpu1/frequency", Ok(2671.709)),
            ("all/averageFrequency", Ok(2670.5)),
            ("all/maximumFrequency", Ok(2671.709)),
        ],
    );
    // cpufreq was loaded: its files count.
    let pool = Pool::new();
    let mut family = cpufreq::family(&tree.roots(), &pool);
    let before = family.members().unwrap();
    assert_eq!(before.len(), 1);
    for cpu in 0..2 {
        let file = format!("devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq");
        tree.write(&file, "1400000\n");
    }
    assert_eq!(family.members().unwrap().len(), 3);
    assert!(before[0].presence.is_gone());
}

#[test]
fn a_container_that_numbers_its_cpus_anew() {
    let tree = machine(2);
    tree.write("stat", "cpu  1 1 1 1\ncpu0 1 1 1 1\nintr 1\n");
    tree.write("cpuinfo", "processor\t: 0\ncpu MHz\t\t: 1200.5\n");
    chip(&tree, 0, "k10temp", &[("Tctl", 60)]);
    for cpu in 0..4 {
        let file = format!("devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq");
        tree.write(&file, "1400000\n");
    }
    // Which of the host's CPUs it has is not known.
    let readings = both(&tree.roots());
    assert_eq!(readings["cpu/cpu0/frequency"], Ok(1200.5));
    assert_eq!(readings["cpu/all/maximumTemperature"], Ok(60.0));
    assert_eq!(readings.len(), 3 + 1 + 3);
    std::fs::remove_file(tree.root.join("cpuinfo")).unwrap();
    let readings = both(&tree.roots());
    assert_eq!(readings.len(), 3);
}
