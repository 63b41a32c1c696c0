//! A long history: the file that a service has left, with its records repeated back into the past.
//!
//! The service that takes the file over is the measured one, so it cannot tell the difference: the metrics, their
//! definitions and the values are those that its predecessor has read.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::time::{ClockId, clock_gettime};

const MAGIC: &[u8] = b"sampled history\n";
const VERSION: u32 = 1;
/// The boot, the user, and three roots.
const ORIGIN: usize = 5;
/// The words of a record before its mask and its values: the layout, the moment, the timestamp.
const HEAD: usize = 3;
const HAS_MASK: u64 = 1 << 32;
const IS_BREAK: u64 = 1 << 33;

/// The file of the services with this runtime directory.
pub(crate) fn path(runtime: &Path) -> PathBuf {
    runtime.join("sampled/history")
}

/// Repeats the records of the file, `step` apart, so that there are `count` of them and the last one is of now.
pub(crate) fn stretch(file: &Path, count: u32, step: Duration) {
    repeat(file, step, |_| count);
}

/// Repeats the records of the file, `step` apart, so that they have about so many bytes.
pub(crate) fn fill(file: &Path, bytes: usize, step: Duration) {
    repeat(file, step, |records| {
        let average = 8 * records.concat().len() / records.len();
        u32::try_from(bytes / average).expect("a count")
    });
}

fn repeat(file: &Path, step: Duration, count: impl FnOnce(&[&[u64]]) -> u32) {
    let content = fs::read(file).expect("a service has left its history");
    let mut input = Input(&content);
    assert_eq!(input.take(MAGIC.len()), MAGIC);
    assert_eq!(input.number(), VERSION, "the format is another one");
    input.take(8);
    let body = input.0;
    (0..ORIGIN).for_each(|_| input.text());
    for _ in 0..input.number() {
        input.text();
        input.take(8);
    }
    let widths: Vec<usize> = (0..input.number())
        .map(|_| {
            input.take(8);
            let columns = input.number() as usize;
            input.take(4 * columns);
            columns
        })
        .collect();
    let head = &body[..body.len() - input.0.len()];
    let words = input.number() as usize;
    let words = input.take(8 * words).as_chunks().0;
    let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let records = records(&words, &widths);
    let count = count(&records);
    let mut out = Vec::new();
    let (boot, real) = (now(ClockId::CLOCK_BOOTTIME), now(ClockId::CLOCK_REALTIME));
    for number in 0..count {
        let record = records[number as usize % records.len()];
        let age = u64::try_from((step * (count - 1 - number)).as_micros()).expect("an age");
        // A machine that has just booted has no such past.
        let moment = boot.checked_sub(age).expect("it runs for long enough");
        out.extend([record[0], moment, real - age]);
        out.extend(&record[HEAD..]);
    }
    let mut new = head.to_vec();
    new.extend(u32::try_from(out.len()).expect("a count").to_le_bytes());
    out.iter().for_each(|word| new.extend(word.to_le_bytes()));
    new.extend(input.0);
    let mut all = [MAGIC, &VERSION.to_le_bytes()].concat();
    all.extend(checksum(&new).to_le_bytes());
    all.extend(new);
    fs::write(file, all).expect("the file");
}

/// The records with values.
fn records<'a>(mut words: &'a [u64], widths: &[usize]) -> Vec<&'a [u64]> {
    let mut records = Vec::new();
    while let Some(&first) = words.first() {
        let width = |layout: u64| widths[usize::try_from(layout).expect("a layout")];
        let length = match first {
            IS_BREAK => HEAD,
            first if first & HAS_MASK == 0 => HEAD + width(first),
            first => {
                let mask = width(first & !HAS_MASK).div_ceil(64);
                let values = words[HEAD..HEAD + mask].iter();
                HEAD + mask + values.map(|word| word.count_ones() as usize).sum::<usize>()
            }
        };
        let (record, rest) = words.split_at(length);
        if first != IS_BREAK {
            records.push(record);
        }
        words = rest;
    }
    records
}

/// The checksum of the file: FNV-1a over words, and over their length.
fn checksum(bytes: &[u8]) -> u64 {
    let word = |hash: u64, word: u64| {
        let mixed = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        mixed ^ mixed >> 32
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|bytes| u64::from_le_bytes(*bytes));
    let rest = rest.iter().map(|&byte| byte.into());
    let length = bytes.len() as u64;
    let all = words.chain(rest).chain([length]);
    all.fold(0xcbf2_9ce4_8422_2325, word)
}

/// The rest of the file.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn number(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().expect("four bytes"))
    }

    fn text(&mut self) {
        let length = self.number() as usize;
        self.take(length);
    }
}

fn now(clock: ClockId) -> u64 {
    let now: Duration = clock_gettime(clock).expect("the clocks of POSIX").into();
    u64::try_from(now.as_micros()).expect("microseconds")
}
