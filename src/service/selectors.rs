//! The selectors of a call.

use std::collections::HashSet;

use super::{error::Error, limits::Limits};

/// Whether the selectors of a call are within the limits, also if no two of them are equal.
pub(crate) fn are_within(given: &[&str], limits: &Limits) -> bool {
    let bytes: usize = given.iter().map(|selector| selector.len()).sum();
    given.len() <= limits.selectors && bytes <= limits.selector_bytes
}

/// Removes duplicates from the selectors of a call.
///
/// # Errors
/// `LimitExceeded` if their number or their bytes exceed the limits.
pub(crate) fn distinct<'a>(given: &[&'a str], limits: &Limits) -> Result<Vec<&'a str>, Error> {
    let mut known = HashSet::with_capacity(given.len().min(limits.selectors));
    let mut selectors = Vec::with_capacity(known.capacity());
    let mut bytes = 0_usize;
    // Stops at the limit: comparing a hundred thousand selectors takes milliseconds.
    for selector in given.iter().filter(|selector| known.insert(**selector)) {
        selectors.push(*selector);
        bytes = bytes.saturating_add(selector.len());
        let exceeded = |what: &str, most: usize, limit: &str| {
            Err(Error::limit_exceeded(format!(
                "more than {most} {what} in one call (limits.{limit})"
            )))
        };
        if selectors.len() > limits.selectors {
            return exceeded("selectors", limits.selectors, "selectors");
        }
        if bytes > limits.selector_bytes {
            let what = "bytes of selectors";
            return exceeded(what, limits.selector_bytes, "selector_bytes");
        }
    }
    Ok(selectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_selectors_count_once() {
        let limits = Limits {
            selectors: 2,
            selector_bytes: 6,
            ..Limits::default()
        };
        let check = |given: &'static [&'static str]| distinct(given, &limits);
        assert_eq!(check(&["cpu", "os", "cpu"]).unwrap(), ["cpu", "os"]);
        assert_eq!(check(&[]).unwrap(), [""; 0]);
        assert!(are_within(&["cpu", "os"], &limits));
        for given in [["a", "b", "c"].as_slice(), &["long", "list"]] {
            assert!(!are_within(given, &limits));
            let error = check(given).expect_err("this is refused");
            assert!(error.name().ends_with(".LimitExceeded"), "{error:?}");
        }
    }
}
