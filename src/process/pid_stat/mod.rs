//! Parses `/proc/PID/stat`.

mod fields;

use std::io::BufRead;

use crate::source::parse;

use self::fields::Fields;

/// The fields of proc_pid_stat(5) that are in use here; none for a field that is no number of its type. One such field
/// says nothing about the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PidStat<'a> {
    /// comm: the name that the process gave itself. It may contain any byte but zero.
    pub(crate) name: &'a [u8],
    pub(crate) state: Option<u8>,
    pub(crate) parent: Option<u32>,
    /// `PF_*` of include/linux/sched.h.
    pub(crate) flags: Option<u64>,
    /// utime and stime, in ticks.
    pub(crate) used: Option<u64>,
    pub(crate) nice: Option<i8>,
    pub(crate) threads: Option<u32>,
    /// starttime, in ticks since boot.
    pub(crate) start: Option<u64>,
    /// rss, in pages.
    pub(crate) rss: Option<u64>,
}

/// The longest name that the kernel writes, for its own threads: `proc_task_name` of fs/proc/array.c, with
/// `WQ_WORKER_COMM_LEN`.
const LONGEST_NAME: usize = 64;

impl<'a> PidStat<'a> {
    /// Parses the file; none if it ends before the start time. Returns the length of the text up to the last of these
    /// fields as well.
    pub(crate) fn parse(text: &'a [u8]) -> Option<(Self, usize)> {
        let (_, named) = parse::split(text, b'(')?;
        let name = &named[..last_parenthesis(named.get(..=LONGEST_NAME).unwrap_or(named))?];
        let [b')', b' ', rest @ ..] = &named[name.len()..] else {
            return None;
        };
        let mut fields = Fields(rest);
        let state = match rest {
            [state, b' ', ..] => Some(*state),
            _ => None,
        };
        fields.skip(1)?;
        let parent = fields.number()?;
        fields.skip(4)?;
        let flags = fields.number()?;
        fields.skip(4)?;
        let times = [fields.number()?, fields.number()?];
        fields.skip(3)?;
        let nice = fields.signed()?;
        let threads = fields.number()?;
        fields.skip(1)?;
        let start = fields.number()?;
        let rss = fields.skip(1).and_then(|()| fields.number());
        let stat = Self {
            name,
            state,
            parent: parent.and_then(|parent| parent.try_into().ok()),
            flags,
            used: cpu_time(times),
            nice: nice.and_then(|nice| nice.try_into().ok()),
            threads: threads.and_then(|threads| threads.try_into().ok()),
            start,
            // A line that is cut may have lost digits.
            rss: rss.or_else(|| text.ends_with(b"\n").then_some(None))?,
        };
        Some((stat, text.len().checked_sub(fields.0.len())?))
    }

    /// Whether it is a kernel thread: `PF_KTHREAD` of include/linux/sched.h.
    pub(crate) fn is_kernel_thread(&self) -> bool {
        self.flags.is_some_and(|flags| flags & 0x0020_0000 != 0)
    }
}

/// The sum of the times; none if one is negative, which the kernel writes as a number from 2^63.
fn cpu_time(times: [Option<u64>; 2]) -> Option<u64> {
    let [utime, stime] = times.map(|time| i64::try_from(time?).ok());
    utime?.cast_unsigned().checked_add(stime?.cast_unsigned())
}

/// The offset of the end of the name. The name may contain parentheses; the rest of the line does not.
fn last_parenthesis(text: &[u8]) -> Option<usize> {
    let mut rest = text;
    let mut last = None;
    while !rest.is_empty() {
        // The memchr of the standard library. A read from memory does not fail.
        rest.skip_until(b')').ok()?;
        let read = &text[..text.len().saturating_sub(rest.len())];
        if let [name @ .., b')'] = read {
            last = Some(name.len());
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "S 1 7 7 0 -1 4194304 1 2 3 4 50 60 7 8 39 -19 12 0 990 1234567 345 18446744073709551615 1\n";

    #[track_caller]
    fn check(name: &str) {
        let text = format!("7 ({name}) {REST}");
        let expected = PidStat {
            name: name.as_bytes(),
            state: Some(b'S'),
            parent: Some(1),
            flags: Some(4_194_304),
            used: Some(110),
            nice: Some(-19),
            threads: Some(12),
            start: Some(990),
            rss: Some(345),
        };
        let (stat, length) = PidStat::parse(text.as_bytes()).unwrap();
        assert_eq!(stat, expected);
        assert!(text[..length].ends_with(" 345 "));
    }

    #[test]
    fn names_may_contain_parentheses_and_newlines() {
        check("bash");
        check("");
        check("(sd-pam)");
        check("a) R 1 (b");
        check(") S 2 7 7");
        check("two\nlines");
        check("kworker/R-a name as long as the kernel ever writes, and it does");
    }

    #[test]
    fn kernel_threads_have_a_flag() {
        let text = format!("2 (kthreadd) {REST}").replace("4194304", "2129984");
        assert!(
            PidStat::parse(text.as_bytes())
                .unwrap()
                .0
                .is_kernel_thread()
        );
        let text = format!("2 (kthreadd) {REST}");
        assert!(
            !PidStat::parse(text.as_bytes())
                .unwrap()
                .0
                .is_kernel_thread()
        );
    }

    #[test]
    fn a_cut_line_is_none() {
        let text = format!("7 (bash) {REST}");
        let whole = text.find(" 184467").unwrap() + 1;
        for length in 0..text.len() {
            let parsed = PidStat::parse(&text.as_bytes()[..length]);
            assert_eq!(parsed.is_some(), length >= whole, "{length}");
        }
    }

    #[test]
    fn a_strange_field_affects_no_other() {
        let (usual, _) = PidStat::parse(
            b"7 (a) S 1 7 7 0 -1 4194304 1 2 3 4 50 60 7 8 39 -19 12 0 990 1234567 345 0 1\n",
        )
        .unwrap();
        #[track_caller]
        fn check(rest: &str, expected: PidStat) {
            let text = format!("7 (a) {rest}");
            let (stat, length) = PidStat::parse(text.as_bytes()).unwrap();
            assert_eq!(stat, expected);
            assert!(length <= text.len());
        }
        let large = "18446744073709551615";
        let larger = "99999999999999999999";
        for odd in [large, larger, "-1", "x", "1x", ""] {
            let unused = PidStat {
                used: None,
                ..usual
            };
            check(
                &format!(
                    "S 1 7 7 0 -1 4194304 1 2 3 4 {odd} 60 7 8 39 -19 12 0 990 1234567 345 0 1\n"
                ),
                unused,
            );
            check(
                &format!(
                    "S 1 7 7 0 -1 4194304 1 2 3 4 50 {odd} 7 8 39 -19 12 0 990 1234567 345 0 1\n"
                ),
                unused,
            );
            let childless = PidStat {
                parent: None,
                ..usual
            };
            check(
                &format!(
                    "S {odd} 7 7 0 -1 4194304 1 2 3 4 50 60 7 8 39 -19 12 0 990 1234567 345 0 1\n"
                ),
                childless,
            );
            let threads = PidStat {
                threads: None,
                ..usual
            };
            check(
                &format!(
                    "S 1 7 7 0 -1 4194304 1 2 3 4 50 60 7 8 39 -19 {odd} 0 990 1234567 345 0 1\n"
                ),
                threads,
            );
        }
        let rest =
            format!("S 1 7 7 0 -1 4194304 1 2 3 4 50 60 7 8 39 -19 12 0 990 1234567 {large} 0 1\n");
        check(
            &rest,
            PidStat {
                rss: Some(u64::MAX),
                ..usual
            },
        );
        let rest = rest.replace(large, larger);
        check(&rest, PidStat { rss: None, ..usual });
        let rest = rest.replace(" -19 ", " 200 ");
        check(
            &rest,
            PidStat {
                rss: None,
                nice: None,
                ..usual
            },
        );
        let rest = rest.replace(" 990 ", " -2 ").replace("S 1", "?? 1");
        let unknown = PidStat {
            state: None,
            rss: None,
            nice: None,
            start: None,
            ..usual
        };
        check(&rest, unknown);
        // The line ends before the last fields.
        let rest = "S 1 7 7 0 -1 4194304 1 2 3 4 50 60 7 8 39 -19 12 0 990\n";
        check(rest, PidStat { rss: None, ..usual });
    }
}
