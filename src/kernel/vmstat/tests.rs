use super::*;
use crate::source::tests::{Tree, fixture, read, roots};

fn columns(text: &str, layout: &mut Layout<7>) -> Option<Vec<Raw>> {
    let mut columns = Vec::new();
    read_columns(text.as_bytes(), layout, &mut columns).ok()?;
    Some(columns)
}

#[track_caller]
fn check(text: &str, expected: Option<[Result<u64, Fault>; 7]>) {
    let expected = expected.map(|columns| {
        let columns = columns.into_iter();
        columns.map(|column| column.map_or_else(Raw::Fault, Raw::Counter))
    });
    assert_eq!(
        columns(text, &mut Layout::default()),
        expected.map(Iterator::collect)
    );
}

#[test]
fn counters() {
    const GONE: Result<u64, Fault> = Err(Fault::Gone);
    let malformed = Err(Fault::Malformed);
    check(
        "nr_free_pages 5\npgpgin 1\npgpgout 2\npswpin 3\npswpout 4\npgfault 5\npgmajfault 6\noom_kill 7\n",
        Some([1, 2, 3, 4, 5, 6, 7].map(Ok)),
    );
    check(
        "oom_kill 7\nxpgpgin 1\npgpgin x\npgpgout 2",
        Some([malformed, malformed, GONE, GONE, GONE, GONE, Ok(7)]),
    );
    check("nr_free_pages 5\n", None);
    check("", None);
}

#[test]
fn lines_that_move_are_found_again() {
    let text = fixture!("laptop/proc/vmstat");
    let mut layout = Layout::default();
    let first = columns(text, &mut layout);
    for longer in [
        text.replacen(' ', " 12", 5),
        text.replacen(' ', " 1", 60),
        format!("{}{text}", "nr_new 1\n".repeat(100)),
        text.replace("pgpgout", "new 1\npgpgout"),
        text.to_owned(),
    ] {
        let again = columns(&longer, &mut layout);
        assert_eq!(again, columns(&longer, &mut Layout::default()));
        assert_eq!(again.unwrap()[6], first.as_ref().unwrap()[6]);
    }
}

#[test]
fn a_kernel_without_oom_kill_has_no_such_metric() {
    let tree = Tree::new();
    tree.write("vmstat", "pgpgin 1\npgpgout 2\n");
    let mut vmstat = VmStat::new(&tree.roots());
    assert_eq!(vmstat.discover().unwrap().len(), 2);
    assert_eq!(read(&mut vmstat)[1], Raw::Counter(2));
}

#[test]
fn fixtures() {
    let mut laptop = VmStat::new(&roots("laptop"));
    assert_eq!(laptop.discover().unwrap().len(), 7);
    assert_eq!(
        read(&mut laptop),
        [9510317, 12863868, 12, 34, 75786585, 12303, 2].map(Raw::Counter)
    );
}
