mod unknown;

use std::fs;

use super::*;
use crate::source::tests::Tree;

const MILLISECOND: u64 = 1_000_000;
const IDLE: &str = "drm-client-id:\t7\ndrm-engine-render:\t0 ns";

/// Processes that have the GPU open. Their fdinfo files are rewritten between readings.
struct Programs {
    tree: Tree,
    clients: DrmClients,
    now: Duration,
}

impl Programs {
    fn new() -> Self {
        let tree = Tree::new();
        let nodes = DrmNodes {
            names: vec!["card0".into(), "renderD128".into()],
            displays: Vec::new(),
        };
        let clients = DrmClients::new(&tree.roots(), &tree.root, &nodes);
        Self {
            tree,
            clients,
            now: Duration::from_secs(1000),
        }
    }

    fn open(&self, file: &str, node: &str, fdinfo: &str) {
        let (process, number) = file.split_once('/').unwrap();
        let path = self.tree.roots().proc.join(process).join("fd");
        fs::create_dir_all(&path).unwrap();
        std::os::unix::fs::symlink(format!("/dev/dri/{node}"), path.join(number)).unwrap();
        self.write_fdinfo(file, fdinfo);
    }

    fn write_fdinfo(&self, file: &str, fdinfo: &str) {
        let (process, number) = file.split_once('/').unwrap();
        let text = format!("pos:\t0\nflags:\t02100002\ndrm-driver:\ti915\n{fdinfo}\n");
        self.tree
            .write(&format!("{process}/fdinfo/{number}"), &text);
    }

    #[track_caller]
    fn check_fault(&mut self, elapsed: u64, expected: Fault) {
        self.now += Duration::from_millis(elapsed);
        assert_eq!(self.clients.busy(self.now), Err(expected));
    }

    /// Checks by how many milliseconds the busy time grows in so many milliseconds.
    #[track_caller]
    fn check(&mut self, elapsed: u64, expected: u64) {
        let before = self.clients.busy;
        self.now += Duration::from_millis(elapsed);
        let busy = self
            .clients
            .busy(self.now)
            .map(|busy| (busy - before) / MILLISECOND);
        assert_eq!(busy, Ok(expected));
    }
}

#[test]
fn the_busiest_engine_of_all_clients_counts() {
    let mut gpu = Programs::new();
    gpu.open(
        "10/3",
        "renderD128",
        "drm-client-id:\t7\ndrm-engine-render:\t5000000000 ns",
    );
    gpu.open(
        "11/9",
        "card0",
        "drm-client-id:\t8\ndrm-engine-render:\t0 ns\ndrm-engine-video:\t0 ns",
    );
    gpu.open(
        "11/10",
        "renderD129",
        "drm-client-id:\t9\ndrm-engine-render:\t0 ns",
    );
    // The first reading has no earlier one to compare with.
    gpu.check(1000, 0);
    gpu.write_fdinfo(
        "10/3",
        "drm-client-id:\t7\ndrm-engine-render:\t5200000000 ns",
    );
    gpu.write_fdinfo(
        "11/9",
        "drm-client-id:\t8\ndrm-engine-render:\t100000000 ns\ndrm-engine-video:\t50000000 ns",
    );
    gpu.write_fdinfo(
        "11/10",
        "drm-client-id:\t9\ndrm-engine-render:\t900000000 ns",
    );
    gpu.check(1000, 300);
    gpu.check(1000, 0);
}

#[test]
fn files_of_one_client_count_once_and_a_closed_client_subtracts_nothing() {
    let mut gpu = Programs::new();
    for file in ["10/3", "10/4", "12/3"] {
        gpu.open(
            file,
            "renderD128",
            "drm-client-id:\t7\ndrm-engine-render:\t1000 ns",
        );
    }
    gpu.check(1000, 0);
    for file in ["10/3", "10/4", "12/3"] {
        gpu.write_fdinfo(file, "drm-client-id:\t7\ndrm-engine-render:\t400001000 ns");
    }
    gpu.check(1000, 400);
    fs::remove_file(gpu.tree.roots().proc.join("10/fdinfo/3")).unwrap();
    fs::remove_file(gpu.tree.roots().proc.join("10/fdinfo/4")).unwrap();
    gpu.write_fdinfo(
        "12/3",
        "drm-client-id:\t7\ndrm-engine-render:\t700001000 ns",
    );
    gpu.check(1000, 300);
    fs::remove_file(gpu.tree.roots().proc.join("12/fdinfo/3")).unwrap();
    gpu.check(1000, 0);
    assert!(gpu.clients.files.open.is_empty());
}

#[test]
fn new_clients_are_found_by_the_next_scan() {
    let mut gpu = Programs::new();
    gpu.check(0, 0);
    gpu.open(
        "10/3",
        "renderD128",
        "drm-client-id:\t7\ndrm-engine-render:\t1 ns",
    );
    gpu.check(1000, 0);
    assert!(gpu.clients.files.open.is_empty());
    gpu.check(4000, 0);
    gpu.write_fdinfo(
        "10/3",
        "drm-client-id:\t7\ndrm-engine-render:\t100000001 ns",
    );
    gpu.check(1000, 100);
}

#[test]
fn a_counter_that_goes_back_adds_nothing_until_it_catches_up() {
    let mut gpu = Programs::new();
    gpu.open(
        "10/3",
        "renderD128",
        "drm-client-id:\t7\ndrm-engine-render:\t500000000 ns",
    );
    gpu.check(1000, 0);
    gpu.write_fdinfo(
        "10/3",
        "drm-client-id:\t7\ndrm-engine-render:\t400000000 ns",
    );
    gpu.check(1000, 0);
    gpu.write_fdinfo(
        "10/3",
        "drm-client-id:\t7\ndrm-engine-render:\t510000000 ns",
    );
    gpu.check(1000, 10);
    // The growth is limited to the time that has passed.
    gpu.write_fdinfo(
        "10/3",
        "drm-client-id:\t7\ndrm-engine-render:\t99510000000 ns",
    );
    gpu.check(1000, 1000);
}

#[test]
fn cycles_are_a_share_of_those_that_passed() {
    let mut gpu = Programs::new();
    let xe = |cycles, passed| {
        format!(
            "drm-client-id:\t7\ndrm-cycles-vcs:\t{cycles}\ndrm-total-cycles-vcs:\t{passed}\ndrm-engine-capacity-vcs:\t2"
        )
    };
    gpu.open("10/3", "renderD128", &xe(100, 1000));
    gpu.check(1000, 0);
    gpu.write_fdinfo("10/3", &xe(200, 1200));
    gpu.check(500, 125);
    gpu.write_fdinfo("10/3", &xe(300, 1200));
    gpu.check(500, 0);
}

#[test]
fn an_engine_that_is_left_out_has_not_worked() {
    let mut gpu = Programs::new();
    let client = "drm-driver:\tamdgpu\ndrm-client-id:\t7";
    gpu.open("10/3", "renderD128", client);
    gpu.check(0, 0);
    gpu.write_fdinfo("10/3", &format!("{client}\ndrm-engine-gfx:\t200000000 ns"));
    gpu.check(1000, 200);
    // Of another driver, an engine without an earlier reading has no baseline.
    gpu.write_fdinfo("10/3", "drm-client-id:\t7\ndrm-engine-dec:\t900000000 ns");
    gpu.check(1000, 0);
    gpu.write_fdinfo("10/3", &format!("{client}\ndrm-engine-gfx:\t300000000 ns"));
    gpu.check(1000, 100);
}

#[test]
fn a_clock_that_begins_anew_is_a_reset() {
    let mut gpu = Programs::new();
    let xe = |cycles, total| {
        format!("drm-client-id:\t7\ndrm-cycles-rcs:\t{cycles}\ndrm-total-cycles-rcs:\t{total}")
    };
    gpu.open("10/3", "renderD128", &xe(100, 1000));
    gpu.check(0, 0);
    gpu.write_fdinfo("10/3", &xe(150, 40));
    gpu.check_fault(1000, Fault::Reset);
    gpu.write_fdinfo("10/3", &xe(200, 140));
    gpu.check(1000, 500);
}

#[test]
fn a_node_in_a_chroot_is_the_same_node() {
    let mut gpu = Programs::new();
    gpu.open("10/3", "../../srv/chroot/dev/dri/renderD128", IDLE);
    gpu.open("11/3", "renderD128 (deleted)", "");
    gpu.check(0, 0);
    assert_eq!(gpu.clients.files.open.len(), 1);
}
