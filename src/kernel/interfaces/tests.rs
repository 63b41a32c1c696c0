use super::*;
use crate::source::tests::Tree;

#[test]
fn a_name_may_have_any_other_sign() {
    let text = b"Inter-|   Receive |  Transmit\n face |bytes |bytes\n  lo: 1\n a|b: 1\nwlan*0:1\n\xff\"[\\: 1\n";
    let names = parse_names(text);
    let expected: [&[u8]; 4] = [b"lo", b"a|b", b"wlan*0", b"\xff\"[\\"];
    assert_eq!(names, expected);
    let roots = Roots::default();
    let directory = sysfs_directory(&roots, b"\xff");
    assert_eq!(directory.as_os_str().as_bytes(), b"/sys/class/net/\xff");
}

#[test]
fn sysfs_lists_the_interfaces_where_procfs_does_not() {
    let tree = Tree::new();
    tree.write("sys/class/net/bonding_masters", "bond0\n");
    tree.write("sys/class/net/eth0/operstate", "up\n");
    let roots = Roots {
        proc: tree.root.join("proc"),
        sys: tree.root.join("sys"),
        root: tree.root.clone(),
    };
    assert_eq!(list_names(&roots).unwrap(), [b"eth0"]);
    tree.write("proc/self/net/dev", "wlan0: 1 2\n");
    assert_eq!(list_names(&roots).unwrap(), [b"wlan0"]);
    tree.write("proc/net/dev", "eth1: 1 2\n");
    assert_eq!(list_names(&roots).unwrap(), [b"eth1"]);
    let nothing = Roots {
        proc: tree.root.join("none"),
        sys: tree.root.join("none"),
        root: tree.root.clone(),
    };
    let error = list_names(&nothing).unwrap_err().to_string();
    assert!(error.contains("none/net/dev: "), "{error}");
}
