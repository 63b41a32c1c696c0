//! Readings from trees of files: a container, a kernel that lacks lines, ZFS.

use super::*;

/// Checks the readings of the metrics that `memory` lists, in a tree with these files.
#[track_caller]
fn check_tree(files: &[(&str, &str)], expected: &[(&str, Result<f64, Fault>)], absent: &[&str]) {
    let tree = crate::source::tests::Tree::new();
    for (path, text) in files {
        tree.write(path, text);
    }
    let mut memory = Memory::new(&tree.roots());
    let metrics = memory.discover().unwrap();
    let columns = read(&mut memory);
    let reading = |id: &str| {
        let metric = metrics
            .iter()
            .find(|metric| *metric.id == *format!("memory/{id}"))?;
        let Formula::Level(column) = metric.formula else {
            panic!("{metric:?}");
        };
        Some(columns[column].clone())
    };
    for (id, expected) in expected {
        let expected = expected.map_or_else(Raw::Fault, Raw::Number);
        assert_eq!(reading(id), Some(expected), "{id}");
    }
    for id in absent {
        assert_eq!(reading(id), None, "{id}");
    }
}

/// A container of lxcfs: the whole is the limit of the container, and a part is that of the host.
#[test]
fn a_part_is_at_most_its_whole() {
    let text = "MemTotal: 1000 kB\nMemFree: 900 kB\nMemAvailable: 1100 kB\nBuffers: 0 kB\nCached: 2000 kB\nSwapTotal: 500 kB\nSwapFree: 700 kB\nDirty: 3000 kB\nShmem: 4000 kB\nSlab: 5000 kB\nSReclaimable: 9000 kB\nHugePages_Total: 2\nHugePages_Free: 3\nHugepagesize: 2048 kB\n";
    let (whole, unknown) = (Ok(1000.0 * KB), Err(Fault::Malformed));
    check_tree(
        &[("meminfo", text)],
        &[
            ("physical/available", whole),
            ("physical/free", whole),
            ("physical/freePercent", Ok(100.0)),
            ("physical/used", unknown),
            ("physical/application", unknown),
            ("physical/cache", whole),
            ("physical/cachePercent", Ok(100.0)),
            ("physical/shared", whole),
            ("physical/slab", whole),
            ("physical/dirty", whole),
            ("swap/free", Ok(500.0 * KB)),
            ("swap/freePercent", Ok(100.0)),
            ("swap/used", unknown),
            ("hugepages/free", Ok(2.0 * 2048.0 * KB)),
            ("hugepages/used", unknown),
        ],
        &[],
    );
    // The other lines are those of the container. SReclaimable is that of the host, and no more than Slab.
    let text = "MemTotal: 1000 kB\nMemFree: 500 kB\nMemAvailable: 1100 kB\nCached: 300 kB\nSwapTotal: 0 kB\nSwapFree: 700 kB\nShmem: 100 kB\nSlab: 0 kB\nSReclaimable: 9000 kB\n";
    check_tree(
        &[("meminfo", text)],
        &[
            ("physical/available", Ok(700.0 * KB)),
            ("physical/used", Ok(300.0 * KB)),
            ("swap/free", Ok(0.0)),
            ("swap/used", Ok(0.0)),
        ],
        &["swap/freePercent"],
    );
}

#[test]
fn a_line_that_the_kernel_does_not_have_is_not_missed() {
    // gVisor does not tell of the slab.
    let text = fixture!("laptop/proc/meminfo").replace("Slab:", "Slob:");
    check_tree(
        &[("meminfo", &text)],
        &[
            ("physical/cache", Ok(5_000_000.0 * KB)),
            ("physical/application", Ok(6_500_000.0 * KB)),
        ],
        &["physical/slab"],
    );
    // WSL 1.
    let text = "MemTotal: 1000 kB\nMemFree: 400 kB\nHighTotal: 0 kB\nHighFree: 0 kB\nSwapTotal: 10 kB\nSwapFree: 4 kB\n";
    check_tree(
        &[("meminfo", text)],
        &[
            ("physical/available", Ok(400.0 * KB)),
            ("physical/used", Ok(600.0 * KB)),
            ("swap/used", Ok(6.0 * KB)),
        ],
        &[
            "physical/cache",
            "physical/application",
            "physical/buffer",
            "physical/shared",
            "physical/dirty",
            "hugepages/total",
            "physical/arc",
        ],
    );
}

const ARCSTATS: &str = "spl/kstat/zfs/arcstats";

fn arcstats(size: u64) -> String {
    let (c_min, size) = (1_000_000 * 1024, size * 1024);
    format!("13 1 0x01 2 99 1 2\nname type data\nc_min 4 {c_min}\nsize  4  {size}\n")
}

/// ZFS gives back its cache down to c_min. The laptop has 16,000,000 kB, of which 10,000,000 are available.
#[test]
fn the_cache_of_zfs_is_not_in_use() {
    let meminfo = ("meminfo", fixture!("laptop/proc/meminfo"));
    check_tree(
        &[meminfo, (ARCSTATS, &arcstats(3_000_000))],
        &[
            ("physical/arc", Ok(3_000_000.0 * KB)),
            ("physical/available", Ok(12_000_000.0 * KB)),
            ("physical/used", Ok(4_000_000.0 * KB)),
            ("physical/application", Ok(2_000_000.0 * KB)),
            ("physical/cache", Ok(7_500_000.0 * KB)),
        ],
        &[],
    );
    check_tree(
        &[meminfo, (ARCSTATS, &arcstats(500_000))],
        &[
            ("physical/arc", Ok(500_000.0 * KB)),
            ("physical/used", Ok(6_000_000.0 * KB)),
        ],
        &[],
    );
    // The file of another memory: the container of a host.
    let own = ("physical/used", Ok(6_000_000.0 * KB));
    check_tree(
        &[meminfo, (ARCSTATS, &arcstats(15_000_000))],
        &[own],
        &["physical/arc"],
    );
    let mount = "9 8 0:61 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw\n";
    check_tree(
        &[
            meminfo,
            (ARCSTATS, &arcstats(3_000_000)),
            ("self/mountinfo", mount),
        ],
        &[own],
        &["physical/arc"],
    );
    // A size that is not a number makes unknown what depends on it, and nothing else.
    let unknown = Err(Fault::Malformed);
    check_tree(
        &[meminfo, (ARCSTATS, "c_min 4 1\nsize 4 -1\n")],
        &[
            ("physical/arc", unknown),
            ("physical/used", unknown),
            ("physical/cache", Ok(7_500_000.0 * KB)),
        ],
        &[],
    );
}
