use super::*;

#[test]
fn a_suspended_gpu_is_not_read() {
    // In the fixture the files of the suspended GPU are directories: every read of one would fail.
    let mut desktop = Machine::new(&roots("desktop"));
    let ids: Vec<_> = desktop.ids().into_iter().map(str::to_owned).collect();
    let asleep: Vec<_> = ids
        .iter()
        .filter(|id| id.starts_with("gpu/gpu1/"))
        .collect();
    assert_eq!(asleep.len(), 8);
    asleep
        .iter()
        .for_each(|id| desktop.check_fault(id, Fault::Asleep));

    let tree = Tree::new();
    let load = ("gpu_busy_percent", "5\n");
    plug(
        &tree,
        "0000:03:00.0",
        "amdgpu",
        0,
        &[("power/runtime_status", "suspended\n"), load],
    );
    let mut machine = Machine::new(&tree.roots());
    // Discovery reads the power state alone.
    assert_eq!(tree.descriptors(), 1);
    for id in ["gpu/gpu0/usage", "gpu/all/usage", "gpu/gpu0/name"] {
        machine.check_fault(id, Fault::Asleep);
    }
    let open = fs::read_dir("/proc/self/fd").unwrap();
    let open = open.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
    let root = tree.roots().sys;
    let open: Vec<_> = open.filter(|path| path.starts_with(&root)).collect();
    assert_eq!(open, [root.join(SLOT).join("power/runtime_status")]);
    // The power state is read again at each reading.
    tree.write(&format!("{SLOT}/power/runtime_status"), "active\n");
    machine.check("gpu/gpu0/usage", 5.0);
    tree.write(&format!("{SLOT}/power/runtime_status"), "suspending\n");
    machine.check_fault("gpu/gpu0/usage", Fault::Asleep);
}
