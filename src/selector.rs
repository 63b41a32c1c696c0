//! Selectors, with which a client selects metrics.
//!
//! A selector is an id (`cpu/all/usage`), a prefix of whole segments (`cpu`, `cpu/all`), or either
//! with `*` for any run of bytes inside a segment (`cpu/*/usage`).

use crate::{object, pattern};

/// The limit of a selector's length, in bytes.
pub const MAX_LENGTH: usize = 256;

/// A selector that is well formed. It may match no metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector<'a> {
    text: &'a str,
}

/// The reason why a text is not a selector.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{selector:?}: {reason}")]
pub struct InvalidSelector {
    /// The text, cut if it is too long.
    pub selector: String,
    /// The rule that it breaks.
    pub reason: &'static str,
}

impl<'a> Selector<'a> {
    /// Checks the form of a selector.
    ///
    /// # Errors
    /// When it is empty or too long, or has an empty segment, a byte that ids cannot have, or a `%` without two
    /// hexadecimal digits after it.
    pub fn parse(text: &'a str) -> Result<Self, InvalidSelector> {
        let invalid = |reason| InvalidSelector {
            selector: text.chars().take(MAX_LENGTH).collect(),
            reason,
        };
        if text.is_empty() {
            return Err(invalid("a selector cannot be empty"));
        }
        if text.len() > MAX_LENGTH {
            return Err(invalid("a selector has at most 256 bytes"));
        }
        if text.starts_with('/') || text.ends_with('/') {
            return Err(invalid("a selector neither begins nor ends with a slash"));
        }
        if text.contains("//") {
            return Err(invalid("a segment cannot be empty"));
        }
        let mut rest = text.as_bytes();
        while let [byte, after @ ..] = rest {
            rest = after;
            match byte {
                b'/' | b'*' => {}
                b'%' => match after {
                    [one, two, ..] if [one, two].iter().all(|hex| hex.is_ascii_hexdigit()) => {}
                    _ => return Err(invalid("% is followed by two hexadecimal digits")),
                },
                byte if object::is_unescaped(*byte) => {}
                _ => {
                    return Err(invalid(
                        "a byte other than A-Z a-z 0-9 . _ : @ + - is written %XX",
                    ));
                }
            }
        }
        Ok(Self { text })
    }

    /// Whether it is an id, which matches at most one metric.
    pub fn is_id(&self) -> bool {
        self.text.split('/').count() == 3 && !self.text.contains('*')
    }

    /// Whether the selector matches this id.
    pub fn matches(&self, id: &str) -> bool {
        pattern::matches(self.text.split('/'), id.split('/'))
    }

    /// Whether the selector may match an id of this scope. May say yes too often, never no.
    pub fn may_match(&self, scope: &str) -> bool {
        pattern::may_match(self.text, scope)
    }
}

/// The limit of compared pairs of bytes in a search for a name: about a millisecond, however many names there are.
const MAX_COMPARISONS: usize = 1 << 17;

/// The name that is most similar to a mistyped one: it has another case, or differs in a few letters. Names with
/// other digits are not similar: they name other devices.
pub fn nearest<'c>(mistyped: &str, names: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = mistyped.to_ascii_lowercase();
    let most = (wanted.len().max(3) / 3).min(3);
    let mut left = MAX_COMPARISONS;
    let mut best = None;
    for name in names {
        let Some(distance) = distance(&wanted, name, most, &mut left) else {
            continue;
        };
        // The first of equals, so that the result depends only on the names.
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// The number of letters in which a name differs from `wanted`, which is in lower case. `None` if they are more than
/// `most`, or no comparisons are `left`.
fn distance(wanted: &str, name: &str, most: usize, left: &mut usize) -> Option<usize> {
    if wanted.eq_ignore_ascii_case(name) {
        return Some(0);
    }
    if wanted.len().abs_diff(name.len()) > most || !digits(wanted).eq(digits(name)) {
        return None;
    }
    *left = left.checked_sub(wanted.len().saturating_mul(name.len()))?;
    let name = name.to_ascii_lowercase();
    let distance = strsim::osa_distance(wanted, &name);
    // sda and sdb are two disks, and no misspelling of one another.
    let is_other = name.len() <= 3 && name.len() == wanted.len() && sorted(wanted) != sorted(&name);
    (distance <= most && !is_other).then_some(distance)
}

fn digits(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(u8::is_ascii_digit)
}

fn sorted(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.sort_unstable();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_is_checked() {
        let valid = |text| assert!(Selector::parse(text).is_ok(), "{text}");
        let invalid = |text: &str| assert!(Selector::parse(text).is_err(), "{text}");
        valid("cpu");
        valid("cpu/all/usage");
        valid("cpu/*/usage");
        valid("lmsensors/nvme-pci-0100/temp1");
        valid("disk/My%20Disk/read");
        valid(&"x".repeat(256));
        invalid(&"x".repeat(257));
        invalid("");
        invalid("/");
        invalid("/cpu");
        invalid("cpu/");
        invalid("cpu//usage");
        invalid("disk/%2/read");
        invalid("disk/%zz/read");
        invalid("disk/x%");
        invalid("disk/My Disk");
        invalid("cpu/ü");
        invalid("cpu\n");
    }

    #[track_caller]
    fn check(selector: &str, id: &str, expected: bool) {
        let parsed = Selector::parse(selector).unwrap();
        assert_eq!(parsed.matches(id), expected, "{selector} {id}");
        // A selector that matches an id may match every scope with it.
        if expected {
            let (object, property) = id.rsplit_once('/').unwrap();
            let source = object.split('/').next().unwrap();
            assert!(parsed.may_match(&format!("{source}/*/{property}")));
            assert!(parsed.may_match(id));
        }
    }

    #[test]
    fn selectors_match_ids() {
        check("cpu/all/usage", "cpu/all/usage", true);
        check("cpu/all/usage", "cpu/all/user", false);
        check("cpu/all", "cpu/all/usage", true);
        check("cpu/al", "cpu/all/usage", false);
        check("cpu", "cpu/all/usage", true);
        check("cpu", "cpus/all/usage", false);
        check("cpu/all/usage/x", "cpu/all/usage", false);
        check("cpu/*/usage", "cpu/cpu3/usage", true);
        check("cpu/*/usage", "cpu/cpu3/user", false);
        check("cpu/cpu*/us*", "cpu/cpu12/usage", true);
        check("cpu/cpu*/us*", "cpu/all/usage", false);
        check("*", "memory/physical/used", true);
        check("*/physical", "memory/physical/used", true);
        check("m*y/*c*/used", "memory/physical/used", true);
        check("*/*/used", "memory/physical/usedPercent", false);
        check("**", "memory/physical/used", true);
        check("a*a/b/c", "a/b/c", false);
    }

    #[test]
    fn selectors_may_match_scopes() {
        let check = |selector, scope, expected| {
            let may = Selector::parse(selector).unwrap().may_match(scope);
            assert_eq!(may, expected, "{selector} {scope}");
        };
        check("cpu/all/usage", "cpu/*/usage", true);
        check("cpu/all/usage", "cpu/all/name", false);
        check("cpu/all/usage", "memory/physical/used", false);
        check("cpu", "cpu/loadaverages/loadaverage1", true);
        check("*/*/us*", "cpu/*/usage", true);
        check("*/*/us*", "cpu/*/name", false);
    }

    #[test]
    fn the_nearest_of_many() {
        let check = |mistyped, names: &[&str], expected: Option<&str>| {
            let nearest = nearest(mistyped, names.iter().copied());
            assert_eq!(nearest, expected, "{mistyped}");
        };
        check("cpuu", &["gpu", "cpu"], Some("cpu"));
        check("CPU", &["cpu", "gpu"], Some("cpu"));
        check("usgae", &["user", "usage"], Some("usage"));
        check("users", &["usage", "user"], Some("user"));
        check("corefrequncy", &["coreFrequency"], Some("coreFrequency"));
        check("al", &["all"], Some("all"));
        check("wlan0", &["lo", "eth0"], None);
        check("eth1", &["eth0"], None);
        check("sdb", &["sda"], None);
        check("weather", &["cpu", "memory", "network"], None);
        check("upload", &["download"], None);
        let (long, longer) = ("x".repeat(200), "x".repeat(201));
        check(&long, &["y", &longer], Some(&longer));
        // This exceeds the limit of comparisons.
        let mut many = vec!["z".repeat(200); 30];
        many.push(longer);
        let many = many.iter().map(String::as_str);
        assert_eq!(nearest(&long, many), None);
    }
}
