use crate::reading::{Fault, Raw, Snapshot, Stamp};

use super::{super::record::a_break, *};

fn origin() -> Origin {
    Origin::of_process(&Roots::default()).unwrap()
}

/// A file with two layouts, some records and a snapshot.
fn file() -> Vec<u8> {
    file_of(&origin())
}

fn file_of(origin: &Origin) -> Vec<u8> {
    let mut table = Table::default();
    let ids: [Arc<str>; 3] = ["unused".into(), "a".into(), "b".into()];
    let second = Duration::from_secs(1);
    table.add_layout([Some((&ids[0], 1))].into_iter(), second);
    let one = table.add_layout([Some((&ids[1], 1)), None].into_iter(), second);
    let two = table.add_layout([Some((&ids[2], 2)), Some((&ids[1], 1))].into_iter(), second);
    for layout in [one, two] {
        table.layouts.get_mut(layout).unwrap().records = 100;
    }
    // The numbers of the rest do not begin with 0.
    table.drop_unused(u64::MAX);
    let mut ring = Ring::default();
    for moment in 0..100 {
        ring.push(
            &[
                u64::from(two),
                moment,
                moment,
                1.0_f64.to_bits(),
                2.0_f64.to_bits(),
            ],
            1 << 16,
        );
        ring.push(
            &[
                u64::from(one) | 1 << 32,
                moment,
                moment,
                1,
                3.0_f64.to_bits(),
            ],
            1 << 16,
        );
    }
    ring.push(&a_break(100, 100), 1 << 16);
    let columns = vec![
        Raw::Counter(u64::MAX),
        Raw::Number(1.5),
        Raw::Text("x".into()),
    ];
    let counters = LastCounters {
        source: 77,
        snapshot: Arc::new(Snapshot {
            stamp: Stamp {
                realtime: 1,
                monotonic: Duration::from_nanos(2),
                boottime: Duration::from_nanos(3),
            },
            columns,
        }),
    };
    encode(origin, &table, &ring, &[counters])
}

#[track_caller]
fn refuses(file: &[u8], expected: &str) {
    let error = decode(file, &origin(), 1000, 1 << 20).expect_err("this is refused");
    assert!(error.contains(expected), "{error}");
}

/// The file with a correct checksum.
fn with_checksum(mut file: Vec<u8>) -> Vec<u8> {
    let checksum = Fingerprint::new().bytes(&file[28..]).finish();
    file[20..28].copy_from_slice(&checksum.to_le_bytes());
    file
}

#[test]
fn what_is_written_is_read() {
    let content = decode(&file(), &origin(), 1000, 1 << 16).unwrap();
    let mut records = Vec::new();
    for mut words in content.ring.slices() {
        while let Some((record, rest)) = Record::split(words, |layout| content.table.width(layout))
        {
            let values: Vec<_> = (0..record.len())
                .filter_map(|column| Some((column, record.value(column)?)))
                .collect();
            let layout = record
                .layout
                .map(|layout| content.table.layouts.get(layout).unwrap());
            records.push((
                layout.map(|layout| layout.series.len()),
                record.moment,
                values,
            ));
            words = rest;
        }
        assert!(words.is_empty());
    }
    assert_eq!(records.len(), 201);
    assert_eq!(records[2], (Some(2), 1, vec![(0, 1.0), (1, 2.0)]));
    assert_eq!(records[3], (Some(2), 1, vec![(0, 3.0)]));
    assert_eq!(records[200], (None, 100, vec![]));
    assert!(content.table.find("a", 1).is_some() && content.table.find("b", 2).is_some());
    assert_eq!(content.table.find("unused", 1), None);
    let [counters] = &content.counters[..] else {
        panic!("{:?}", content.counters);
    };
    assert_eq!(counters.source, 77);
    let expected = [
        Raw::Counter(u64::MAX),
        Raw::Number(1.5),
        Raw::Fault(Fault::First),
    ];
    assert_eq!(counters.snapshot.columns, expected);
    assert_eq!(counters.snapshot.stamp.boottime, Duration::from_nanos(3));
}

#[test]
fn damaged_files_are_refused() {
    let file = file();
    refuses(b"", "it is no history");
    refuses(
        b"something else, of a length that a history could have",
        "it is no history",
    );
    refuses(&file[..17], "truncated");
    let mut version = file.clone();
    version[16] = 2;
    refuses(&version, "version 2");
    for at in 28..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        refuses(&damaged, "checksum");
    }
}

#[test]
fn truncated_files_are_refused() {
    let mut origin = origin();
    // Each place that the end can have in a word.
    for _ in 0..8 {
        origin.0[4].push(b'x');
        let file = file_of(&origin);
        for length in 20..file.len() {
            let error = decode(&file[..length], &origin, 1000, 1 << 20).err();
            assert_eq!(error.as_deref(), Some("its checksum is wrong"), "{length}");
        }
    }
}

#[test]
fn a_file_of_another_service_is_refused() {
    for (number, part) in PARTS.iter().enumerate() {
        let mut other = origin();
        other.0[number].push(b'x');
        let file = encode(&other, &Table::default(), &Ring::default(), &[]);
        refuses(&file, &format!("another {part}"));
    }
}

#[test]
fn no_content_makes_a_panic_or_much_memory() {
    let file = file();
    for at in 28..file.len() {
        for value in [0x00, 0x01, 0x7f, 0xff] {
            let mut damaged = file.clone();
            damaged[at] = value;
            decode(&with_checksum(damaged), &origin(), 1000, 1 << 16).ok();
        }
    }
    for length in 28..file.len() {
        let cut = with_checksum(file[..length].to_vec());
        refuses(&cut, "it is");
    }
    // A record of the future.
    let error = decode(&file, &origin(), 50, 1 << 16).expect_err("this is refused");
    assert_eq!(error, "it is malformed");
}
