//! Clients that cannot be read, and drivers that tell nothing.

use super::{super::super::drm_files::Display, *};

impl Programs {
    /// A process whose open files cannot be listed. The directory is a link to itself here.
    fn hide(&self, process: &str, status: &str) {
        self.tree.write(&format!("{process}/status"), status);
        let fd = format!("{process}/fd");
        self.tree.link(&fd, &fd);
    }
}

const DAEMON: &str = "Uid:\t0\t0\t0\t0\nGroups:\t\n";
const COMPOSITOR: &str = "Uid:\t1000\t1000\t1000\t1000\nThreads:\t14\nCapPrm:\t0000000000800000\n";

#[test]
fn a_sum_without_the_compositor_is_denied() {
    let mut gpu = Programs::new();
    gpu.clients.files.user = 1000;
    gpu.open("10/3", "renderD128", IDLE);
    gpu.hide("1", DAEMON);
    gpu.check(0, 0);
    gpu.hide("1300", COMPOSITOR);
    gpu.check_fault(6000, Fault::Denied);
    // It has ended.
    fs::remove_dir_all(gpu.tree.root.join("1300")).unwrap();
    gpu.check(6000, 0);
    // A process without a status is not known to be harmless, but one that has just ended is.
    gpu.hide("1301", "");
    fs::remove_file(gpu.tree.root.join("1301/status")).unwrap();
    gpu.check_fault(6000, Fault::Denied);
}

#[test]
fn nothing_is_known_where_no_client_can_be_read() {
    let mut gpu = Programs::new();
    gpu.clients.files.user = 1000;
    gpu.check(0, 0);
    gpu.hide("1", DAEMON);
    gpu.check_fault(6000, Fault::Denied);
    gpu.open("10/3", "renderD128", IDLE);
    gpu.check(6000, 0);
}

#[test]
fn a_client_that_cannot_be_read_is_missed() {
    let mut gpu = Programs::new();
    gpu.open("10/3", "renderD128", IDLE);
    gpu.open("11/3", "renderD128", IDLE);
    fs::remove_file(gpu.tree.root.join("11/fdinfo/3")).unwrap();
    gpu.tree.link("11/fdinfo/3", "11/fdinfo/3");
    // The link leads to itself: ELOOP.
    gpu.check_fault(0, Fault::Stale);
    fs::remove_file(gpu.tree.root.join("11/fdinfo/3")).unwrap();
    gpu.check(1000, 0);
}

#[test]
fn somebody_draws_the_picture_of_a_display() {
    let mut gpu = Programs::new();
    let nodes = DrmNodes {
        names: vec!["renderD128".into()],
        displays: vec![Display {
            card: "card1".into(),
            device: gpu.tree.root.join("display"),
        }],
    };
    gpu.clients = DrmClients::new(&gpu.tree.roots(), &gpu.tree.root, &nodes);
    gpu.clients.files.user = 1000;
    gpu.open("10/3", "renderD128", IDLE);
    gpu.hide("1", DAEMON);
    let connector = "display/drm/card1/card1-HDMI-A-1/enabled";
    gpu.tree.write(connector, "disabled\n");
    gpu.check(0, 0);
    // An X server of root.
    gpu.tree.write(connector, "enabled\n");
    gpu.check_fault(6000, Fault::Denied);
    gpu.open("11/9", "card1", "drm-client-id:\t8");
    gpu.check(6000, 0);
}

#[test]
fn a_driver_without_statistics_is_no_idle_gpu() {
    let mut gpu = Programs::new();
    gpu.open("10/3", "renderD128", "");
    gpu.check_fault(0, Fault::Stale);
    gpu.check_fault(1000, Fault::Stale);
    // The number of the file is that of a socket now.
    fs::remove_file(gpu.tree.root.join("10/fd/3")).unwrap();
    gpu.check(1000, 0);
    gpu.open(
        "11/3",
        "renderD128",
        "drm-client-id:\t5\ndrm-maxfreq-fragment:\t799999987 Hz",
    );
    gpu.check_fault(6000, Fault::Stale);
    gpu.write_fdinfo("11/3", "drm-client-id:\t5\ndrm-engine-fragment:\t9 ns");
    gpu.check(1000, 0);
}

#[test]
fn statistics_that_are_switched_off_are_not_read() {
    let mut gpu = Programs::new();
    gpu.tree.write("profiling", "0\n");
    let nodes = DrmNodes::default();
    gpu.clients = DrmClients::new(&gpu.tree.roots(), &gpu.tree.root, &nodes);
    gpu.check_fault(0, Fault::Stale);
    gpu.tree.write("profiling", "1\n");
    gpu.check(1000, 0);
}

/// The kernel denies a directory to this thread, also where the tests run as root: capabilities to override permissions go
/// with the user of file accesses, credentials(7).
#[test]
fn a_directory_without_permission_is_denied() {
    let mut gpu = Programs::new();
    gpu.open("10/3", "renderD128", IDLE);
    gpu.tree.write("1300/status", COMPOSITOR);
    let fd = gpu.tree.root.join("1300/fd");
    fs::create_dir(&fd).unwrap();
    let mode = |mode| fs::set_permissions(&fd, std::os::unix::fs::PermissionsExt::from_mode(mode));
    mode(0).unwrap();
    let denied = std::thread::spawn(move || {
        nix::unistd::setfsuid(nix::unistd::Uid::from_raw(65534));
        let busy = gpu.clients.busy(gpu.now);
        nix::unistd::setfsuid(nix::unistd::Uid::current());
        (busy, gpu)
    });
    let (busy, _gpu) = denied.join().unwrap();
    // Without permission, a user who is not root cannot remove it.
    mode(0o700).unwrap();
    assert_eq!(busy, Err(Fault::Denied));
}
