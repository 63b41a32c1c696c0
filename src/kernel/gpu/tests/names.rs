//! Which devices are GPUs, and their names.

use super::*;

const PCI_IDS: &str = "1af4  Red Hat, Inc.\n\t1050  Virtio 1.0 GPU\n10de  NVIDIA Corporation\n";

fn plug_at(tree: &Tree, path: &str, driver: &str, nodes: &[&str], files: &[(&str, &str)]) {
    for node in nodes {
        tree.write(&format!("{path}/drm/{node}/dev"), "226:0\n");
        tree.link(&format!("class/drm/{node}"), &format!("{path}/drm/{node}"));
    }
    let link = tree.root.join(path).join("driver");
    symlink(format!("../../../bus/platform/drivers/{driver}"), link).unwrap();
    for (file, text) in files {
        tree.write(&format!("{path}/{file}"), text);
    }
}

#[track_caller]
fn check_name(machine: &mut Machine, id: &str, name: &str) {
    assert_eq!(machine.reading(id), Ok(Value::Text(name.into())), "{id}");
}

#[test]
fn a_virtio_gpu_is_the_pci_device_above() {
    let tree = Tree::new();
    tree.write("usr/share/hwdata/pci.ids", PCI_IDS);
    let pci = "devices/pci0000:00/0000:00:01.0";
    tree.write(&format!("{pci}/vendor"), "0x1af4\n");
    tree.write(&format!("{pci}/device"), "0x1050\n");
    let files = [("vendor", "0x1af4\n"), ("device", "0x0010\n")];
    let virtio = format!("{pci}/virtio0");
    plug_at(
        &tree,
        &virtio,
        "virtio_gpu",
        &["card0", "renderD128"],
        &files,
    );
    // A GPU that is passed through has a greater address.
    plug(&tree, "0000:07:00.0", "amdgpu", 1, &[ACTIVE]);
    let mut machine = Machine::new(&tree.roots());
    check_name(
        &mut machine,
        "gpu/gpu0/name",
        "Red Hat, Inc. Virtio 1.0 GPU",
    );
    let (_, usage) = machine.member("gpu/gpu0/usage");
    assert_eq!(&*usage.object.title, "Red Hat, Inc. Virtio 1.0 GPU");
}

#[test]
fn a_part_of_a_chip_has_the_name_of_the_device_tree() {
    let tree = Tree::new();
    let display = "devices/platform/display-subsystem";
    plug_at(&tree, display, "rockchip-drm", &["card0"], &[]);
    let uevent = "DRIVER=panfrost\nOF_NAME=gpu\nOF_COMPATIBLE_0=rockchip,rk3568-mali\nOF_COMPATIBLE_1=arm,mali-bifrost\n";
    let gpu = "devices/platform/fde60000.gpu";
    plug_at(
        &tree,
        gpu,
        "panfrost",
        &["card1", "renderD128"],
        &[("uevent", uevent)],
    );
    let mut machine = Machine::new(&tree.roots());
    check_name(&mut machine, "gpu/gpu0/name", "rockchip,rk3568-mali");
    let (_, usage) = machine.member("gpu/gpu0/usage");
    assert_eq!(&*usage.object.title, "GPU 0 (panfrost)");
    assert_eq!(machine.ids().len(), 3);
    fs::remove_file(tree.root.join(gpu).join("uevent")).unwrap();
    let both = "rockchip,rk3568-mali\0arm,mali-bifrost\0";
    tree.write(&format!("{gpu}/of_node/compatible"), both);
    let mut machine = Machine::new(&tree.roots());
    check_name(&mut machine, "gpu/gpu0/name", "rockchip,rk3568-mali");
    // The display controller of this chip has the render node of the GPU.
    let tree = Tree::new();
    let uevent = "DRIVER=msm_dpu\nOF_COMPATIBLE_0=qcom,sm8250-dpu\n";
    let path = "devices/platform/soc@0/ae01000.display-controller";
    plug_at(
        &tree,
        path,
        "msm_dpu",
        &["card0", "renderD128"],
        &[("uevent", uevent)],
    );
    let mut machine = Machine::new(&tree.roots());
    machine.check_fault("gpu/gpu0/name", Fault::Gone);
}

#[test]
fn the_module_of_a_driver_has_its_name() {
    let tree = Tree::new();
    let path = "devices/platform/ae01000.display-controller";
    for node in ["card0", "renderD128"] {
        tree.write(&format!("{path}/drm/{node}/dev"), "226:0\n");
        tree.link(&format!("class/drm/{node}"), &format!("{path}/drm/{node}"));
    }
    tree.link(&format!("{path}/driver"), "bus/platform/drivers/msm_dpu");
    tree.link("bus/platform/drivers/msm_dpu/module", "module/msm");
    let (_, usage) = Machine::new(&tree.roots()).member("gpu/gpu0/usage");
    assert_eq!(&*usage.object.title, "GPU 0 (msm)");
}

#[test]
fn a_device_that_only_shows_pictures_is_no_gpu() {
    let tree = Tree::new();
    let usb = "devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0";
    let bmc = "devices/pci0000:00/0000:03:00.0";
    plug_at(&tree, usb, "udl", &["card0"], &[]);
    plug_at(&tree, bmc, "ast", &["card1"], &[("vendor", "0x1a03\n")]);
    plug_at(
        &tree,
        "devices/platform/simple-framebuffer.0",
        "simple-framebuffer",
        &["card2"],
        &[],
    );
    // A device of the faux bus renders into memory.
    plug_at(
        &tree,
        "devices/faux/vgem",
        "faux_driver",
        &["card3", "renderD128"],
        &[],
    );
    tree.link("devices/faux/vgem/subsystem", "bus/faux");
    assert_eq!(Machine::new(&tree.roots()).ids(), [""; 0]);
}
