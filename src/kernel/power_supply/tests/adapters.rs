//! Adapters.

use super::*;

#[track_caller]
fn check_adapter(kind: &str, attributes: &[(&str, &str)], expected: &[(&str, &str)]) {
    let tree = Tree::new();
    supply(&tree, "AC", kind, attributes);
    check(&shown(&tree.roots()), "AC", expected);
}

#[test]
fn an_adapter_has_the_metrics_of_its_files() {
    check_adapter("Mains", &[("online", "1")], &[("online", "1.000")]);
    check_adapter(
        "USB",
        &[
            ("online", "2"),
            ("voltage_now", "20000000"),
            ("current_now", "1500000"),
        ],
        &[
            ("online", "1.000"),
            ("voltage", "20.000"),
            ("current", "1.500"),
        ],
    );
}

#[test]
fn a_file_that_a_driver_adds_later_is_read() {
    let tree = Tree::new();
    let directory = supply(&tree, "AC", "Mains", &[("online", "1")]);
    let mut family = families(&tree.roots()).remove(0);
    let mut adapter = source(family.members().unwrap().remove(0));
    assert_eq!(discover(adapter.as_mut()).unwrap().len(), 1);
    tree.write(&format!("{directory}/voltage_now"), "5000000\n");
    let metrics = discover(adapter.as_mut()).unwrap();
    let columns = read(adapter.as_mut());
    let level = |id| crate::source::tests::level(&metrics, &columns, id);
    assert_eq!(level("power/AC/online"), 1.0);
    assert_eq!(level("power/AC/voltage"), 5.0);
}

#[test]
fn an_adapter_that_comes_back_with_more_files() {
    let tree = Tree::new();
    let directory = supply(&tree, "AC", "Mains", &[("online", "0")]);
    let mut family = families(&tree.roots()).remove(0);
    let mut adapter = source(family.members().unwrap().remove(0));
    assert_eq!(discover(adapter.as_mut()).unwrap().len(), 1);
    assert_eq!(read(adapter.as_mut())[0], Raw::Number(0.0));
    let sys = tree.roots().sys;
    fs::rename(sys.join(&directory), sys.join("removed")).unwrap();
    for (file, text) in [
        ("type", "Mains"),
        ("online", "1"),
        ("voltage_now", "9000000"),
    ] {
        tree.write(&format!("{directory}/{file}"), text);
    }
    assert_eq!(read(adapter.as_mut())[0], Raw::Fault(Fault::Gone));
    assert!(family.changed());
    assert!(discover(adapter.as_mut()).unwrap().is_empty());
    let mut adapter = source(family.members().unwrap().remove(0));
    let metrics = discover(adapter.as_mut()).unwrap();
    let columns = read(adapter.as_mut());
    let level = |id| crate::source::tests::level(&metrics, &columns, id);
    assert_eq!(
        [level("power/AC/online"), level("power/AC/voltage")],
        [1.0, 9.0]
    );
}
