mod trees;

use super::*;
use crate::source::tests::{fixture, level, read, roots};

fn columns(text: &str) -> Vec<Raw> {
    let mut columns = Vec::new();
    read_columns(text.as_bytes(), &mut Layout::default(), &mut columns).unwrap();
    columns
}

/// Checks the value of `id` after `from` has been replaced by `to` in the text of the laptop.
#[track_caller]
fn check(from: &str, to: &str, id: &str, expected: Result<f64, Fault>) {
    let text = fixture!("laptop/proc/meminfo");
    assert!(text.contains(from));
    let columns = columns(&text.replace(from, to));
    let column = METRICS.iter().position(|(object, property, ..)| {
        format!("{}/{}", OBJECTS[*object].0, property.id()) == id
    });
    assert_eq!(
        columns[column.unwrap()],
        expected.map_or_else(Raw::Fault, Raw::Number)
    );
}

const KB: f64 = 1024.0;

#[test]
fn quantities_of_ksysguard() {
    check("", "", "physical/total", Ok(16_000_000.0 * KB));
    check("", "", "physical/used", Ok(6_000_000.0 * KB));
    check("", "", "physical/usedPercent", Ok(37.5));
    check("", "", "physical/free", Ok(10_000_000.0 * KB));
    check("", "", "physical/freePercent", Ok(62.5));
    check("", "", "physical/application", Ok(4_000_000.0 * KB));
    check("", "", "physical/applicationPercent", Ok(25.0));
    check("", "", "physical/cache", Ok(7_500_000.0 * KB));
    check("", "", "physical/buffer", Ok(500_000.0 * KB));
    check("", "", "swap/total", Ok(8_000_000.0 * KB));
    check("", "", "swap/used", Ok(1_000_000.0 * KB));
    check("", "", "swap/usedPercent", Ok(12.5));
    check("", "", "swap/free", Ok(7_000_000.0 * KB));
    check("", "", "swap/freePercent", Ok(87.5));
}

#[test]
fn quantities_that_ksysguard_does_not_have() {
    check("", "", "physical/available", Ok(10_000_000.0 * KB));
    check("", "", "physical/shared", Ok(800_000.0 * KB));
    check("", "", "physical/slab", Ok(2_500_000.0 * KB));
    check("", "", "physical/dirty", Ok(120.0 * KB));
    check("", "", "hugepages/total", Ok(16.0 * 2048.0 * KB));
    check("", "", "hugepages/used", Ok(6.0 * 2048.0 * KB));
    check("", "", "hugepages/free", Ok(10.0 * 2048.0 * KB));
    let malformed = Err(Fault::Malformed);
    check("2048 kB", "2048", "hugepages/total", malformed);
    check(
        "Total:      16",
        "Total:      1",
        "hugepages/used",
        malformed,
    );
}

#[test]
fn huge_pages_where_the_kernel_has_them() {
    let ids = |machine| {
        let metrics = Memory::new(&roots(machine)).discover().unwrap();
        let ids = metrics.iter().map(|metric| metric.id.to_string());
        ids.filter(|id| id.contains("hugepages")).count()
    };
    assert_eq!((ids("laptop"), ids("server")), (3, 0));
}

#[test]
fn available_memory_before_linux_3_14() {
    let line = "MemAvailable:   10000000 kB\n";
    check(line, "", "physical/free", Ok(10_500_000.0 * KB));
    check(line, "", "physical/used", Ok(5_500_000.0 * KB));
}

#[test]
fn no_swap() {
    let (total, free) = ("SwapTotal:       8000000 kB", "SwapFree:        7000000 kB");
    let text = fixture!("laptop/proc/meminfo").replace(free, "SwapFree: 0 kB");
    let columns = columns(&text.replace(total, "SwapTotal: 0 kB"));
    let (zero, gone) = (Raw::Number(0.0), Raw::Fault(Fault::Gone));
    assert_eq!(
        columns[11..16],
        [zero.clone(), zero.clone(), gone.clone(), zero, gone]
    );
}

#[test]
fn a_bad_line_affects_only_its_own_columns() {
    for bad in ["x", "-1", "18014398509481984", "99999999999999999999", ""] {
        check(
            "2500000 kB",
            &format!("{bad} kB"),
            "physical/cache",
            Err(Fault::Malformed),
        );
        check(
            "2500000 kB",
            &format!("{bad} kB"),
            "physical/application",
            Err(Fault::Malformed),
        );
        check(
            "2500000 kB",
            &format!("{bad} kB"),
            "physical/used",
            Ok(6_000_000.0 * KB),
        );
    }
    check(
        "16000000",
        "9000000",
        "physical/used",
        Err(Fault::Malformed),
    );
    check("16000000", "0", "physical/bufferPercent", Err(Fault::Gone));
    check(
        "MemTotal:       16000000 kB",
        "MemTotal: 16000000",
        "physical/total",
        Err(Fault::Malformed),
    );
    assert_eq!(
        columns("MemTotal: 16 kB\nMemFree: 1")[0],
        Raw::Number(16.0 * KB)
    );
    assert_eq!(columns("MemTotal: 16 kB")[0], Raw::Fault(Fault::Malformed));
    assert!(read_columns(b"", &mut Layout::default(), &mut Vec::new()).is_err());
    assert!(
        read_columns(
            b"HugePages_Total: 0\n",
            &mut Layout::default(),
            &mut Vec::new()
        )
        .is_err()
    );
}

#[test]
fn maximums() {
    let mut laptop = Memory::new(&roots("laptop"));
    let metrics = laptop.discover().unwrap();
    let maximum = |id: &str| {
        metrics
            .iter()
            .find(|metric| &*metric.id == id)
            .unwrap()
            .maximum
    };
    assert_eq!(maximum("memory/physical/used"), Some(16_000_000.0 * KB));
    assert_eq!(maximum("memory/physical/usedPercent"), Some(100.0));
    assert_eq!(maximum("memory/swap/used"), Some(8_000_000.0 * KB));
    assert_eq!(maximum("memory/swap/total"), None);
    let mut server = Memory::new(&roots("server"));
    let metrics = server.discover().unwrap();
    assert_eq!(metrics[12].maximum, None);
    assert_eq!(
        level(&metrics, &read(&mut server), "memory/physical/total"),
        2_113_640_508.0 * KB
    );
}

#[test]
fn shares_of_swap_exist_while_there_is_swap() {
    let tree = crate::source::tests::Tree::new();
    let write = |total: u64| {
        let text = fixture!("laptop/proc/meminfo");
        let text = text.replace("8000000 kB", &format!("{total} kB"));
        tree.write(
            "meminfo",
            &text.replace("7000000 kB", &format!("{total} kB")),
        );
    };
    let mut memory = Memory::new(&tree.roots());
    let shares = |memory: &mut Memory| {
        let metrics = memory.discover().unwrap();
        let ids = metrics.iter().map(|metric| &*metric.id);
        ids.filter(|id| id.starts_with("memory/swap/") && id.ends_with("Percent"))
            .count()
    };
    write(0);
    assert_eq!(shares(&mut memory), 0);
    read(&mut memory);
    assert!(!memory.changed());
    write(8_000_000);
    read(&mut memory);
    assert!(memory.changed());
    assert_eq!(shares(&mut memory), 2);
    assert!(!memory.changed());
    write(0);
    read(&mut memory);
    assert!(memory.changed());
    assert_eq!(shares(&mut memory), 0);
}

#[test]
fn lines_that_move_are_found_again() {
    let mut layout = Layout::default();
    let mut total = |text: &str| {
        let mut columns = Vec::new();
        let outcome = read_columns(text.as_bytes(), &mut layout, &mut columns);
        outcome
            .ok()
            .map(|()| (columns[0].clone(), columns[11].clone()))
    };
    let kilobytes = |number: f64| Raw::Number(number * KB);
    let gone = Raw::Fault(Fault::Gone);
    let both = |one, other| Some((kilobytes(one), kilobytes(other)));
    assert_eq!(total("MemTotal: 1 kB\nSwapTotal: 2 kB\n"), both(1.0, 2.0));
    assert_eq!(total("MemTotal: 3 kB\nSwapTotal: 4 kB\n"), both(3.0, 4.0));
    assert_eq!(total("MemTotal: 10 kB\nSwapTotal: 5 kB\n"), both(10.0, 5.0));
    assert_eq!(total("SwapTotal: 6 kB\nMemTotal: 7 kB\n"), both(7.0, 6.0));
    assert_eq!(total("MemTotal: 8 kB\n"), Some((kilobytes(8.0), gone)));
    assert_eq!(total(""), None);
    assert_eq!(total("MemTotal: 1 kB\nSwapTotal: 2 kB\n"), both(1.0, 2.0));
}
