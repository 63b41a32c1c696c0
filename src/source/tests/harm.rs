//! Texts that no kernel should write.

use std::path::Path;

use super::*;
use crate::reading::{Snapshot, Stamp, Value};

/// Whatever the kernel writes, no parser panics, overflows or makes an infinite number.
#[test]
fn no_text_does_harm() {
    let cpus: Vec<Vec<u8>> = ["cpu", "cpu0", "cpu1", "cpu2", "cpu3"]
        .map(Vec::from)
        .into();
    let check = |text: &[u8]| {
        let mut columns = Vec::new();
        let _ = cpu::read_columns(text, &cpus, &mut columns);
        let _ = memory::read_columns(text, &mut memory::Layout::default(), &mut columns);
        let _ = loadavg::read_columns(text, &mut columns);
        let numbers = columns
            .iter()
            .filter(|column| matches!(column, Raw::Number(_)));
        assert!(
            numbers
                .map(number_of)
                .chain(os::uptime(text))
                .all(|number| number.is_finite() && number >= 0.0)
        );
        cpu_names::names(text);
        os_release::facts(text);
        parse::list(text);
    };
    let texts = [
        fixture!("laptop/proc/stat"),
        fixture!("laptop/proc/meminfo"),
        fixture!("laptop/proc/loadavg"),
        fixture!("laptop/proc/uptime"),
        fixture!("laptop/proc/cpuinfo"),
        fixture!("laptop/etc/os-release"),
        fixture!("laptop/sys/devices/system/cpu/online"),
        fixture!("stat/too-large"),
        fixture!("cpuinfo/arm64"),
        &fixture!("server/proc/stat")[..1500],
    ];
    torment(&texts, check);
}

/// The same of what counts devices.
#[test]
fn no_text_of_devices_does_harm() {
    let check = |text: &[u8]| {
        let mut columns = Vec::new();
        disk::check_text(text);
        network::check_text(text);
        pressure::read_columns(text, &mut columns);
        let _ = vmstat::read_columns(text, &mut vmstat::Layout::default(), &mut columns);
    };
    let texts = [
        fixture!("laptop/proc/diskstats"),
        fixture!("laptop/proc/1/mountinfo"),
        fixture!("laptop/proc/net/dev"),
        fixture!("laptop/proc/net/route"),
        fixture!("laptop/proc/net/ipv6_route"),
        fixture!("laptop/proc/net/wireless"),
        fixture!("laptop/proc/pressure/io"),
        &fixture!("laptop/proc/vmstat")[1500..2100],
        fixture!("laptop/etc/resolv.conf"),
    ];
    torment(&texts, check);
}

/// The same of whole machines: whatever is in the files of their sources, and however that changes.
#[test]
fn no_machine_does_harm() {
    let rounds = std::env::var("HARM_ROUNDS").ok();
    let rounds = rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..rounds {
        for machine in ["laptop", "desktop", "raspberry"] {
            let tree = Tree::new();
            let root = tree.roots().root;
            let files = copy(&roots(machine).root, &root);
            let roots = Roots {
                proc: root.join("proc"),
                sys: root.join("sys"),
                root,
            };
            let mut sources = all(&roots);
            let mut before: Vec<Option<Snapshot>> = Vec::new();
            for _ in 0..3 {
                let mut at = 0;
                while at < sources.len() {
                    let what = format!("round {round} of {machine}");
                    let metrics =
                        unharmed(&what, discover(sources[at].as_mut())).unwrap_or_default();
                    let members = unharmed(&what, sources[at].members());
                    let members = members.unwrap_or_default().into_iter();
                    sources.extend(members.map(|member| member.source));
                    begin(sources[at].as_mut());
                    let mut columns = Vec::new();
                    let _ = unharmed(&what, sources[at].read(&mut columns));
                    let stamp = Stamp::now();
                    let now = Snapshot { stamp, columns };
                    before.resize(sources.len(), None);
                    for metric in metrics {
                        let reading = metric.formula.evaluate(&now, before[at].as_ref());
                        if let Ok(Value::Number(number)) = reading {
                            assert!(number.is_finite(), "{what}: {}", metric.id);
                        }
                    }
                    before[at] = Some(now);
                    at += 1;
                }
                for (path, text) in &files {
                    fs::write(path, random.harm(text)).unwrap();
                }
            }
        }
    }
}

/// Panics where the code that is called has panicked on the pool.
#[track_caller]
fn unharmed<T>(what: &str, outcome: Result<T, Error>) -> Result<T, Error> {
    if let Err(Error::Panicked(how)) = &outcome {
        panic!("{what}: {how}");
    }
    outcome
}

/// Copies a directory and all that is in it; the files, and what they say.
pub(super) fn copy(from: &Path, to: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut open = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = open.pop() {
        for entry in fs::read_dir(&from).unwrap() {
            let entry = entry.unwrap();
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                fs::create_dir_all(&to).unwrap();
                open.push((from, to));
            } else if kind.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(&from).unwrap(), &to).unwrap();
            } else {
                let text = fs::read(&from).unwrap();
                fs::write(&to, &text).unwrap();
                files.push((to, text));
            }
        }
    }
    files
}

/// Has each text checked at every length, with bits that are wrong, and with numbers too large.
pub(in crate::source) fn torment(texts: &[&str], check: impl Fn(&[u8])) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for text in texts.iter().map(|text| text.as_bytes()) {
        for length in 0..=text.len() {
            check(&text[..length]);
            let mut flipped = text.to_vec();
            for _ in 0..=random.below(3) {
                flipped[random.below(text.len())] ^= 1 << random.below(8);
            }
            check(&flipped);
            // More digits than fit, where there was one.
            let mut longer = text.to_vec();
            if let Some(digit) = text[random.below(text.len())..]
                .iter()
                .position(u8::is_ascii_digit)
            {
                longer.splice(digit..digit, *b"9999999999999999999");
            }
            check(&longer);
        }
    }
}

/// Marsaglia's xorshift: the same numbers at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// A text that is mostly this one.
    fn harm(&mut self, text: &[u8]) -> Vec<u8> {
        const NUMBERS: [&[u8]; 6] = [
            b"18446744073709551615",
            b"99999999999999999999",
            b"-9223372036854775808",
            b"4294967295",
            b"0",
            b"",
        ];
        let mut text = text.to_vec();
        for _ in 0..self.below(4) {
            if text.is_empty() {
                break;
            }
            let place = self.below(text.len());
            match self.below(4) {
                0 => text.truncate(place),
                1 => text[place] ^= 1 << self.below(8),
                _ => {
                    let is_digit = |byte: &u8| byte.is_ascii_digit();
                    let length = text[place..]
                        .iter()
                        .take_while(|byte| is_digit(byte))
                        .count();
                    let number = NUMBERS[self.below(NUMBERS.len())];
                    text.splice(place..place + length, number.iter().copied());
                }
            }
        }
        text
    }
}
