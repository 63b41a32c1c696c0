//! The selectors of a call.

use std::collections::HashSet;

use super::{error::Error, limits::Limits};

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
    use zbus::DBusError;

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
        for given in [["a", "b", "c"].as_slice(), &["long", "list"]] {
            let error = check(given).expect_err("this is refused");
            assert!(error.name().ends_with(".LimitExceeded"), "{error:?}");
        }
    }
}
