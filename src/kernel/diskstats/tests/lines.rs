//! Parsing of lines.

use super::*;

/// The columns that a line fills.
fn fields(rest: &[u8]) -> Option<[Raw; FIELDS]> {
    let record = Diskstats::parse(rest)?;
    let mut columns = [const { Raw::Fault(Fault::Gone) }; FIELDS];
    Diskstats::write(&record, &mut columns);
    Some(columns)
}

#[track_caller]
fn check(rest: &str, expected: Option<[u64; 9]>) {
    let expected = expected.map(|columns| {
        let mut columns = columns.map(Raw::Counter);
        let in_flight = &mut columns[IN_FLIGHT - READS];
        if let Raw::Counter(count) = *in_flight {
            *in_flight = Raw::Number(count as f64);
        }
        columns
    });
    assert_eq!(fields(rest.as_bytes()), expected);
}

#[test]
fn lines_of_all_kernel_versions() {
    let expected = Some([1, 3, 4, 5, 7, 8, 9, 10, 11]);
    check(" 1 2 3 4 5 6 7 8 9 10 11", expected);
    check(" 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", expected);
    check(" 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", expected);
    // Partitions before Linux 2.6.25.
    check(" 1 2 3 4", None);
    check("", None);
    let negative = fields(b" 1 2 3 4 5 6 7 8 4294967295 10 11").unwrap();
    assert_eq!(negative[IN_FLIGHT - READS], Raw::Fault(Fault::Malformed));
    assert_eq!(negative[BUSY_TIME - READS], Raw::Counter(10));
}

#[test]
fn a_strange_field_affects_only_its_column() {
    let check = |rest: &str, columns: &[usize]| {
        let fields = fields(rest.as_bytes()).unwrap();
        for (index, field) in fields.iter().enumerate() {
            let is_malformed = *field == Raw::Fault(Fault::Malformed);
            assert_eq!(is_malformed, columns.contains(&(index + READS)), "{rest}");
        }
    };
    let too_large = "99999999999999999999";
    check(&format!("1 2 {too_large} 4 5 6 7 8 9 10 11"), &[READ]);
    check("1 2 3 4 5 6 7 -8 9 10 11", &[WRITE_TIME]);
    check("1 x 3 4 5 6 7 8 9 10 11 12 13 14 x", &[]);
    check("1 2 3 4 5 6 7 8 x 10 11", &[IN_FLIGHT]);
    check("1 2 3 4 5 6 7 8 9 10", &[QUEUE_TIME]);
    let many = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22";
    check(many, &[]);
}

#[test]
fn a_counter_of_milliseconds_wraps_alone() {
    let record = |read: u64, queue: u64| {
        let rest = format!("9 0 {read} 0 9 0 9 0 0 9 {queue}");
        Diskstats::parse(rest.as_bytes()).unwrap()
    };
    let is_reset = |before, now| Diskstats::is_reset(&before, &now);
    assert!(!is_reset(record(10, 5), record(20, 6)));
    assert!(is_reset(record(10, 5), record(9, 6)));
    assert!(is_reset(record(10, 5), record(20, 4)));
    // The kernel writes 32 bits of it.
    assert!(!is_reset(record(10, u32::MAX.into()), record(20, 4)));
    assert!(is_reset(record(u32::MAX.into(), 5), record(4, 5)));
}

#[test]
fn a_cut_line_affects_only_itself() {
    let text = line("sda", 100) + &line("sdb", 1000);
    let (tree, mut counters) = machine(&text);
    counters.discover().unwrap();
    tree.write("diskstats", &text[..text.len() - 2]);
    let columns = read(&mut counters);
    assert_eq!(columns[READ], Raw::Counter(100));
    assert_eq!(columns[WIDTH + READ], Raw::Fault(Fault::Malformed));
}
